#include "tools/operator_routes.hpp"

#include "schemas/json/json.hpp"
#include "tools/retention/retention_settings.hpp"

#include <filesystem>
#include <map>
#include <memory>

namespace tools {
namespace {

using bus::http::Access;
using bus::http::Call;
using bus::http::problem;
using bus::http::Response;
using schemas::json::Writer;

bus::PartitionId partitions_of(const OperatorPorts& ports, bus::Topic topic) {
    return bus::is_partitioned(topic) ? ports.log.partitions() : 1;
}

// First and next offset by topic and partition; by partition, since a log far away tells all topics
// of one at once.
using AllBounds =
    std::map<std::pair<std::size_t, bus::PartitionId>, std::pair<bus::Offset, bus::Offset>>;

bus::Result<AllBounds> all_bounds(const OperatorPorts& ports) {
    AllBounds bounds;
    for (bus::PartitionId partition = 0; partition < ports.log.partitions(); ++partition) {
        for (std::size_t i = 0; i < bus::topic_count; ++i) {
            const bus::TopicPartition where{bus::topic_at(i), partition};
            if (partition >= partitions_of(ports, where.topic)) continue;
            const auto start = ports.log.start_offset(where);
            if (!start) return start.error();
            const auto end = ports.log.end_offset(where);
            if (!end) return end.error();
            bounds[{i, partition}] = {*start, *end};
        }
    }
    return bounds;
}

// --- topics

Response topics(const OperatorPorts& ports) {
    const auto statuses = ports.pool.status();
    std::string body;
    Writer json(body);
    json.begin_object().key("data").begin_array();
    const auto bounds = all_bounds(ports);
    if (!bounds) return problem(bounds.error());
    for (std::size_t i = 0; i < bus::topic_count; ++i) {
        const bus::Topic topic = bus::topic_at(i);
        for (bus::PartitionId partition = 0; partition < partitions_of(ports, topic); ++partition) {
            const auto& [start, end] = bounds->at({i, partition});
            json.begin_object()
                .member("topic", bus::name(topic))
                .member("partition", std::int64_t{partition});
            json.member("start", static_cast<std::int64_t>(start))
                .member("end", static_cast<std::int64_t>(end));
            json.member("records", static_cast<std::int64_t>(end - start));
            if (bus::is_partitioned(topic) && partition < statuses.size()) {
                const auto applied = statuses[partition].position[topic];
                json.member("lag", static_cast<std::int64_t>(end - std::min(end, applied)));
            }
            json.end_object();
        }
    }
    json.end_array().end_object();
    return {.body = std::move(body)};
}

// --- checks: what doctor prints

class Checks {
public:
    void ok(std::string_view name, std::string detail) { add("ok", name, std::move(detail), ""); }
    void warn(std::string_view name, std::string detail, std::string_view remedy) {
        add("warn", name, std::move(detail), remedy);
    }
    void broken(std::string_view name, std::string detail, std::string_view remedy) {
        add("broken", name, std::move(detail), remedy);
    }

