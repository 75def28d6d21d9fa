#include "schemas/control_follower.hpp"

#include "schemas/control_probe.hpp"

#include <algorithm>

namespace schemas {
namespace {

constexpr std::size_t records_max = 512;
constexpr std::size_t batch_bytes_max = 4u << 20;
constexpr bus::milliseconds idle_wait{200};
constexpr bus::milliseconds retry_delay_min{50};
constexpr bus::milliseconds retry_delay_max{5'000};

}  // namespace

ControlFollower::ControlFollower(bus::Log& log, Registry& registry, bus::Offset keys_start)
    : log_(log), registry_(registry), keys_applied_(keys_start) {}

bus::Result<std::unique_ptr<ControlFollower>> ControlFollower::start(
    bus::Log& log, Registry& registry, const bus::ReadPatience& patience) {
    const auto control_end = log.end_offset({bus::Topic::control, 0});
    if (!control_end) return control_end.error();
    const auto keys_end = log.end_offset({bus::Topic::keys, 0});
    if (!keys_end) return keys_end.error();
    const auto keys_start = log.start_offset({bus::Topic::keys, 0});
    if (!keys_start) return keys_start.error();
    std::unique_ptr<ControlFollower> follower(new ControlFollower(log, registry, *keys_start));
    if (auto caught_up = follower->catch_up(*control_end, *keys_end, patience); !caught_up)
        return caught_up.error();
    ControlProbe::follows();
    follower->thread_ = std::thread([self = follower.get()] { self->run(); });
    return follower;
}

ControlFollower::~ControlFollower() {
    stopping_ = true;
    more_.notify();
    if (thread_.joinable()) thread_.join();
}

std::optional<bus::Error> ControlFollower::failure() const {
    const std::lock_guard lock(mutex_);
    return failure_;
}

bus::Result<bus::Done> ControlFollower::open_reader() {
    bus::ReaderOptions options;
    options.topics.set(bus::index(bus::Topic::control)).set(bus::index(bus::Topic::keys));
    options.from[bus::index(bus::Topic::control)] = registry_.applied();
    options.from[bus::index(bus::Topic::keys)] = keys_applied_;
    options.signal = &more_;
    auto reader = log_.open_reader(options);
    if (!reader) return reader.error();
    reader_ = *std::move(reader);
    return bus::Done{};
}

bus::Result<std::size_t> ControlFollower::step() {
    if (!reader_)
        if (auto opened = open_reader(); !opened) return opened.error();
    auto batch = reader_->poll(records_max, batch_bytes_max);
    if (!batch) {
        reader_.reset();  // a reader that failed may go on failing
        return batch.error();
    }
    for (const bus::RecordView& record : batch->records) {
        if (auto applied = registry_.apply(record); !applied) return applied.error();
        if (record.address.topic == bus::Topic::keys) keys_applied_ = record.address.offset + 1;
    }
    return batch->records.size();
}

bus::Result<bus::Done> ControlFollower::catch_up(bus::Offset control_end, bus::Offset keys_end,
                                                 const bus::ReadPatience& patience) {
    bus::ReadWait waiting(log_, patience);
    while (registry_.applied() < control_end || keys_applied_ < keys_end) {
        const auto seen = more_.count();
        auto count = step();
        if (!count) return count.error();
        if (*count > 0) {
            waiting.came();
        } else if (auto waited = waiting.wait(more_, seen); !waited) {
            return waited;
        }
    }
    return bus::Done{};
}

void ControlFollower::run() {
    bus::milliseconds retry_delay = retry_delay_min;
    while (true) {
        const auto seen = more_.count();
        if (stopping_) return;
        const auto count = step();
        if (count) {
            retry_delay = retry_delay_min;
            if (*count == 0) more_.wait(seen, idle_wait);
        } else if (count.error().code == bus::ErrorCode::unavailable) {
            ControlProbe::read_failed(count.error());
            more_.wait(seen, retry_delay);
            retry_delay = std::min(2 * retry_delay, retry_delay_max);
        } else {
            return stop_reading(count.error());
        }
    }
}

void ControlFollower::stop_reading(const bus::Error& why) {
    if (why.code == bus::ErrorCode::cancelled) return;
    ControlProbe::stands_still(why);
    const std::lock_guard lock(mutex_);
    failure_ = why;
}

bus::Result<bus::Done> catch_up_with_control(bus::Log& log, const Registry& registry,
                                             bus::milliseconds wait_max) {
    const auto end = log.end_offset({bus::Topic::control, 0});
    if (!end) return end.error();
    if (registry.wait_applied(*end, wait_max)) return bus::Done{};
    return bus::fail(bus::ErrorCode::unavailable, ".control is applied up to {} only, of {}",
                     registry.applied(), *end);
}

}  // namespace schemas
