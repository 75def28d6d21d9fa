// Waits for what comes by itself: no test sleeps for as long as it guesses that something takes.
#pragma once

#include <chrono>
#include <thread>

namespace tests {

inline constexpr std::chrono::seconds eventually_max{30};

// Whether `holds` comes to be true. What it looks at must become true by itself; beyond `patience`
// the test has failed.
template <typename Condition>
bool eventually(Condition holds, std::chrono::milliseconds patience = eventually_max) {
    constexpr std::chrono::milliseconds look_again{5};
    const auto give_up = std::chrono::steady_clock::now() + patience;
    while (!holds()) {
        if (std::chrono::steady_clock::now() >= give_up) return false;
        std::this_thread::sleep_for(look_again);
    }
    return true;
}

}  // namespace tests
