#include "tests/support/determinism.hpp"

#include "bus/memory/memory_log.hpp"
#include "consumers/log_folding.hpp"
#include "projections/memory_rows.hpp"
#include "schemas/mail/mail_reader.hpp"
#include "tests/support/provider_traffic.hpp"
#include "tests/support/shuffled_log.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace tests {
namespace {

using consumers::Feed;
using consumers::LogFolding;
using consumers::ProjectorSetup;
using projections::InstanceId;
using projections::MemoryRows;

// The traffic is too short for the largest batches: now and then it is told so often.
constexpr std::size_t times_in_a_long_log = 6;
constexpr int ways = 3;  // beside the reference
constexpr InstanceId dedup_instance = 1, first_instance = 2, beside_instance = 100;
constexpr bus::milliseconds append_wait{10'000};

bool one_in(Random& random, std::uint64_t chances) {
    return random() % chances == 0;
}

// ---- the log of a seed ----

class LogWriter {
public:
    LogWriter(bus::Log& log, Random& random) : log_(log), random_(random) {}

    void write() {
        const ProviderTraffic& traffic = ProviderTraffic::instance();
        const bool is_long = one_in(random_, 8);
        const std::uint64_t kept_of_8 = is_long ? 8 : 1 + random_() % 8;
        const std::size_t times = is_long ? times_in_a_long_log : 1;
        for (const auto& event : traffic.events()) {
            const std::string_view dedup_kind = one_in(random_, 2) ? "hash" : "paths";
            for (std::size_t time = 0; time < times; ++time)
                if (random_() % 8 < kept_of_8) tell(event, time, dedup_kind);
        }
        BUS_ASSERT(!is_long || told_.size() > shuffled_batch_max, "a batch can be the largest");
        std::stable_sort(told_.begin(), told_.end(),
                         [](const Told& a, const Told& b) { return a.received < b.received; });
        for (const Told& told : told_) append(told);
    }

private:
    struct Told {
        const tools::demo::SampleEvent* event;
        std::string dedup_id;
        bus::Timestamp received;
        std::size_t body_bytes;
        std::string_view dedup_kind;
        bool refused = false;
    };

    // At its time, or later; now and then twice, damaged, or refused at the door. Each `time`
    // with another id.
    void tell(const tools::demo::SampleEvent& event, std::size_t time,
              std::string_view dedup_kind) {
        const std::size_t whole = event.body.size();
        const std::string id = time == 0 ? event.id : fmt::format("{}/{}", event.id, time);
        Told told{&event, id, event.at, whole, dedup_kind};
        if (one_in(random_, 5)) told.received += bus::seconds{random_() % 7'200};
        if (one_in(random_, 40)) told.body_bytes = random_() % whole;
        told.refused = one_in(random_, 60);
        told_.push_back(told);
        if (!one_in(random_, 8)) return;
        told.received = event.at + bus::seconds{random_() % 7'200};
        told_.push_back(told);
    }

    void append(const Told& told) {
        const TrafficSource& source = ProviderTraffic::instance().source(told.event->slug);
        bus::NewRecord record;
        record.topic = told.refused ? bus::Topic::rejected : source.mapping->mapping().channel();
        bus::Envelope envelope;
        envelope.id = bus::uuid_v7(told.received, random_bytes());
        envelope.tenant = bus::TenantId{1 + told.event->body.size() % 2};
        envelope.source = source.id;
        envelope.type = told.refused ? bus::rejected_event_type : bus::raw_event_type;
        envelope.time = envelope.ingest_time = told.received;
        envelope.content_type = told.event->content_type;
        envelope.mapping = source.mapping->stamp();
        bus::write_envelope(envelope, record.headers);
        add_headers(told, record.headers);
        record.value = told.event->body.substr(0, told.body_bytes);
        BUS_ASSERT(bus::append_and_wait(log_, std::move(record), append_wait), "it is in memory");
    }
    void add_headers(const Told& told, bus::Headers& headers) {
        if (told.event->is_query) headers.add(bus::header::value_is, "query");
        if (told.refused) {
            headers.add(bus::header::cause, "verification_failed");
            headers.add(bus::header::status, "401");
            return;
        }
        headers.add(bus::header::dedup, told.dedup_id);
        headers.add(bus::header::dedup_kind, told.dedup_kind);
        headers.add(bus::header::dedup_window, one_in(random_, 2) ? "60" : "604800");
    }
    std::array<std::uint8_t, 10> random_bytes() {
        std::array<std::uint8_t, 10> bytes{};
        for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random_());
        return bytes;
    }

    bus::Log& log_;
    Random& random_;
    std::vector<Told> told_;
};

// ---- rows in memory, with crashes ----

class MemoryTarget final : public consumers::FoldTarget {
public:
    struct Moment {
        MemoryRows rows;
        bus::Position position;
    };

    explicit MemoryTarget(Random* crashes) : crashes_(crashes) {}

    bus::Position position() const override { return now_.position; }
    bus::Result<bus::Done> commit(const std::vector<projections::store::StoreWrite>& writes,
                                  const bus::Position& position) override {
        if (crashes_ && one_in(*crashes_, 10))
            return bus::fail(bus::ErrorCode::unavailable, "killed before the commit");
        for (const auto& write : writes)
            now_.rows.apply(std::array{projections::Write{
                static_cast<projections::Table>(write.table), write.key, write.value}});
        now_.position = position;
        return bus::Done{};
    }
    Moment& now() { return now_; }

protected:
    bus::Result<std::optional<std::string>> read(std::uint8_t table,
                                                 std::string_view key) override {
        return now_.rows.get(static_cast<projections::Table>(table), key);
    }

private:
    Moment now_;
    Random* crashes_;  // null = none
};

std::vector<Feed> feeds_of(const ProjectorSetup& setup, InstanceId first) {
    std::vector<Feed> feeds;
    for (const projections::Projection* projection : setup.projections)
        feeds.push_back({projection, first++, std::make_shared<const schemas::ReplaySpec>()});
    return feeds;
}

// ---- one way to fold it ----

class Way {
public:
    Way(const ProjectorSetup& setup, std::uint64_t seed, bool crashes)
        : setup_(setup), random_(seed), crashes_(crashes), target_(crashes ? &random_ : nullptr) {}

    // All that the log has; a generation may be built beside, from the log's start.
    void fold(bool with_generation) {
        if (with_generation) {
            run_to(feeds_of(setup_, first_instance), halfway());
            build_beside();
        }
        std::vector<Feed> feeds = feeds_of(setup_, first_instance);
        if (with_generation)
            for (Feed& feed : feeds_of(setup_, beside_instance)) feeds.push_back(std::move(feed));
        run_to(feeds, end());
    }
    const MemoryRows& rows() { return target_.now().rows; }

private:
    bus::Position end() const {
        auto end = setup_.log.end_position(0);
        BUS_ASSERT(end, "the log in memory has an end");
        return *end;
    }
    bus::Position halfway() {
        bus::Position position = end();
        for (bus::Offset& next : position.next) next = next > 0 ? random_() % next : 0;
        return position;
    }
    // Up to where the live rows are, in rows of its own; they then move in.
    void build_beside() {
        MemoryTarget aside{nullptr};
        std::vector<Feed> feeds = feeds_of(setup_, beside_instance);
        LogFolding folding{setup_, 0, feeds, dedup_instance, aside, more_, options()};
        for (;;) {
            const auto applied = folding.step_until(target_.position());
            BUS_ASSERT(applied, "folding in memory");
            if (*applied == 0) break;
        }
        move_in(aside.now().rows);
    }
    void move_in(const MemoryRows& from) {
        const std::string first = projections::complete_key(beside_instance, {}, "").substr(0, 2);
        for (std::size_t i = 0; i < projections::table_count; ++i) {
            const auto table = static_cast<projections::Table>(i);
            for (const auto& [key, value] : from.rows(table))
                if (key >= first) target_.now().rows.put(table, key, value);
        }
    }

    void run_to(const std::vector<Feed>& feeds, const bus::Position& end) {
        std::optional<LogFolding> folding;
        MemoryTarget::Moment older = target_.now();
        for (;;) {
            if (!folding)
                folding.emplace(setup_, 0, feeds, dedup_instance, target_, more_, options());
            const auto applied = folding->step_until(end);
            if (applied && *applied == 0) return;
            if (crashes_ && !after_step(older)) folding.reset();
        }
    }
    // False: the process ended here, and starts again with what it finds.
    bool after_step(MemoryTarget::Moment& older) {
        switch (random_() % 24) {
            case 0:
                return false;  // killed after the commit
            case 1:
                target_.now() = older;  // power cut: an older consistent moment
                return false;
            case 2:
                target_.now().position = older.position;  // what is there is folded once more
                return false;
            case 3:
                older = target_.now();
                return true;
            default:
                return true;
        }
    }
    LogFolding::Options options() {
        return {.batch_records_max = shuffled_batch_max,
                .cached_rows_max = one_in(random_, 2) ? std::size_t{20'000} : std::size_t{3}};
    }

    const ProjectorSetup& setup_;
    Random random_;
    const bool crashes_;
    bus::Signal more_;
    MemoryTarget target_;
};

// ---- comparing ----

// The rows of the instances from `first` on, as if they began at first_instance.
MemoryRows generation(const MemoryRows& rows, InstanceId first, std::size_t count) {
    MemoryRows out;
    for (std::size_t i = 0; i < projections::table_count; ++i) {
        const auto table = static_cast<projections::Table>(i);
        for (std::size_t place = 0; place < count; ++place) {
            const auto instance = static_cast<InstanceId>(first + place);
            const auto shown_as = static_cast<InstanceId>(first_instance + place);
            const std::string prefix = projections::complete_key(instance, {}, "").substr(0, 2);
            const std::string shown = projections::complete_key(shown_as, {}, "").substr(0, 2);
            const auto& all = rows.rows(table);
            for (auto at = all.lower_bound(prefix);
                 at != all.end() && std::string_view{at->first}.starts_with(prefix); ++at)
                out.put(table, shown + at->first.substr(2), at->second);
        }
    }
    return out;
}

std::string printable(std::string_view bytes) {
    std::string out;
    for (const char c : bytes.substr(0, 400))
        out += c >= ' ' && c <= '~' ? std::string(1, c)
                                    : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    return out;
}

std::string difference(const MemoryRows& a, const MemoryRows& b) {
    for (std::size_t i = 0; i < projections::table_count; ++i) {
        const auto table = static_cast<projections::Table>(i);
        for (const auto& [one, other] : {std::pair{&a, &b}, std::pair{&b, &a}}) {
            for (const auto& [key, value] : one->rows(table)) {
                const auto found = other->rows(table).find(key);
                if (found != other->rows(table).end() && found->second == value) continue;
                const bool missing = found == other->rows(table).end();
                return fmt::format("table {} key {}: {} against {}", i, printable(key),
                                   printable(value),
                                   missing ? "nothing" : printable(found->second));
            }
        }
    }
    return {};
}

}  // namespace

std::string determinism_problem(std::uint64_t seed,
                                const std::vector<const projections::Projection*>& projections) {
    static const auto measures =
        projections::MeasureSet::compile(projections::built_in_measure_files());
    BUS_ASSERT(measures, "the built-in measures compile");
    Random random{seed};
    bus::memory::MemoryLog memory{{.partitions = 1}};
    LogWriter(memory, random).write();
    const std::string_view engine = one_in(random, 2) ? "kafka" : "memory";

    const auto folded = [&](bool crashes, bool with_generation) {
        ShuffledLog log{memory, engine, random()};
        const ProjectorSetup setup{.log = log,
                                   .registry = ProviderTraffic::instance().registry(),
                                   .projections = projections,
                                   .measures = measures->get(),
                                   .stores = {},
                                   .shared = nullptr,
                                   .mail_reader = schemas::mail::read_mail};
        Way way{setup, random(), crashes};
        way.fold(with_generation);
        return way.rows();
    };
    const auto live = [&](const MemoryRows& rows) {
        return generation(rows, first_instance, projections.size());
    };

    const MemoryRows reference = live(folded(false, false));
    for (int i = 0; i < ways; ++i) {
        const bool with_generation = i == 0;
        const MemoryRows rows = folded(true, with_generation);
        std::string problem = difference(reference, live(rows));
        if (problem.empty() && with_generation)
            problem = difference(reference, generation(rows, beside_instance, projections.size()));
        if (!problem.empty()) return fmt::format("seed {} way {}: {}", seed, i, problem);
    }
    return {};
}

}  // namespace tests