    std::string body() {
        json_.end_array().end_object();
        return std::move(body_);
    }

private:
    void add(std::string_view state, std::string_view name, std::string detail,
             std::string_view remedy) {
        json_.begin_object().member("state", state).member("name", name).member("detail", detail);
        if (!remedy.empty()) json_.member("remedy", remedy);
        json_.end_object();
    }
    std::string body_;
    Writer json_ = [this]() -> Writer {
        Writer json(body_);
        json.begin_object().key("data").begin_array();
        return json;
    }();
};

void check_log(const OperatorPorts& ports, Checks& checks) {
    const auto status = ports.log.status();
    if (status.accepting && !status.detail.empty())
        checks.warn("log", status.detail, "look at the brokers and the network");
    else if (status.accepting)
        checks.ok("log", fmt::format("{} accepts events", ports.log.engine()));
    else
        checks.broken("log", status.detail,
                      ports.log.engine() == "kafka" ? "look at the brokers and the network"
                                                    : "free disk space, or look at the disk");
}

void check_registry(const OperatorPorts& ports, Checks& checks) {
    if (const auto failure = ports.follower.failure())
        checks.broken("registry", "stands still: " + failure->message,
                      "start the newer program that wrote it, or restore .control; until then no "
                      "new source, key or erasure applies");
    else
        checks.ok("registry", fmt::format("follows .control, {} facts", ports.registry.applied()));
}

void check_partitions(const OperatorPorts& ports, Checks& checks) {
    for (const auto& partition : ports.pool.status()) {
        const std::string name = fmt::format("partition {}", partition.partition);
        const std::string detail =
            fmt::format("{}, {}{} records behind{}{}", consumers::name(partition.state),
                        partition.lag_known ? "" : "when the log last told ", partition.lag_records,
                        partition.reason.empty() ? "" : ": ", partition.reason);
        using consumers::PartitionState;
        if (partition.state == PartitionState::stopped)
            checks.broken(name, detail, "read the reason; restart after mending it");
        else if (partition.stalled)
            checks.broken(name, detail + ", one step hangs",
                          "look at the disk; restart the process");
        else if (partition.state != PartitionState::running)
            checks.warn(name, detail, "it goes on by itself");
        else if (!partition.lag_known)
            checks.warn(name, detail, "the log does not tell its end; see the check of the log");
        else if (partition.lag_records > 10'000)
            checks.warn(name, detail, "more cores or partitions, if this lasts");
        else
            checks.ok(name, detail);
    }
}

void check_disk(const OperatorPorts& ports, Checks& checks) {
    std::error_code failed;
    const auto space = std::filesystem::space(ports.options.data, failed);
    if (failed) return checks.warn("disk", failed.message(), "look at the data folder");
    const auto free_mib = space.available >> 20;
    const std::string detail =
        fmt::format("{} MiB free in {}", free_mib, ports.options.data.string());
    if (free_mib < 2048)
        checks.warn("disk", detail, "events are refused under the reserve; free space soon");
    else
        checks.ok("disk", detail);
}

void check_retention(const OperatorPorts& ports, Checks& checks) {
    const auto limits = retention::read_settings(ports.options.data);
    if (!limits) return checks.warn("retention", limits.error().message, "mend that file");
    if (!ports.expiry_clock || limits->empty()) return;
    if (const auto now = ports.expiry_clock->now(); !now)
        checks.warn("retention", now.error().message, "look at the machine's clock");
    else
        checks.ok("retention", fmt::format("{} topics are kept for a time only", limits->size()));
}

void check_sources(const OperatorPorts& ports, Checks& checks) {
    std::size_t sources = 0, disabled = 0, unverified = 0;
    const auto tenants = ports.registry.tenants();
    for (const auto& tenant : tenants) {
        for (const auto& source : ports.registry.sources(tenant->id)) {
            ++sources;
            disabled += source->enabled ? 0 : 1;
            unverified += source->verification->kind == "none" ? 1 : 0;
        }
    }
    checks.ok("sources", fmt::format("{} tenants, {} sources, {} disabled", tenants.size(), sources,
                                     disabled));
    if (unverified > 0) {
        checks.warn("verification",
                    fmt::format("{} sources accept events without any verification", unverified),
                    "PATCH /v1/sources/:id with a verification, if the provider has one");
    }
}

Response checks(const OperatorPorts& ports) {
    Checks checks;
    check_log(ports, checks);
    check_registry(ports, checks);
    check_partitions(ports, checks);
    check_disk(ports, checks);
    check_retention(ports, checks);
    check_sources(ports, checks);
    return {.body = checks.body()};
}

}  // namespace

std::vector<bus::http::Route> operator_routes(const OperatorPorts& ports) {
    const auto route = [&](std::string path, std::string operation, std::string summary,
                           auto handle) {
        return bus::http::Route{.method = "GET",
                                .pattern = "/v1/operator/" + path,
                                .operation = std::move(operation),
                                .summary = std::move(summary),
                                .tag = "operator",
                                .access = Access::admin,
                                .handle = std::move(handle)};
    };
    return {route("topics", "listTopics", "Offsets of every topic's partition",
                  [&ports](const Call&) { return topics(ports); }),
            route("checks", "listChecks", "What doctor prints",
                  [&ports](const Call&) { return checks(ports); })};
}

}  // namespace tools
