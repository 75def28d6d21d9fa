#include "schemas/control_json.hpp"
#include "tools/jobs/job_routes.hpp"
#include "tools/replay/replay_routes.hpp"

#include <algorithm>
#include <map>

namespace tools::replay {

using bus::http::Call;
using bus::http::problem;
using bus::http::Response;
using schemas::GenerationName;
using schemas::json::Writer;

namespace {

constexpr std::string_view all_projections_name = "all";

bus::Result<std::vector<std::string>> named(const ReplayPorts& ports, const Call& call) {
    const std::string name{call.parameter("name")};
    if (name == all_projections_name) return ports.control.projections({});
    return ports.control.projections({name});
}

// What all partitions together have of the generations of a projection.
struct Standing {
    std::map<std::uint32_t, std::map<std::string, std::uint64_t>> states;  // number -> state -> n
    std::map<std::uint32_t, std::uint64_t> bytes;
    std::map<std::uint32_t, std::uint64_t> rows;  // when counted
};

std::uint64_t count_rows(const projections::store::Snapshot& rows, const std::string& prefix) {
    std::uint64_t count = 0;
    for (const projections::Table table : {projections::Table::rows, projections::Table::entries})
        rows.scan(static_cast<std::uint8_t>(table), prefix, projections::prefix_end(prefix), false,
                  [&](std::string_view, std::string_view) { return ++count > 0; });
    return count;
}

Standing standing_of(const ReplayPorts& ports, std::string_view projection, bool counts) {
    Standing standing;
    for (bus::PartitionId id = 0; id < ports.pool.setup().log.partitions(); ++id) {
        const auto catalogue = ports.pool.catalogue(id);
        const auto writer = ports.pool.instance_writer(id);
        if (!catalogue || !writer) continue;
        const auto rows = counts ? ports.pool.all_rows(id)
                                 : bus::Result<consumers::ProjectorPool::AllRows>(bus::Error{});
        for (const consumers::StoredGeneration& one : catalogue->all()) {
            if (one.name.projection != projection) continue;
            const std::string prefix = consumers::instance_prefix(one.instance);
            ++standing.states[one.name.number][std::string{consumers::name(one.state)}];
            standing.bytes[one.name.number] += (*writer)->bytes_of(prefix);
            if (rows) standing.rows[one.name.number] += count_rows(*rows->rows, prefix);
        }
    }
    return standing;
}

void write_generation(Writer& json, const schemas::Generation& decided, const Standing& standing) {
    json.begin_object()
        .member("number", std::int64_t{decided.number})
        .member("role", schemas::name(decided.role));
    if (decided.retired_by > 0) json.member("retired_by", std::int64_t{decided.retired_by});
    json.key("partitions").begin_object();
    if (const auto states = standing.states.find(decided.number); states != standing.states.end())
        for (const auto& [state, partitions] : states->second)
            json.key(state).unsigned_integer(partitions);
    json.end_object();
    if (const auto bytes = standing.bytes.find(decided.number); bytes != standing.bytes.end())
        json.key("bytes").unsigned_integer(bytes->second);
    if (const auto rows = standing.rows.find(decided.number); rows != standing.rows.end())
        json.key("rows").unsigned_integer(rows->second);
    schemas::write(json.key("spec"), *decided.spec);
    if (decided.number > 1) json.member("started_at", decided.started_at);
    json.end_object();
}

// Every projection has applied what its partition has: there is one read of the log.
void write_partitions(Writer& json, const ReplayPorts& ports) {
    json.key("partitions").begin_array();
    for (const consumers::PartitionStatus& one : ports.pool.status()) {
        json.begin_object()
            .member("partition", std::int64_t{one.partition})
            .member("state", consumers::name(one.state))
            .member("position", bus::to_token(one.position));
        json.key("lag_records").unsigned_integer(one.lag_records);
        json.member("lag_known", one.lag_known);
        if (!one.reason.empty()) json.member("reason", one.reason);
        json.end_object();
    }
    json.end_array();
}

void write_projection(Writer& json, const ReplayPorts& ports, const std::string& name,
                      bool counts) {
    const Standing standing = standing_of(ports, name, counts);
    json.begin_object().member("name", name).key("generations").begin_array();
    for (const schemas::Generation& decided : ports.control.table()->of(name))
        write_generation(json, decided, standing);
    json.end_array().end_object();
}

Response list(const ReplayPorts& ports, const std::vector<std::string>& names, bool counts) {
    std::string body;
    Writer json(body);
    json.begin_object().key("data").begin_array();
    for (const std::string& name : names) write_projection(json, ports, name, counts);
    json.end_array();
    write_partitions(json, ports);
    json.end_object();
    return {.body = std::move(body)};
}

bool flag(const Call& call, std::string_view name) {
    return bus::http::query_value(call.request.query, name) == "true";
}

Response show(const ReplayPorts& ports, const Call& call) {
    const auto names = named(ports, call);
    if (!names) return problem(names.error());
    return list(ports, *names, flag(call, "count"));
}

Response rebuild(const ReplayPorts& ports, const Call& call) {
    const auto names = named(ports, call);
    if (!names) return problem(names.error());
    auto request = parse_replay_request(call.request.body);
    if (!request) return problem(request.error());
    if (!request->projections.empty())
        return problem(400, "invalid_input", "projections: the path names the projection");
    request->projections = *names;
    return start_replay(ports, *request);
}

using Change = bus::Result<std::vector<GenerationName>>;

// A builder must not lose what it works on.
bus::Result<bus::Done> check_nobody_builds(const ReplayPorts& ports,
                                           const std::vector<std::string>& names) {
    const auto table = ports.control.table();
    const bool prepared = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
        return table->candidate(name).has_value();
    });
    for (const jobs::JobStatus& job : ports.jobs.all())
        if (prepared && job.kind == replay_job_kind && !job.ended())
            return bus::fail(bus::ErrorCode::conflict,
                             "replay {} is going on; cancel it first: POST /v1/replays/{}/cancel",
                             job.id, job.id);
    return bus::Done{};
}

