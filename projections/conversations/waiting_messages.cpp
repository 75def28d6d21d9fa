#include "projections/conversations/waiting_messages.hpp"

#include <algorithm>

namespace projections::chat {

namespace {
constexpr std::size_t groups_max = WaitingMessages::count_max / WaitingMessages::group_max + 1;
}

void WaitingMessages::add(bus::Timestamp time) {
    newest.insert(std::upper_bound(newest.begin(), newest.end(), time), time);
    if (newest.size() <= newest_max) return;
    add_to_group(newest.front());
    newest.erase(newest.begin());
}

void WaitingMessages::add_to_group(bus::Timestamp time) {
    if (older.empty() || older.back().count == group_max) older.push_back({time, time, 0});
    Group& group = older.back();
    group.oldest = std::min(group.oldest, time);
    group.newest = std::max(group.newest, time);
    ++group.count;
    // The first group tells since when somebody waits.
    if (older.size() > groups_max) older.erase(older.begin() + 1);
}

void WaitingMessages::answer(bus::Timestamp time) {
    std::erase_if(older, [&](const Group& group) { return group.newest < time; });
    newest.erase(newest.begin(), std::lower_bound(newest.begin(), newest.end(), time));
}

std::size_t WaitingMessages::count_from(bus::Timestamp time) const {
    auto count = static_cast<std::size_t>(newest.end() -
                                          std::lower_bound(newest.begin(), newest.end(), time));
    for (const Group& group : older)
        if (group.newest >= time) count += group.count;
    return std::min(count, count_max);
}

std::optional<bus::Timestamp> WaitingMessages::since() const {
    std::optional<bus::Timestamp> oldest;
    if (!newest.empty()) oldest = newest.front();
    for (const Group& group : older) oldest = std::min(oldest.value_or(group.oldest), group.oldest);
    return oldest;
}

}  // namespace projections::chat
