#include "projections/measures/largest_groups.hpp"

#include <algorithm>

namespace projections {

void LargestGroups::add(const GroupKey& group, std::int64_t amount) {
    counters_[group] += amount;
    if (counters_.size() > counters_max_) make_room();
}

// All counters lose the median, and those without anything left go. At least half of them lose it
// whole, so that no counter ever loses more than two parts in counters_max_ of everything.
void LargestGroups::make_room() {
    std::vector<std::int64_t> amounts;
    amounts.reserve(counters_.size());
    for (const auto& [group, amount] : counters_) amounts.push_back(amount);
    const auto middle = amounts.begin() + static_cast<std::ptrdiff_t>(amounts.size() / 2);
    std::nth_element(amounts.begin(), middle, amounts.end());
    for (auto& [group, amount] : counters_) amount -= *middle;
    std::erase_if(counters_, [](const auto& counter) { return counter.second <= 0; });
}

std::vector<GroupKey> LargestGroups::take(std::size_t count) const {
    std::vector<std::pair<GroupKey, std::int64_t>> ordered(counters_.begin(), counters_.end());
    std::stable_sort(ordered.begin(), ordered.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    ordered.resize(std::min(count, ordered.size()));
    std::vector<GroupKey> groups;
    groups.reserve(ordered.size());
    for (auto& [group, amount] : ordered) groups.push_back(std::move(group));
    return groups;
}

}  // namespace projections
