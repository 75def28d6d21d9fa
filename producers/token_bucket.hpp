// A rate with a burst. Time is an argument; when the clock steps back, the time until then is lost
// and counting goes on from there. One thread.
#pragma once

#include "bus/ids.hpp"

#include <algorithm>

namespace producers {

struct Rate {
    double per_second = 0;
    double burst = 0;
};

class TokenBucket {
public:
    explicit TokenBucket(Rate rate) : rate_(rate), tokens_(rate.burst) {}

    bool take(bus::Timestamp now, double count = 1) {
        refill(now);
        if (tokens_ < std::min(count, rate_.burst)) return false;
        tokens_ -= count;
        return true;
    }

private:
    void refill(bus::Timestamp now) {
        const double elapsed_s = std::chrono::duration<double>(now - at_).count();
        at_ = now;
        if (elapsed_s > 0) tokens_ = std::min(rate_.burst, tokens_ + elapsed_s * rate_.per_second);
    }

    Rate rate_;
    double tokens_;
    bus::Timestamp at_{};
};

}  // namespace producers
