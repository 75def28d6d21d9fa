#include "bus/look_again.hpp"

#include <chrono>
#include <thread>

namespace bus {

namespace {
constexpr int looks_max = 3;
constexpr std::chrono::milliseconds pause{700};
}  // namespace

Result<Done> look_again_at_loss(const std::function<Result<Done>()>& look) {
    for (int looks = 1;; ++looks) {
        auto found = look();
        if (found || found.error().code != ErrorCode::corrupt || looks == looks_max) return found;
        std::this_thread::sleep_for(pause);
    }
}

}  // namespace bus
