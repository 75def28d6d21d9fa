// What this process has used so far, for the benchmarks.
#pragma once

#include <sys/resource.h>

#include <cstdint>
#include <fstream>
#include <string>

namespace bench {

inline double cpu_us() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto us = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_usec);
    };
    return us(usage.ru_utime) + us(usage.ru_stime);
}

inline double cpu_seconds() {
    return cpu_us() / 1e6;
}

// The number behind `name` in one of the kernel's tables (/proc/self/io, /proc/self/status).
inline std::uint64_t kernel_count(const char* table, const std::string& name) {
    std::ifstream lines(table);
    for (std::string word; lines >> word;)
        if (std::uint64_t value = 0; word == name && lines >> value) return value;
    return 0;
}

inline std::uint64_t bytes_written() {
    return kernel_count("/proc/self/io", "write_bytes:");
}
inline std::uint64_t rss_mib() {
    return kernel_count("/proc/self/status", "VmRSS:") / 1024;
}
inline std::uint64_t rss_mib_max() {
    return kernel_count("/proc/self/status", "VmHWM:") / 1024;
}

}  // namespace bench