Response changed(const ReplayPorts& ports, const Call& call,
                 const std::function<Change(const std::vector<std::string>&)>& change) {
    const auto names = named(ports, call);
    if (!names) return problem(names.error());
    if (auto free = check_nobody_builds(ports, *names); !free) return problem(free.error());
    const Change done = change(*names);
    if (!done) return problem(done.error());
    // Rows that are not wanted any more go behind everybody's back; a start makes up for it.
    (void)start_erasing(ports);
    return list(ports, *names, false);
}

}  // namespace

std::vector<bus::http::Route> projection_routes(const ReplayPorts& ports) {
    const auto route = [](std::string method, std::string pattern, std::string operation,
                          std::string summary, auto handle) {
        return bus::http::Route{.method = std::move(method),
                                .pattern = std::move(pattern),
                                .operation = std::move(operation),
                                .summary = std::move(summary),
                                .tag = "operator",
                                .access = bus::http::Access::admin,
                                .handle = std::move(handle)};
    };
    const auto change = [&](std::string verb, std::string operation, std::string summary,
                            auto act) {
        return route("POST", "/v1/projections/:name/" + verb, std::move(operation),
                     std::move(summary), [ports, act](const Call& call) {
                         return changed(ports, call, [&](const std::vector<std::string>& names) {
                             return act(ports.control, call, names);
                         });
                     });
    };
    using Names = std::vector<std::string>;
    auto listed =
        route("GET", "/v1/projections", "listProjections",
              "Projections, their generations and how far they are", [ports](const Call& call) {
                  return list(ports, *ports.control.projections({}), flag(call, "count"));
              });
    auto shown = route("GET", "/v1/projections/:name", "getProjection",
                       "One projection; count=true counts its rows, slowly",
                       [ports](const Call& call) { return show(ports, call); });
    auto dropped = change("drop-old", "dropOldGenerations",
                          "Drop retired generations; candidates=true drops prepared ones too",
                          [](GenerationControl& control, const Call& call, const Names& names) {
                              return control.drop(names, flag(call, "candidates"));
                          });
    auto switched =
        change("switch", "switchProjection",
               "Make the prepared generation the live one; without_expired=true gives up the rows "
               "of what the log has lost",
               [](GenerationControl& control, const Call& call, const Names& names) {
                   return control.switch_over(names, flag(call, "without_expired"));
               });
    listed.parameters.push_back({.name = "count"});
    switched.parameters.push_back({.name = "without_expired"});
    shown.parameters.push_back({.name = "count"});
    dropped.parameters.push_back({.name = "candidates"});
    return {
        std::move(listed),
        std::move(shown),
        route("POST", "/v1/projections/:name/rebuild", "rebuildProjection",
              "Build its next generation beside the live one; a job",
              [ports](const Call& call) { return rebuild(ports, call); }),
        std::move(switched),
        change("rollback", "rollBackProjection", "Go back to the generation before the last switch",
               [](GenerationControl& control, const Call&, const Names& names) {
                   return control.roll_back(names);
               }),
        std::move(dropped),
    };
}

}  // namespace tools::replay
