// A disk in memory that keeps, when the power is cut, what was synced and any part of what was not:
// sectors of files, and names in folders (simulated_node.hpp).
//
// Calls that change something are counted, so that a test can cut the power or let a call fail at
// every one of them.
#pragma once

#include "bus/embedded/file_ops.hpp"
#include "tests/support/simulated_node.hpp"

#include <algorithm>
#include <mutex>
#include <set>

namespace tests {

class SimulatedDisk final : public bus::embedded::FileOps {
public:
    explicit SimulatedDisk(std::uint64_t seed) : random_(seed) {}

    // A disk that says yes to a sync and forgets it: what a correct test must notice.
    void ignore_syncs(bool ignore) {
        std::lock_guard lock(mutex_);
        ignores_syncs_ = ignore;
    }
    void ignore_folder_syncs(bool ignore) {
        std::lock_guard lock(mutex_);
        ignores_folder_syncs_ = ignore;
    }
    // The power goes during the n-th changing call from now; 1 = the next.
    void cut_at_call(std::uint64_t nth) {
        std::lock_guard lock(mutex_);
        cut_at_ = calls_ + nth;
    }
    void fail_call(std::uint64_t nth) {
        std::lock_guard lock(mutex_);
        failing_.insert(calls_ + nth);
    }
    void heal() {
        std::lock_guard lock(mutex_);
        failing_.clear();
    }
    std::uint64_t calls() const {
        std::lock_guard lock(mutex_);
        return calls_;
    }
    bool is_off() const {
        std::lock_guard lock(mutex_);
        return off_;
    }
    void cut() {
        std::lock_guard lock(mutex_);
        off_ = true;
    }
    // Decides what survived, and starts again.
    void power_on() {
        std::lock_guard lock(mutex_);
        root_->settle(random_);
        off_ = false;
        cut_at_ = 0;
        failing_.clear();
    }

    // Whether a file that has a name holds this text.
    bool holds(std::string_view text) const {
        std::lock_guard lock(mutex_);
        return root_->holds(text);
    }

    bus::Result<bus::Done> make_directory(const Path& directory) override {
        std::lock_guard lock(mutex_);
        SimulatedNode* above = root_.get();
        for (const Path& step : directory) {
            auto& folder = above->folder;
            if (folder.current.count(step.string()) == 0) {
                auto made = std::make_shared<SimulatedNode>();
                made->is_folder = true;
                if (!change(folder, {{step.string(), std::move(made)}})) return failure("make");
            }
            if (!ignores_folder_syncs_) folder.sync();
            above = folder.current.at(step.string()).get();
        }
        return bus::Done{};
    }
    bus::Result<std::vector<std::string>> list(const Path& directory) override {
        std::lock_guard lock(mutex_);
        const auto node = find(directory);
        if (off_ || !node) return failure("list");
        std::vector<std::string> out;
        for (const auto& [name, file] : node->folder.current) out.push_back(name);
        return out;
    }
    bus::Result<std::unique_ptr<bus::embedded::File>> open(const Path& file) override {
        std::lock_guard lock(mutex_);
        const auto node = find(file);
        if (off_ || !node || node->is_folder) return failure("open");
        return std::unique_ptr<bus::embedded::File>(std::make_unique<SimulatedFile>(*this, node));
    }
    bus::Result<bus::Done> create_zeroed(const Path& file, std::uint64_t bytes) override {
        std::lock_guard lock(mutex_);
        const auto above = find(file.parent_path());
        if (!above) return failure("create");
        auto made = std::make_shared<SimulatedNode>();
        made->content.durable.assign(bytes, '\0');
        made->content.current = made->content.durable;
        if (change(above->folder, {{file.filename().string(), made}})) return bus::Done{};
        if (off_) made->content.durable.resize(random_() % (bytes + 1));  // cut off in the middle
        return failure("create");
    }
    bus::Result<bus::Done> rename(const Path& from, const Path& to) override {
        std::lock_guard lock(mutex_);
        BUS_ASSERT(from.parent_path() == to.parent_path(), "names change within a folder");
        const auto node = find(from);
        if (!node || !change(find(from.parent_path())->folder,
                             {{to.filename().string(), node}, {from.filename().string(), nullptr}}))
            return failure("rename");
        return bus::Done{};
    }
    bus::Result<bus::Done> remove(const Path& file) override {
        std::lock_guard lock(mutex_);
        const auto node = find(file);
        if (!node || !node->folder.current.empty() ||
            !change(find(file.parent_path())->folder, {{file.filename().string(), nullptr}}))
            return failure("remove");
        return bus::Done{};
    }
    bus::Result<bus::Done> sync_directory(const Path& directory) override {
        std::lock_guard lock(mutex_);
        const auto node = find(directory);
        if (!node || !may_change()) return failure("sync directory");
        if (!ignores_folder_syncs_) node->folder.sync();
        return bus::Done{};
    }
    bus::Result<std::uint64_t> free_bytes(const Path&) override { return std::uint64_t{1} << 40; }
    bus::Result<std::unique_ptr<bus::embedded::DirectoryLock>> lock(const Path&) override {
        return std::make_unique<bus::embedded::DirectoryLock>();
    }

private:
    class SimulatedFile final : public bus::embedded::File {
    public:
        SimulatedFile(SimulatedDisk& disk, std::shared_ptr<SimulatedNode> node)
            : disk_(disk), node_(std::move(node)), size_(node_->content.current.size()) {}

