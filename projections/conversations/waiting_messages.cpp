#include "projections/conversations/waiting_messages.hpp"

#include <algorithm>

namespace projections::chat {

void WaitingMessages::add(bus::Timestamp time) {
    newest.insert(std::upper_bound(newest.begin(), newest.end(), time), time);
    if (newest.size() <= newest_max) return;
    add_to_group(newest.front());
    newest.erase(newest.begin());
}

std::int64_t WaitingMessages::span_of(bus::Timestamp time) const {
    return time.time_since_epoch().count() >> span_bits;
}

void WaitingMessages::add_to_group(bus::Timestamp time) {
    const auto is_before = [&](const Group& group, std::int64_t span) {
        return span_of(group.oldest) < span;
    };
    auto group = std::lower_bound(older.begin(), older.end(), span_of(time), is_before);
    if (group == older.end() || span_of(group->oldest) != span_of(time))
        group = older.insert(group, {time, time, 0});
    group->oldest = std::min(group->oldest, time);
    group->newest = std::max(group->newest, time);
    ++group->count;
    while (older.size() > groups_max) widen_spans();
}

void WaitingMessages::widen_spans() {
    ++span_bits;
    std::vector<Group> wider;
    for (const Group& group : older) {
        if (wider.empty() || span_of(wider.back().oldest) != span_of(group.oldest)) {
            wider.push_back(group);
            continue;
        }
        wider.back().newest = std::max(wider.back().newest, group.newest);
        wider.back().count += group.count;
    }
    older = std::move(wider);
}

void WaitingMessages::answer(bus::Timestamp time) {
    std::erase_if(older, [&](const Group& group) { return group.newest < time; });
    if (older.empty()) span_bits = 0;
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
