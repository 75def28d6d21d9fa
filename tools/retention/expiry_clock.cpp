#include "tools/retention/expiry_clock.hpp"

#include "bus/durable_file.hpp"
#include "bus/envelope.hpp"
#include "tools/backup/durable_files.hpp"
#include "tools/retention/retention_probe.hpp"

namespace tools::retention {

namespace {

using bus::ErrorCode;
using bus::Result;

// A record that cannot be read tells nothing.
std::optional<bus::Timestamp> newest_receive_time(bus::Log& log) {
    std::optional<bus::Timestamp> newest;
    for (std::size_t i = 0; i < bus::partitioned_topics; ++i) {
        for (bus::PartitionId partition = 0; partition < log.partitions(); ++partition) {
            const auto end = log.end_offset({bus::topic_at(i), partition});
            if (!end || *end == 0) continue;
            const auto record = log.read_at({bus::topic_at(i), partition, *end - 1});
            if (!record) continue;
            const auto envelope = bus::read_envelope(bus::HeadersView(record->headers));
            if (envelope)
                newest = std::max(newest.value_or(bus::Timestamp{}), envelope->ingest_time);
        }
    }
    return newest;
}

std::string why_not(const ClockBelief& belief) {
    return fmt::format(
        "the wall clock says {}, but by what was seen of it last it is {}: nothing expires for "
        "another {} min of uptime. Set a wrong clock right, and it goes on at once; if it is "
        "right: tributary retention apply --trust-clock --commit",
        bus::to_iso(belief.seen), bus::to_iso(belief.believed),
        std::chrono::ceil<std::chrono::minutes>(belief.pause_left).count());
}

}  // namespace

ExpiryClock::ExpiryClock(const std::filesystem::path& data, bus::Clock& clock, bus::Log& log)
    : file_(data / clock_seen_name), clock_(clock) {
    const auto text = read_whole(file_);
    const auto kept = text ? parse_clock_belief(*text) : Result<ClockBelief>(text.error());
    belief_ = kept ? *kept : believing(newest_receive_time(log).value_or(clock.now()));
    const std::lock_guard lock(mutex_);
    const bool did_pause = pauses();
    look();
    if (did_pause && pauses()) RetentionProbe::pauses(why_not(belief_));
    save();
}

ExpiryClock::~ExpiryClock() {
    const std::lock_guard lock(mutex_);
    look();
    save();
}

Result<bus::Timestamp> ExpiryClock::now() {
    const std::lock_guard lock(mutex_);
    look();
    if (pauses()) return bus::fail(ErrorCode::conflict, "{}", why_not(belief_));
    return belief_.believed;
}

bus::Timestamp ExpiryClock::trust() {
    const std::lock_guard lock(mutex_);
    if (pauses()) RetentionProbe::goes_on();
    belief_ = believing(clock_.now());
    look();
    save();
    return belief_.believed;
}

void ExpiryClock::look() {
    const auto now = Steady::now();
    const bool did_pause = pauses();
    belief_ = after_look(belief_, clock_.now(),
                         std::chrono::duration_cast<bus::microseconds>(now - looked_at_));
    looked_at_ = now;
    RetentionProbe::pause_left(belief_.pause_left);
    if (pauses() && !did_pause) RetentionProbe::pauses(why_not(belief_));
    if (did_pause && !pauses()) RetentionProbe::goes_on();
    if (did_pause != pauses() || now - saved_at_ >= clock_saved_every) save();
}

// What could not be kept only lets a jump be noticed that was none.
void ExpiryClock::save() {
    saved_at_ = Steady::now();
    if (auto saved = bus::write_durably(file_, to_text(belief_)); !saved)
        RetentionProbe::clock_not_kept(saved.error());
}

}  // namespace tools::retention
