// A disk in memory that keeps, when the power is cut, what was synced and any part of what was not.
//
// Written sectors of 512 bytes survive or not, each by itself; a renamed or new file survives if
// its directory was synced. Calls that change something are counted, so that a test can cut the
// power or let a call fail at every one of them.
#pragma once

#include "bus/embedded/file_ops.hpp"

#include <map>
#include <mutex>
#include <random>
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
        if (random_() % 2 == 0) names_ = synced_names_;
        synced_names_ = names_;
        for (auto& [name, content] : names_) settle(*content);
        off_ = false;
        cut_at_ = 0;
        failing_.clear();
    }

    bus::Result<bus::Done> make_directory(const Path&) override { return bus::Done{}; }
    bus::Result<std::vector<std::string>> list(const Path&) override {
        std::lock_guard lock(mutex_);
        std::vector<std::string> out;
        for (const auto& [name, content] : names_) out.push_back(name);
        return out;
    }
    bus::Result<std::unique_ptr<bus::embedded::File>> open(const Path& file) override {
        std::lock_guard lock(mutex_);
        auto found = names_.find(file.filename().string());
        if (off_ || found == names_.end()) return failure("open");
        return std::unique_ptr<bus::embedded::File>(
            std::make_unique<SimulatedFile>(*this, found->second));
    }
    bus::Result<bus::Done> create_zeroed(const Path& file, std::uint64_t bytes) override {
        std::lock_guard lock(mutex_);
        if (!may_change()) return failure("create");
        auto content = std::make_shared<Content>();
        content->durable.assign(bytes, '\0');
        content->current = content->durable;
        names_[file.filename().string()] = content;
        return bus::Done{};
    }
    bus::Result<bus::Done> rename(const Path& from, const Path& to) override {
        std::lock_guard lock(mutex_);
        auto found = names_.find(from.filename().string());
        if (!may_change() || found == names_.end()) return failure("rename");
        names_[to.filename().string()] = found->second;
        names_.erase(found);
        return bus::Done{};
    }
    bus::Result<bus::Done> remove(const Path& file) override {
        std::lock_guard lock(mutex_);
        if (off_ || names_.erase(file.filename().string()) == 0) return failure("remove");
        return bus::Done{};
    }
    bus::Result<bus::Done> sync_directory(const Path&) override {
        std::lock_guard lock(mutex_);
        if (!may_change()) return failure("sync directory");
        synced_names_ = names_;
        return bus::Done{};
    }
    bus::Result<std::uint64_t> free_bytes(const Path&) override { return std::uint64_t{1} << 40; }
    bus::Result<std::unique_ptr<bus::embedded::DirectoryLock>> lock(const Path&) override {
        return std::make_unique<bus::embedded::DirectoryLock>();
    }

private:
    struct Content {
        std::string durable, current;
        std::vector<std::pair<std::uint64_t, std::string>> unsynced;
    };

    class SimulatedFile final : public bus::embedded::File {
    public:
        SimulatedFile(SimulatedDisk& disk, std::shared_ptr<Content> content)
            : disk_(disk), content_(std::move(content)), size_(content_->current.size()) {}

        bus::Result<bus::Done> write_at(std::uint64_t offset, std::string_view bytes) override {
            std::lock_guard lock(disk_.mutex_);
            BUS_ASSERT(offset % 4096 == 0 && bytes.size() % 4096 == 0, "direct I/O wants pages");
            if (disk_.off_ || offset + bytes.size() > size_) return failure("write");
            const bool whole = disk_.may_change();
            if (!whole && !disk_.off_) return failure("write");
            content_->unsynced.emplace_back(offset, bytes);
            if (!whole) return failure("write");
            content_->current.replace(offset, bytes.size(), bytes);
            return bus::Done{};
        }
        bus::Result<bus::Done> sync() override {
            std::lock_guard lock(disk_.mutex_);
            if (!disk_.may_change()) return failure("sync");
            if (disk_.ignores_syncs_) return bus::Done{};
            content_->durable = content_->current;
            content_->unsynced.clear();
            return bus::Done{};
        }
        bus::Result<std::size_t> read_at(std::uint64_t offset, char* into,
                                         std::size_t bytes) override {
            std::lock_guard lock(disk_.mutex_);
            if (disk_.off_) return failure("read");
            if (offset >= size_) return std::size_t{0};
            const std::size_t n = std::min<std::size_t>(bytes, size_ - offset);
            content_->current.copy(into, n, offset);
            return n;
        }
        std::uint64_t size() const override { return size_; }

    private:
        SimulatedDisk& disk_;
        std::shared_ptr<Content> content_;
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

    void settle(Content& content) {
        constexpr std::size_t sector_bytes = 512;
        content.current = content.durable;
        const auto mode = random_() % 3;  // nothing, everything, or by sector
        for (const auto& [offset, bytes] : content.unsynced)
            for (std::size_t at = 0; at < bytes.size(); at += sector_bytes)
                if (mode == 1 || (mode == 2 && random_() % 2 == 0))
                    content.current.replace(offset + at, sector_bytes, bytes, at, sector_bytes);
        content.durable = content.current;
        content.unsynced.clear();
    }

    mutable std::mutex mutex_;
    std::mt19937_64 random_;  // guarded by mutex_, as all below
    std::map<std::string, std::shared_ptr<Content>> names_, synced_names_;
    std::set<std::uint64_t> failing_;
    std::uint64_t calls_ = 0, cut_at_ = 0;
    bool off_ = false, ignores_syncs_ = false;
};

}  // namespace tests
