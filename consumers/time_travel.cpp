#include "consumers/time_travel.hpp"

#include <algorithm>

namespace consumers {

using bus::Done;
using bus::ErrorCode;
using bus::Result;
using projections::AsOf;

namespace {

std::string text_of(const AsOf& as_of) {
    return as_of.time ? bus::to_iso(*as_of.time) : bus::to_token(*as_of.position);
}

bus::Error told_to_stop() {
    return bus::fail(ErrorCode::cancelled, "the server is stopping");
}

// Whoever waits for a moment must be told how it ended, also where memory runs out.
Result<std::shared_ptr<const projections::PastRows>> fold_whatever_comes(
    const ProjectorSetup& setup, const PastWish& wish, const std::atomic<bool>& stopping) {
    try {
        return fold_past(setup, wish, stopping);
    } catch (const std::exception& error) {
        return bus::fail(ErrorCode::unavailable, "that moment could not be read: {}", error.what());
    }
}

}  // namespace

TimeTravel::TimeTravel(ProjectorSetup setup, bus::Clock& clock, const PastLimits& limits)
    : setup_(std::move(setup)), clock_(clock), limits_(limits) {}

Result<TimeTravel::Rows> TimeTravel::rows(bus::TenantId tenant, const AsOf& as_of) {
    if (auto checked = check(tenant, as_of); !checked) return checked.error();
    const Moment moment{tenant, text_of(as_of), setup_.registry.generations()};
    std::unique_lock lock(mutex_);
    if (auto kept = find_kept(moment)) return kept;
    const auto asked = join(moment);
    if (!asked) return asked.error();
    auto answer = wait_or_fold(lock, *asked, as_of);
    leave(*asked);
    return answer;
}

Result<Done> TimeTravel::check(bus::TenantId tenant, const AsOf& as_of) const {
    if (as_of.time && *as_of.time > clock_.now())
        return bus::fail(ErrorCode::invalid_input, "as_of {} has not come yet",
                         bus::to_iso(*as_of.time));
    if (as_of.position && as_of.position->partition !=
                              bus::partition_of(bus::to_string(tenant), setup_.log.partitions()))
        return bus::fail(ErrorCode::invalid_input, "that position is of another partition");
    return Done{};
}

TimeTravel::Rows TimeTravel::find_kept(const Moment& moment) {
    const auto now = std::chrono::steady_clock::now();
    kept_.remove_if([&](const Kept& kept) {
        return kept.moment.generations != moment.generations ||
               now - kept.read_at > limits_.moment_kept;
    });
    const auto found = std::find_if(kept_.begin(), kept_.end(),
                                    [&](const Kept& kept) { return kept.moment == moment; });
    return found == kept_.end() ? nullptr : found->rows;
}

Result<std::shared_ptr<TimeTravel::Asked>> TimeTravel::join(const Moment& moment) {
    if (stopping_) return told_to_stop();
    std::size_t asking = 0, of_tenant = 0;
    for (const auto& asked : asked_) {
        asking += asked->threads;
        if (asked->moment.tenant == moment.tenant) of_tenant += asked->threads;
    }
    if (asking >= limits_.asking_max || of_tenant >= limits_.tenant_asking_max)
        return bus::fail(ErrorCode::unavailable,
                         "too many reads ask for moments of the past; try again");
    auto found = std::find_if(asked_.begin(), asked_.end(),
                              [&](const auto& asked) { return asked->moment == moment; });
    if (found == asked_.end())
        found = asked_.insert(found, std::make_shared<Asked>(Asked{.moment = moment}));
    ++(*found)->threads;
    return *found;
}

void TimeTravel::leave(const std::shared_ptr<Asked>& asked) {
    if (--asked->threads == 0) asked_.remove(asked);
}

// In the order of asking, but the tenant that was folded last lets others pass.
bool TimeTravel::is_turn(const Asked& asked) const {
    if (std::any_of(asked_.begin(), asked_.end(),
                    [](const auto& one) { return one->folding_since.has_value(); }))
        return false;
    const auto other = std::find_if(asked_.begin(), asked_.end(), [&](const auto& one) {
        return one->moment.tenant != last_folded_;
    });
    return (other == asked_.end() ? asked_.front() : *other).get() == &asked;
}

Result<TimeTravel::Rows> TimeTravel::wait_or_fold(std::unique_lock<std::mutex>& lock,
                                                  const std::shared_ptr<Asked>& asked,
                                                  const AsOf& as_of) {
    const bool in_time = changed_.wait_for(
        lock, limits_.wait_max, [&] { return stopping_ || asked->outcome || is_turn(*asked); });
    if (asked->outcome) return *asked->outcome;
    if (stopping_) return told_to_stop();
    if (!in_time)
        return bus::fail(ErrorCode::unavailable,
                         "another moment of the past is being read; try again");
    asked->folding_since = std::chrono::steady_clock::now();
    last_folded_ = asked->moment.tenant;
    const PastWish wish{asked->moment.tenant, as_of, asked->moment.generations, clock_.now(),
                        limits_.fold_max};
    lock.unlock();
    auto outcome = fold_whatever_comes(setup_, wish, stopping_);
    lock.lock();
    settle(asked, outcome);
    return outcome;
}

void TimeTravel::settle(const std::shared_ptr<Asked>& asked, const Result<Rows>& outcome) {
    asked->outcome = outcome;
    asked_.remove(asked);
    if (outcome) kept_.push_front({asked->moment, *asked->folding_since, *outcome});
    if (kept_.size() > limits_.moments_kept_max) kept_.pop_back();
    changed_.notify_all();
}

void TimeTravel::forget() {
    std::lock_guard lock(mutex_);
    kept_.clear();
    // What is folded right now is given to nobody who asks from now on.
    for (const auto& asked : asked_)
        if (asked->folding_since) asked->moment.generations = nullptr;
}

void TimeTravel::stop() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
}

std::size_t TimeTravel::asking() const {
    std::lock_guard lock(mutex_);
    std::size_t threads = 0;
    for (const auto& asked : asked_) threads += asked->threads;
    return threads;
}

}  // namespace consumers