        bus::Result<bus::Done> write_at(std::uint64_t offset, std::string_view bytes) override {
            std::lock_guard lock(disk_.mutex_);
            BUS_ASSERT(offset % 4096 == 0 && bytes.size() % 4096 == 0, "direct I/O wants pages");
            if (disk_.off_ || offset + bytes.size() > size_) return failure("write");
            const bool whole = disk_.may_change();
            if (!whole && !disk_.off_) return failure("write");
            node_->content.unsynced.emplace_back(offset, bytes);
            if (!whole) return failure("write");
            node_->content.current.replace(offset, bytes.size(), bytes);
            return bus::Done{};
        }
        bus::Result<bus::Done> sync() override {
            std::lock_guard lock(disk_.mutex_);
            if (!disk_.may_change()) return failure("sync");
            if (disk_.ignores_syncs_) return bus::Done{};
            node_->content.sync();
            return bus::Done{};
        }
        bus::Result<std::size_t> read_at(std::uint64_t offset, char* into,
                                         std::size_t bytes) override {
            std::lock_guard lock(disk_.mutex_);
            if (disk_.off_) return failure("read");
            if (offset >= size_) return std::size_t{0};
            const std::size_t n = std::min<std::size_t>(bytes, size_ - offset);
            node_->content.current.copy(into, n, offset);
            return n;
        }
        std::uint64_t size() const override { return size_; }

    private:
        SimulatedDisk& disk_;
        std::shared_ptr<SimulatedNode> node_;  // with its names, and those who hold it open
        std::uint64_t size_;
    };

    static bus::Error failure(std::string_view what) {
        return bus::fail(bus::ErrorCode::unavailable, "{}: the simulated disk failed", what);
    }

    // Counts one call; false when it fails, or when the power went.
    bool may_change() {
        if (off_) return false;
        ++calls_;
        if (calls_ == cut_at_) off_ = true;
        return !off_ && failing_.count(calls_) == 0;
    }

    // What the power goes in the middle of may have happened.
    bool change(SimulatedFolder& folder, const SimulatedNames& names) {
        const bool was_on = !off_;
        const bool whole = may_change();
        if (whole || (was_on && off_)) folder.change(names);
        return whole;
    }

    std::shared_ptr<SimulatedNode> find(const Path& path) const {
        std::shared_ptr<SimulatedNode> node = root_;
        for (const Path& step : path) {
            const auto found = node->folder.current.find(step.string());
            if (found == node->folder.current.end()) return nullptr;
            node = found->second;
        }
        return node;
    }

    mutable std::mutex mutex_;
    std::mt19937_64 random_;  // guarded by mutex_, as all below
    const std::shared_ptr<SimulatedNode> root_ = std::make_shared<SimulatedNode>();
    std::set<std::uint64_t> failing_;
    std::uint64_t calls_ = 0, cut_at_ = 0;
    bool off_ = false, ignores_syncs_ = false, ignores_folder_syncs_ = false;
};

}  // namespace tests
