#include "tools/interrupt.hpp"

#include <chrono>
#include <csignal>
#include <thread>

namespace tools {
namespace {

volatile std::sig_atomic_t signalled = 0;
constexpr bus::milliseconds look_again{50};

void note(int number) {
    signalled = 1;
    std::signal(number, SIG_DFL);
}

}  // namespace

void watch_for_interrupt() {
    std::signal(SIGINT, note);
    std::signal(SIGTERM, note);
}

bool interrupted() {
    return signalled != 0;
}

bool sleep_unless_interrupted(bus::milliseconds time) {
    const auto until = std::chrono::steady_clock::now() + time;
    while (!interrupted() && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(std::min(time, look_again));
    return !interrupted();
}

}  // namespace tools
