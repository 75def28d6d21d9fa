// Two processes under load, killed one by one, together, or with their broker, and checked.
#pragma once

#include "tests/support/apart_platform.hpp"
#include "tests/support/checked_view.hpp"

#include <optional>
#include <random>

namespace tests {

enum class ApartKill { receive, project, both, both_and_broker };
std::string_view name(ApartKill kill);
inline constexpr int apart_kills = 4;

class ApartKills {
public:
    ApartKills(const std::string& program, std::uint64_t seed);

    // Under load for a moment, killed, started again, checked; what is wrong, "" = nothing.
    // `rows`: also the rows against a fresh fold.
    std::string kill_and_check(ApartKill kill, bool rows);
    std::size_t acknowledged() const { return load_->acknowledged(); }
    // Of those, the ones that came while nothing folded.
    std::size_t acknowledged_alone() const { return alone_; }

private:
    void kill_under_load(ApartKill kill);

    std::mt19937_64 random_;
    ApartPlatform pair_;
    std::optional<checker::CheckedLoad> load_;
    checker::CheckedView view_;
    std::size_t alone_ = 0;
};

}  // namespace tests
