// A memory limit of the kernel's control groups, what a container has: page cache included.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace tests::prove {

class MemoryLimit {
public:
    // False where this process may make no control group that has to do with memory.
    static bool can_be_set();

    explicit MemoryLimit(std::uint64_t bytes);  // throws where it cannot be set
    ~MemoryLimit();
    MemoryLimit(const MemoryLimit&) = delete;
    MemoryLimit& operator=(const MemoryLimit&) = delete;

    // A process that writes 0 here is under the limit from then on.
    std::filesystem::path entry() const { return group_ / "cgroup.procs"; }
    bool holds(int process) const;
    bool was_felt() const;  // more was wanted than it lets have: something had to be given back
    bool has_killed() const;

private:
    std::uint64_t number(const std::string& file, const std::string& key) const;

    const bool is_v1_;
    const std::filesystem::path group_;
};

}  // namespace tests::prove
