// A test seam: named places at which a test lets the process die as by kill -9.
//
// TRIBUTARY_CRASH_AT=NAME in the environment, read once, ends the process with SIGKILL when it
// comes to crash_point(NAME); NAME:3 the third time. Without the variable a call costs a compare.
// Names are "area.what_has_just_happened". Threads: any.
#pragma once

#include <signal.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <string_view>

namespace bus {

class CrashPoints {
public:
    explicit CrashPoints(const char* wanted) : name_(wanted ? wanted : "") {
        const std::size_t colon = name_.find(':');
        if (colon == std::string::npos) return;
        passes_left_ = std::atol(name_.c_str() + colon + 1);
        name_.resize(colon);
    }
    bool reached(std::string_view name) {
        return !name_.empty() && name == name_ && --passes_left_ == 0;
    }

private:
    std::string name_;
    std::atomic<long> passes_left_{1};
};

inline void crash_point(std::string_view name) {
    static CrashPoints points(std::getenv("TRIBUTARY_CRASH_AT"));
    if (points.reached(name)) ::raise(SIGKILL);
}

}  // namespace bus
