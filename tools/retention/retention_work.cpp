#include "tools/retention/retention_work.hpp"

#include "bus/crash_point.hpp"
#include "bus/envelope.hpp"
#include "bus/logging.hpp"
#include "schemas/json/json.hpp"
#include "tools/retention/base_maker.hpp"
#include "tools/retention/expiry_note.hpp"
#include "tools/retention/retention_probe.hpp"

namespace tools::retention {

using bus::Done;
using bus::ErrorCode;
using bus::Position;
using bus::Result;

namespace {

constexpr std::size_t poll_records_max = 512;
constexpr std::size_t poll_bytes_max = 4 << 20;

Result<Done> cancelled() {
    return bus::fail(ErrorCode::cancelled, "stopped on request");
}

// What is older than limits allow is told by this time, and, if it is not believed, why.
struct Moment {
    bus::Timestamp now{};
    std::string paused{};
};

Result<Moment> moment_of(ExpiryClock& clock, const ApplyOptions& options) {
    if (options.commit && options.trust_clock) return Moment{clock.trust()};
    const auto now = clock.now();
    if (now) return Moment{*now};
    if (options.commit) return now.error();
    return Moment{clock.wall(), now.error().message};
}

class Applying {
public:
    Applying(const RetentionPorts& ports, const Settings& settings, bool commit,
             const Moment& moment, jobs::JobRun& run)
        : ports_(ports),
          settings_(settings),
          commit_(commit),
          run_(run),
          now_(moment.now),
          paused_(moment.paused) {}

    Result<std::string> apply() {
        for (const auto step :
             {&Applying::find_expired, &Applying::make_bases, &Applying::expire, &Applying::note})
            if (auto done = (this->*step)(); !done) return done.error();
        return report();
    }

private:
    // What is known to be done, and what has expired by now.
    struct Partition {
        ExpiryNote noted;
        Position floor;
        const Position& done() const { return noted.done; }
        bool has_more() const { return floor != noted.done; }
    };

    std::filesystem::path bases() const { return ports_.data / bases_folder; }

    Result<Done> find_expired() {
        run_.phase("looking for what has expired", 0, "records");
        for (bus::PartitionId partition = 0; partition < ports_.log.partitions(); ++partition) {
            const auto noted = read_expiry_note(bases(), partition);
            if (!noted) return noted.error();
            Partition& one = partitions_.emplace_back(Partition{*noted, noted->done});
            const Position applied = ports_.pool.position(partition);
            for (const auto& [topic, keep] : settings_) {
                const auto floor =
                    floor_of({topic, partition}, one.done()[topic], applied[topic], now_ - keep);
                if (!floor) return floor.error();
                one.floor[topic] = *floor;
            }
        }
        return Done{};
    }

    // The first record from `from` on that is not older than that.
    Result<bus::Offset> floor_of(bus::TopicPartition where, bus::Offset from, bus::Offset end,
                                 bus::Timestamp oldest) {
        bus::ReaderOptions options{.partition = where.partition};
        options.topics.set(bus::index(where.topic));
        options.from[bus::index(where.topic)] = from;
        if (from >= end) return from;
        auto reader = ports_.log.open_reader(options);
        if (!reader) return reader.error();
        for (bus::Offset next = from; next < end;) {
            if (!run_.go_on()) return cancelled().error();
            const auto records = (*reader)->poll(poll_records_max, poll_bytes_max);
            if (!records && records.error().code == ErrorCode::corrupt) {
                damaged_.push_back(records.error().message);
                return next;
            }
            if (!records) return records.error();
            if (records->empty()) return next;
            for (const bus::RecordView& record : records->records) {
                const auto envelope = bus::read_envelope(record.headers);
                if (!envelope) return envelope.error();
                if (record.address.offset >= end || envelope->ingest_time >= oldest) return next;
                next = record.address.offset + 1;
            }
            run_.advance(records->records.size());
        }
        return end;
    }

    Result<Done> make_bases() {
        for (bus::PartitionId partition = 0; commit_ && partition < partitions_.size();
             ++partition) {
            const Partition& one = partitions_[partition];
            const auto base = consumers::find_base(ports_.pool.setup(), partition);
            if (!base) return base.error();
            consumers::Base wanted;
            wanted.position = one.floor;
            if (!one.has_more() || (*base && is_past((*base)->position, wanted))) continue;
            run_.phase(fmt::format("making the base of partition {}", partition), 0, "records");
            const auto made = make_base(ports_.pool, partition, one.floor, now_, run_);
            if (!made) return made.error();
            bases_.push_back(fmt::format("partition {}: {}", partition, to_string(*made)));
        }
        return Done{};
    }

