// What a double of a disk is that changes one thing about another: everything else goes to it.
#pragma once

#include "bus/embedded/file_ops.hpp"

namespace tests {

class ForwardingDisk : public bus::embedded::FileOps {
public:
    explicit ForwardingDisk(bus::embedded::FileOps& disk) : disk_(disk) {}

    bus::Result<bus::Done> make_directory(const Path& directory) override {
        return disk_.make_directory(directory);
    }
    bus::Result<std::vector<std::string>> list(const Path& directory) override {
        return disk_.list(directory);
    }
    bus::Result<std::unique_ptr<bus::embedded::File>> open(const Path& file) override {
        return disk_.open(file);
    }
    bus::Result<bus::Done> create_zeroed(const Path& file, std::uint64_t bytes) override {
        return disk_.create_zeroed(file, bytes);
    }
    bus::Result<bus::Done> rename(const Path& from, const Path& to) override {
        return disk_.rename(from, to);
    }
    bus::Result<bus::Done> remove(const Path& file) override { return disk_.remove(file); }
    bus::Result<bus::Done> sync_directory(const Path& directory) override {
        return disk_.sync_directory(directory);
    }
    bus::Result<std::uint64_t> free_bytes(const Path& directory) override {
        return disk_.free_bytes(directory);
    }
    bus::Result<std::unique_ptr<bus::embedded::DirectoryLock>> lock(
        const Path& directory) override {
        return disk_.lock(directory);
    }

private:
    bus::embedded::FileOps& disk_;
};

}  // namespace tests
