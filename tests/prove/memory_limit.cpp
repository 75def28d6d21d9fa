#include "tests/prove/memory_limit.hpp"

#include <unistd.h>

#include <fstream>
#include <stdexcept>

namespace tests::prove {
namespace fs = std::filesystem;
namespace {

const fs::path groups_v1 = "/sys/fs/cgroup/memory", groups_v2 = "/sys/fs/cgroup";

std::string limit_file(bool is_v1) {
    return is_v1 ? "memory.limit_in_bytes" : "memory.max";
}

fs::path fresh_group(bool is_v1) {
    return (is_v1 ? groups_v1 : groups_v2) / ("tributary-prove-" + std::to_string(::getpid()));
}

bool has_v1() {
    return fs::exists(groups_v1 / limit_file(true));
}

}  // namespace

bool MemoryLimit::can_be_set() {
    const fs::path group = fresh_group(has_v1());
    std::error_code failure;
    fs::create_directory(group, failure);
    if (failure) return false;
    const bool writable = ::access((group / limit_file(has_v1())).c_str(), W_OK) == 0;
    fs::remove(group, failure);
    return writable;
}

MemoryLimit::MemoryLimit(std::uint64_t bytes) : is_v1_(has_v1()), group_(fresh_group(is_v1_)) {
    fs::create_directory(group_);
    const fs::path limit = group_ / limit_file(is_v1_);
    std::ofstream(limit) << bytes << std::flush;
    if (number(limit.filename(), "") == bytes) return;
    fs::remove(group_);
    throw std::runtime_error("does not take a limit: " + limit.string());
}

MemoryLimit::~MemoryLimit() {
    std::error_code ignored;
    fs::remove(group_, ignored);
}

bool MemoryLimit::holds(int process) const {
    std::ifstream file(entry());
    for (int one; file >> one;)
        if (one == process) return true;
    return false;
}

bool MemoryLimit::was_felt() const {
    return (is_v1_ ? number("memory.failcnt", "") : number("memory.events", "max")) > 0;
}

bool MemoryLimit::has_killed() const {
    return number(is_v1_ ? "memory.oom_control" : "memory.events", "oom_kill") > 0;
}

// What stands in the file, beside this key if there is one.
std::uint64_t MemoryLimit::number(const std::string& file, const std::string& key) const {
    std::ifstream text(group_ / file);
    std::string word;
    while (!key.empty() && text >> word && word != key) {
    }
    std::uint64_t value = 0;
    if (text >> value) return value;
    throw std::runtime_error((group_ / file).string() + " holds no number " + key);
}

}  // namespace tests::prove
