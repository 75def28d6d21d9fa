#include "tools/replay/replay_work.hpp"

#include "bus/logging.hpp"
#include "consumers/base_rows.hpp"
#include "consumers/live_rebuild.hpp"
#include "consumers/lost_history.hpp"
#include "schemas/control_json.hpp"
#include "tools/replay/generation_diff.hpp"

#include <algorithm>
#include <thread>

namespace tools::replay {

using bus::Done;
using bus::ErrorCode;
using bus::Result;
using consumers::BuildScope;
using consumers::GenerationBuilds;
using schemas::GenerationName;
using schemas::json::Writer;

namespace {

constexpr bus::milliseconds look_every{50};
constexpr bus::milliseconds near_wait_max{600'000};

class JobWatch final : public consumers::BuildWatch {
public:
    explicit JobWatch(jobs::JobRun& run) : run_(run) {}
    void advance(std::uint64_t records) override {
        done_ += records;
        run_.advance(records);
    }
    bool go_on() override { return run_.go_on(); }
    std::uint64_t done() const { return done_; }

private:
    jobs::JobRun& run_;
    std::atomic<std::uint64_t> done_{0};
};

consumers::BuildLimits limits_of(const ReplayRequest& request) {
    consumers::BuildLimits limits;
    limits.records_per_second_max = request.rate;
    return limits;
}

void write_examples(Writer& json, std::string_view name, const std::vector<DiffExample>& examples) {
    json.key(name).begin_array();
    for (const DiffExample& one : examples) {
        json.begin_object().member("tenant", one.tenant).member("key", one.key);
        if (!one.before.empty()) json.member("before", one.before);
        if (!one.after.empty()) json.member("after", one.after);
        json.end_object();
    }
    json.end_array();
}

void write_diff(Writer& json, const GenerationName& before, const GenerationName& after,
                const GenerationDiff& diff) {
    static constexpr std::array<std::string_view, projections::table_count> table_names = {
        "rows", "entries", "index", "measures"};
    json.begin_object()
        .member("projection", after.projection)
        .member("before", std::int64_t{before.number})
        .member("after", std::int64_t{after.number})
        .member("same", diff.is_empty());
    for (std::size_t i = 0; i < table_names.size(); ++i) {
        const TableDiff& table = diff.tables[i];
        json.key(table_names[i]).begin_object();
        json.key("same").unsigned_integer(table.same);
        json.key("added").unsigned_integer(table.added);
        json.key("gone").unsigned_integer(table.gone);
        json.key("changed").unsigned_integer(table.changed).end_object();
    }
    json.key("fields").begin_array();
    for (const auto& [field, one] : diff.fields) {
        json.begin_object().member("field", field).key("changed").unsigned_integer(one.changed);
        write_examples(json, "examples", one.examples);
        json.end_object();
    }
    json.end_array();
    write_examples(json, "added", diff.added);
    write_examples(json, "gone", diff.gone);
    json.end_object();
}

// Records that are not there any more are not taken anew: their rows stay as they were.
void write_expired(Writer& json, const consumers::ProjectorPool& pool) {
    json.key("expired").begin_array();
    const bus::PartitionId partitions = pool.setup().log.partitions();
    for (bus::PartitionId partition = 0; partition < partitions; ++partition) {
        const auto base = consumers::find_base(pool.setup(), partition);
        if (base && *base)
            json.text(fmt::format("partition {}: what has expired stays as it was, from {}",
                                  partition, to_string(**base)));
    }
    for (bus::PartitionId partition = 0; partition < partitions; ++partition) {
        const auto lost = consumers::lost_history(pool, partition);
        if (lost && *lost) json.text(**lost + ": rows of what came before are not built");
    }
    json.end_array();
}

void write_names(Writer& json, const std::vector<GenerationName>& names) {
    json.key("generations").begin_array();
    for (const GenerationName& one : names)
        json.begin_object()
            .member("projection", one.projection)
            .member("number", std::int64_t{one.number})
            .end_object();
    json.end_array();
}

// What readers have now in the place of the candidate.
GenerationName live_beside(const schemas::GenerationTable& table, std::string_view projection,
                           const schemas::ReplaySpec& spec) {
    GenerationName live{std::string{projection}, 1};
    for (const schemas::Generation& one : table.of(projection)) {
        if (one.role != schemas::GenerationRole::live) continue;
        if (!one.spec->tenant || one.spec->tenant == spec.tenant) live.number = one.number;
    }
    return live;
}

// Filters choose what is read anew; when everything is read as the live rows read it, they choose
// nothing.
bool has_idle_filters(const ReplayRequest& request) {
    return request.mapping == Reading::live &&
           (request.from || request.to || !request.types.empty());
}

constexpr std::string_view idle_filters =
    "from, to and types choose which records are read anew, with --mapping latest or stamped; "
    "without it every record folds as it did for the live rows, so they changed nothing";

}  // namespace

Result<std::string> ReplayWork::plan(const ReplayRequest& request,
                                     const std::vector<std::string>& projections) const {
    const auto spec = control_.spec(request);
    if (!spec) return spec.error();
    const GenerationBuilds builds(pool_, BuildScope::candidates, limits_of(request));
    const auto space = builds.check_space(projections);
    std::string report;
    Writer json(report);
    json.begin_object().key("plan").begin_object().key("projections").begin_array();
    for (const std::string& one : projections) json.text(one);
    json.end_array();
    schemas::write(json.key("spec"), *spec);
    json.key("records").unsigned_integer(builds.records_in_log());
    write_expired(json, pool_);
    json.member("space", space ? std::string{"enough"} : space.error().message);
    if (has_idle_filters(request)) json.member("remark", idle_filters);
    json.end_object().end_object();
    return report;
}

Result<std::vector<GenerationName>> ReplayWork::begin(const ReplayRequest& request,
                                                      const std::vector<std::string>& projections) {
    if (!request.resume) {
        const GenerationBuilds builds(pool_, BuildScope::candidates, limits_of(request));
        if (auto space = builds.check_space(projections); !space) return space.error();
        const auto spec = control_.spec(request);
        if (!spec) return spec.error();
        return control_.start(projections, *spec);
    }
    std::vector<GenerationName> names;
    for (const std::string& projection : projections)
        if (const auto candidate = control_.table()->candidate(projection))
            names.push_back({projection, candidate->number});
    if (names.empty())
        return bus::fail(ErrorCode::conflict, "there is no replay of {} to resume",
                         fmt::join(projections, ", "));
    return names;
}

Result<std::string> ReplayWork::replay(const ReplayRequest& request, jobs::JobRun& run) {
    const auto projections = control_.projections(request.projections);
    if (!projections) return projections.error();
    if (request.dry_run) return plan(request, *projections);
    const auto names = begin(request, *projections);
    if (!names) return names.error();
    std::vector<std::string> built;
    for (const GenerationName& one : *names) built.push_back(one.projection);

    const auto start = std::chrono::steady_clock::now();
    GenerationBuilds builds(pool_, BuildScope::candidates, limits_of(request));
    run.phase("building", builds.records_to_read(), "events");
    JobWatch watch(run);
    if (auto done = builds.build(watch, 0); !done) return done.error();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;

    const auto compared = difference(built, run);
    if (!compared) return compared.error();
    const auto spec = control_.table()->find(names->front());
    if (request.switch_when_behind_less_than)
        if (auto near = wait_until_near(*request.switch_when_behind_less_than, run); !near)
            return near.error();
    const bool switches = request.switches();
    if (switches)
        if (auto switched = control_.switch_over(built, request.without_expired); !switched)
            return switched.error();

    std::string report;
    Writer json(report);
    json.begin_object();
    write_names(json, *names);
    if (spec) schemas::write(json.key("spec"), *spec->spec);
    json.key("records").unsigned_integer(watch.done());
    json.key("seconds").decimal(took.count());
    json.key("events_per_second")
        .integer(static_cast<std::int64_t>(static_cast<double>(watch.done()) /
                                           std::max(took.count(), 1e-3)));
    json.key("compared").raw(*compared);
    write_expired(json, pool_);
    json.member("switched", switches);
    if (has_idle_filters(request)) json.member("remark", idle_filters);
    json.end_object();
    if (switches)
        if (auto erased = pool_.erase_dropped(); !erased) return erased.error();
    return report;
}

Result<std::string> ReplayWork::difference(const std::vector<std::string>& projections,
                                           jobs::JobRun& run) {
    run.phase("comparing", 0, "rows");
    JobWatch watch(run);
    const auto table = control_.table();
    std::string report;
    Writer json(report);
    json.begin_object().key("difference").begin_array();
    std::size_t compared = 0;
    for (const std::string& projection : projections) {
        const auto candidate = table->candidate(projection);
        if (!candidate) continue;
        const GenerationName after{projection, candidate->number};
        const GenerationName before = live_beside(*table, projection, *candidate->spec);
        GenerationDiff diff;
        for (bus::PartitionId id = 0; id < pool_.setup().log.partitions(); ++id) {
            const auto rows = pool_.all_rows(id);
            if (!rows) return rows.error();
            if (auto added = add_difference(*rows, before, after, watch, diff); !added)
                return added.error();
        }
        write_diff(json, before, after, diff);
        ++compared;
    }
    json.end_array().end_object();
    if (compared == 0)
        return bus::fail(ErrorCode::conflict, "no generation of {} is prepared",
                         fmt::join(projections, ", "));
    return report;
}

Result<Done> ReplayWork::wait_until_near(bus::milliseconds behind_max, jobs::JobRun& run) const {
    run.phase("waiting until the rows are near the end of the log", 0, "records");
    const auto deadline = std::chrono::steady_clock::now() + near_wait_max;
    while (run.go_on()) {
        const bus::Timestamp now = bus::system_clock().now();
        const auto all = pool_.status();
        const bool near = std::all_of(all.begin(), all.end(), [&](const auto& one) {
            return one.lag_known &&
                   (one.lag_records == 0 || now - one.newest_ingest_time < behind_max);
        });
        if (near) return Done{};
        if (std::chrono::steady_clock::now() > deadline)
            return bus::fail(ErrorCode::unavailable,
                             "the rows stay further than {} ms behind; the generation is ready: "
                             "switch with tributary replay --switch",
                             behind_max.count());
        std::this_thread::sleep_for(look_every);
    }
    return bus::fail(ErrorCode::cancelled, "the generation is ready, but was not switched to");
}

bool ReplayWork::has_changed() const {
    return consumers::needs_live_rebuild(pool_);
}

bool ReplayWork::has_dropped() const {
    for (bus::PartitionId id = 0; id < pool_.setup().log.partitions(); ++id) {
        const auto catalogue = pool_.catalogue(id);
        if (catalogue && !catalogue->in_state(consumers::GenerationState::dropped).empty())
            return true;
    }
    return false;
}

Result<std::string> ReplayWork::rebuild_changed(jobs::JobRun& run) {
    const GenerationBuilds builds(pool_, BuildScope::live, {});
    run.phase("building anew what other code had made", builds.records_to_read(), "events");
    JobWatch watch(run);
    const auto waits = [&](const std::string& reason) {
        bus::logging::warn("rebuild_waits", {{"reason", reason}});
        run.phase("building anew what other code had made; tried again, because " + reason, 0,
                  "events");
    };
    if (auto done = consumers::rebuild_live(pool_, {}, watch, waits); !done) return done.error();
    std::string report;
    Writer json(report);
    json.begin_object().key("records").unsigned_integer(watch.done()).end_object();
    return report;
}

Result<std::string> ReplayWork::erase_dropped(jobs::JobRun& run) {
    run.phase("erasing the rows of dropped generations", 0, "generations");
    if (auto erased = pool_.erase_dropped(); !erased) return erased.error();
    return std::string{R"({"erased":true})"};
}

}  // namespace tools::replay
