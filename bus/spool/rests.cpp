#include "bus/spool/rests.hpp"

#include "bus/spool/spool_probe.hpp"

#include <algorithm>

namespace bus::spool {

void Rests::go_apart(TopicPartition where) {
    const std::lock_guard lock(mutex_);
    apart_[where].records_left = options_.records_apart;
}

bool Rests::is_due(TopicPartition where) const {
    return Steady::now() >= apart_.at(where).until;
}

void Rests::refused(TopicPartition where, const Error& error) {
    const std::lock_guard lock(mutex_);
    Rest& rest = apart_[where];
    const bool is_first = rest.pause.count() == 0;
    rest.records_left = options_.records_apart;
    rest.pause = std::clamp(rest.pause * 2, options_.pause_min, options_.pause_max);
    rest.until = Steady::now() + rest.pause;
    rest.reason = error.message;
    SpoolProbe::refused(resting());
    if (is_first) SpoolProbe::rests(where, error);
}

void Rests::stored(TopicPartition where, bool more_waits) {
    const auto found = apart_.find(where);
    if (found == apart_.end()) return;
    const std::lock_guard lock(mutex_);
    wake(where, found->second);
    if (--found->second.records_left == 0 || !more_waits) apart_.erase(found);
}

void Rests::wake(TopicPartition where, Rest& rest) {
    if (rest.pause.count() == 0) return;
    rest.pause = milliseconds{0};
    SpoolProbe::goes_on(where, resting());
}

std::size_t Rests::resting() const {
    return static_cast<std::size_t>(std::count_if(
        apart_.begin(), apart_.end(), [](const auto& at) { return at.second.pause.count() > 0; }));
}

std::string Rests::told() const {
    const std::lock_guard lock(mutex_);
    std::string told;
    for (const auto& [where, rest] : apart_) {
        if (rest.pause.count() == 0) continue;
        told += fmt::format("; {}[{}] rests: {} (put that right, it goes on by itself)",
                            name(where.topic), where.partition, rest.reason);
    }
    return told;
}

}  // namespace bus::spool
