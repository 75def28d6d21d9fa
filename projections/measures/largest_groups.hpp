// Which groups of a measure are the largest, told with a bounded number of counters.
//
// Exact while there are no more groups than counters. Beyond that a group that is shown may be
// smaller than one that is left out, by at most two parts in counters_max of everything counted.
#pragma once

#include "bus/ids.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace projections {

struct GroupKey {
    bus::Timestamp bucket{};  // its start
    std::vector<std::string> dimensions;
    auto operator<=>(const GroupKey&) const = default;
};

class LargestGroups {
public:
    static constexpr std::size_t counters_default = 20'000;
    explicit LargestGroups(std::size_t counters_max = counters_default)
        : counters_max_(counters_max) {}

    void add(const GroupKey& group, std::int64_t amount);
    // At most so many.
    std::vector<GroupKey> take(std::size_t count) const;

private:
    void make_room();

    const std::size_t counters_max_;
    std::map<GroupKey, std::int64_t> counters_;
};

}  // namespace projections