    Result<Done> expire() {
        for (bus::PartitionId partition = 0; partition < partitions_.size(); ++partition) {
            const Partition& one = partitions_[partition];
            ranges_.insert(ranges_.end(), one.noted.kept.begin(), one.noted.kept.end());
            for (const auto& [topic, keep] : settings_)
                if (one.done()[topic] < one.floor[topic])
                    ranges_.push_back({{topic, partition}, one.done()[topic], one.floor[topic]});
        }
        if (ranges_.empty()) return Done{};
        run_.phase(commit_ ? "taking bodies out" : "counting", 0, "records");
        const auto expired = ports_.log.expire(
            ranges_, {.dry_run = !commit_, .go_on = [this](std::uint64_t records) {
                          run_.advance(records);
                          return run_.go_on();
                      }});
        if (!expired) return expired.error();
        expired_ = *expired;
        for (const bus::KeptExpired& kept : expired_.damaged) damaged_.push_back(kept.why);
        bus::crash_point("retention.bodies_gone");
        return Done{};
    }

    // What stays in damaged files is tried again, and nothing else with it.
    Result<Done> note() {
        for (bus::PartitionId partition = 0; commit_ && partition < partitions_.size();
             ++partition) {
            const Partition& one = partitions_[partition];
            const ExpiryNote now{.done = one.floor, .kept = kept_in(partition)};
            if (now == one.noted) continue;
            if (auto noted = write_expiry_note(bases(), now); !noted) return noted;
        }
        bus::crash_point("retention.noted");
        if (commit_) RetentionProbe::keeps_damaged(damaged_);
        return Done{};
    }

    std::vector<bus::RecordRange> kept_in(bus::PartitionId partition) const {
        std::vector<bus::RecordRange> kept;
        for (const bus::KeptExpired& file : expired_.damaged)
            for (const bus::RecordRange& range : file.ranges)
                if (range.where.partition == partition) kept.push_back(range);
        return kept;
    }

    std::string report() const {
        std::string text;
        schemas::json::Writer json(text);
        json.begin_object().member("commit", commit_);
        if (!paused_.empty()) json.member("paused", paused_);
        json.key("topics").begin_array();
        for (const auto& [topic, keep] : settings_)
            json.begin_object()
                .member("topic", bus::short_name(topic))
                .member("keep", age_text(keep))
                .end_object();
        json.end_array().key("ranges").begin_array();
        for (const bus::RecordRange& range : ranges_) json.text(to_string(range));
        json.end_array().key("bases").begin_array();
        for (const std::string& base : bases_) json.text(base);
        json.end_array();
        json.key("records").unsigned_integer(expired_.records);
        json.key("body_bytes").unsigned_integer(expired_.body_bytes);
        json.key("segments").unsigned_integer(expired_.segments);
        json.key("bytes_before").unsigned_integer(expired_.bytes_before);
        json.key("bytes_after").unsigned_integer(expired_.bytes_after);
        json.key("damaged").begin_array();
        for (const std::string& what : damaged_) json.text(what);
        json.end_array().end_object();
        return text;
    }

    const RetentionPorts& ports_;
    const Settings& settings_;
    const bool commit_;
    jobs::JobRun& run_;
    const bus::Timestamp now_;
    const std::string paused_;
    std::vector<Partition> partitions_;
    std::vector<bus::RecordRange> ranges_;
    std::vector<std::string> bases_;
    bus::Expiry expired_;
    std::vector<std::string> damaged_;
};

}  // namespace

Result<Done> can_expire(const bus::Log& log) {
    if (log.engine() == "embedded") return Done{};
    return bus::fail(ErrorCode::invalid_input,
                     "the log is on {}, which keeps its own retention: set retention.ms of the "
                     "topic there. Rows that have not read what it drops stop, and say so",
                     log.engine());
}

Result<std::string> start_retention(const RetentionPorts& ports, Settings settings,
                                    const ApplyOptions& options) {
    if (auto can = can_expire(ports.log); !can) return can.error();
    auto moment = moment_of(*ports.clock, options);
    if (!moment) return moment.error();
    return ports.jobs.start(
        "retention", "everything",
        [ports, settings = std::move(settings), commit = options.commit,
         moment = *std::move(moment)](jobs::JobRun& run) {
            auto report = Applying(ports, settings, commit, moment, run).apply();
            if (!report)
                bus::logging::warn("retention_not_applied", {{"reason", report.error().message}});
            else if (commit)
                bus::logging::info("retention_applied", {{"report", *report}});
            return report;
        });
}

}  // namespace tools::retention
