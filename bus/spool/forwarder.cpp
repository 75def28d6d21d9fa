#include "bus/spool/forwarder.hpp"

#include "bus/spool/spool_probe.hpp"

#include <algorithm>

namespace bus::spool {

namespace {

using Steady = std::chrono::steady_clock;

constexpr milliseconds look_again{200};   // at an empty spool, or when nothing more can be sent
constexpr milliseconds pause_max{5'000};  // doubled while attempts fail and bring nothing
constexpr milliseconds idle_before_clear{1'000};

}  // namespace

Forwarder::Forwarder(ReturningLog& target, Spool& spool)
    : target_(target),
      spool_(spool),
      rests_(spool.options().rests),
      pause_(look_again),
      thread_([this] { run(); }) {}

void Forwarder::stop() {
    stopping_ = true;
    stopped_.notify();
    spool_.arrived().notify();
    if (thread_.joinable()) thread_.join();
}

void Forwarder::run() {
    while (!stopping_) {
        const std::uint64_t seen = spool_.arrived().count();
        const bool accepts = target_.status().accepting;
        if (!accepts) pause_ = look_again;  // no reason to be late when it is back
        if (accepts && spool_.records() > 0 && forward_some()) continue;
        keep_house();
        if (spool_.records() == 0)
            spool_.arrived().wait(seen, look_again);
        else
            stopped_.wait(0, pause_);
    }
}

// False when it has to be tried again later.
bool Forwarder::forward_some() {
    bool failed = false;
    Forwarding forwarding(target_, spool_, rests_, [&](const Error& error) {
        failed = true;
        if (!stopping_) report_failure(error);
    });
    const std::uint64_t forwarded = forwarding.run(stopping_);
    forwarded_ += forwarded;
    if (!failed) failing_ = false;
    const bool in_vain = failed && forwarded == 0;
    pause_ = std::clamp(in_vain ? 2 * pause_ : look_again, look_again, pause_max);
    return !failed && forwarded > 0;
}

// When all has been forwarded for a while, the space is given back.
void Forwarder::keep_house() {
    if (auto kept = spool_.keep_house(); !kept) report_failure(kept.error());
    SpoolProbe::holds(spool_.records(), spool_.bytes());
    const bool is_used = spool_.records() == 0 && forwarded_ > 0;
    if (!is_used) {
        idle_since_ = Steady::now();
        return;
    }
    if (Steady::now() - idle_since_ < idle_before_clear) return;
    const auto cleared = spool_.clear();
    if (!cleared) return report_failure(cleared.error());
    if (!*cleared) return;
    SpoolProbe::forwarded_all(forwarded_);
    forwarded_ = 0;
}

void Forwarder::report_failure(const Error& error) {
    if (!failing_) SpoolProbe::forwarding_failed(error, spool_.records());
    failing_ = true;
}

}  // namespace bus::spool
