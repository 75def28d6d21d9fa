#include "tools/operator_routes.hpp"

#include "bus/text.hpp"
#include "tools/record_view.hpp"

#include <charconv>
#include <filesystem>
#include <memory>

namespace tools {
namespace {

using bus::http::Access;
using bus::http::Call;
using bus::http::problem;
using bus::http::Response;
using schemas::json::Writer;

constexpr std::size_t records_max = 500;
constexpr bus::milliseconds wait_max{20'000};
constexpr std::size_t scanned_records_max =
    20'000;  // per answer, so that a filter cannot hold a thread

bus::PartitionId partitions_of(const OperatorPorts& ports, bus::Topic topic) {
    return bus::is_partitioned(topic) ? ports.log.partitions() : 1;
}

// --- topics

Response topics(const OperatorPorts& ports) {
    const auto statuses = ports.pool.status();
    std::string body;
    Writer json(body);
    json.begin_object().key("data").begin_array();
    for (std::size_t i = 0; i < bus::topic_count; ++i) {
        const bus::Topic topic = bus::topic_at(i);
        for (bus::PartitionId partition = 0; partition < partitions_of(ports, topic); ++partition) {
            const auto start = ports.log.start_offset({topic, partition});
            const auto end = ports.log.end_offset({topic, partition});
            if (!start || !end) return problem(start ? end.error() : start.error());
            json.begin_object()
                .member("topic", bus::name(topic))
                .member("partition", std::int64_t{partition});
            json.member("start", static_cast<std::int64_t>(*start))
                .member("end", static_cast<std::int64_t>(*end));
            json.member("records", static_cast<std::int64_t>(*end - *start));
            if (bus::is_partitioned(topic) && partition < statuses.size()) {
                const auto applied = statuses[partition].position[topic];
                json.member("lag", static_cast<std::int64_t>(*end - std::min(*end, applied)));
            }
            json.end_object();
        }
    }
    json.end_array().end_object();
    return {.body = std::move(body)};
}

// --- records: the newest, then what follows a cursor

// Next offset per topic and partition, as text "topic/partition/offset,..." in base64url.
using Places = std::map<bus::TopicPartition, bus::Offset>;

std::string cursor_of(const Places& places) {
    std::string text;
    for (const auto& [where, offset] : places) {
        text += bus::to_string(bus::Address{where.topic, where.partition, offset}) + ",";
    }
    return bus::to_base64url(text);
}

bus::Result<Places> parse_cursor(std::string_view cursor) {
    auto text = bus::from_base64(cursor);
    if (!text) return text.error();
    Places places;
    for (std::string_view rest = *text; !rest.empty();) {
        const auto part = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(rest.size(), part.size() + 1));
        auto address = bus::parse_address(part);
        if (!address) return address.error();
        places[{address->topic, address->partition}] = address->offset;
    }
    return places;
}

bus::Result<Places> newest(const OperatorPorts& ports, const std::optional<bus::Topic>& only,
                           std::size_t last) {
    Places places;
    for (std::size_t i = 0; i < bus::topic_count; ++i) {
        const bus::Topic topic = bus::topic_at(i);
        if (only && topic != *only) continue;
        for (bus::PartitionId partition = 0; partition < partitions_of(ports, topic); ++partition) {
            const bus::TopicPartition where{topic, partition};
            const auto start = ports.log.start_offset(where);
            const auto end = ports.log.end_offset(where);
            if (!start || !end) return start ? end.error() : start.error();
            places[where] = *end - std::min<bus::Offset>(last, *end - *start);
        }
    }
    return places;
}

struct Printed {
    bus::Timestamp at{};
    std::string json;
};

class RecordsAnswer {
public:
    RecordsAnswer(const OperatorPorts& ports, RecordFilter filter, std::size_t limit)
        : ports_(ports), filter_(std::move(filter)), limit_(limit), printer_(ports.registry) {}

    bus::Result<bus::Done> collect(Places& places) {
        for (auto& [where, next] : places) {
            auto end = ports_.log.end_offset(where);
            if (!end) return end.error();
            if (next >= *end) continue;
            if (auto read = collect_from(where, next, *end); !read) return read.error();
        }
        return bus::Done{};
    }
    bool empty() const { return printed_.empty(); }

    std::string body(const Places& places, std::size_t last) {
        std::stable_sort(printed_.begin(), printed_.end(),
                         [](const Printed& a, const Printed& b) { return a.at < b.at; });
        const std::size_t skip = last > 0 && printed_.size() > last ? printed_.size() - last : 0;
        std::string out;
        Writer json(out);
        json.begin_object().key("data").begin_array();
        for (std::size_t i = skip; i < printed_.size(); ++i) json.raw(printed_[i].json);
        json.end_array()
            .key("page")
            .begin_object()
            .member("next_cursor", cursor_of(places))
            .end_object()
            .end_object();
        return out;
    }

private:
    bus::Result<bus::Done> collect_from(bus::TopicPartition where, bus::Offset& next,
                                        bus::Offset end) {
        bus::ReaderOptions options{.partition = where.partition};
        options.topics.set(bus::index(where.topic));
        options.from[bus::index(where.topic)] = next;
        bus::Signal more;
        options.signal = &more;
        auto reader = ports_.log.open_reader(options);
        if (!reader) return reader.error();
        while (next < end && printed_.size() < limit_ && scanned_ < scanned_records_max) {
            const auto seen = more.count();
            auto batch = (*reader)->poll(256, 1 << 20);
            if (!batch) return batch.error();
            for (const auto& record : batch->records)
                take(record), next = record.address.offset + 1;
            if (batch->empty()) more.wait(seen, bus::milliseconds{50});
        }
        return bus::Done{};
    }

    void take(const bus::RecordView& record) {
        ++scanned_;
        Printed printed;
        Writer json(printed.json);
        if (!printer_.append(json, record, filter_)) return;
        if (const auto envelope = bus::read_envelope(record.headers))
            printed.at = envelope->ingest_time;
        printed_.push_back(std::move(printed));
    }

    const OperatorPorts& ports_;
    RecordFilter filter_;
    std::size_t limit_;
    RecordPrinter printer_;
    std::vector<Printed> printed_;
    std::size_t scanned_ = 0;
};

std::size_t number_or(const std::optional<std::string>& text, std::size_t otherwise,
                      std::size_t most) {
    std::size_t value = otherwise;
    if (text) std::from_chars(text->data(), text->data() + text->size(), value);
    return std::min(value, most);
}

Response records(const OperatorPorts& ports, const Call& call) {
    const auto parameter = [&](std::string_view name) {
        return bus::http::query_value(call.request.query, name);
    };
    RecordFilter filter{.tenant = {},
                        .type = parameter("type").value_or(""),
                        .bodies = parameter("bodies") == "true"};
    if (const auto code = parameter("tenant")) {
        const auto tenant = ports.registry.tenant_by_code(*code);
        if (!tenant)
            return problem(404, "not_found", fmt::format("there is no tenant '{}'", *code));
        filter.tenant = tenant->id;
    }
    std::optional<bus::Topic> topic;
    if (const auto name = parameter("topic")) {
        topic = bus::parse_topic(*name);
        if (!topic)
            return problem(400, "invalid_input", fmt::format("there is no topic '{}'", *name));
    }
    const auto cursor = parameter("cursor");
    const std::size_t last = cursor ? 0 : number_or(parameter("last"), 10, records_max);
    auto places = cursor ? parse_cursor(*cursor) : newest(ports, topic, last);
    if (!places) return problem(places.error());
    RecordsAnswer answer(ports, filter, number_or(parameter("limit"), 200, records_max));
    const auto deadline =
        std::chrono::steady_clock::now() +
        std::min(bus::milliseconds{number_or(parameter("wait_ms"), 0, 60'000)}, wait_max);
    for (;;) {
        if (auto collected = answer.collect(*places); !collected) return problem(collected.error());
        if (!answer.empty() || std::chrono::steady_clock::now() >= deadline) break;
        std::this_thread::sleep_for(bus::milliseconds{50});
    }
    return {.body = answer.body(*places, last)};
}

// One record by its address, with headers and body (dump).
Response record(const OperatorPorts& ports, const Call& call) {
    const auto address =
        bus::parse_address(bus::http::query_value(call.request.query, "address").value_or(""));
    if (!address) return problem(address.error());
    auto found = ports.log.read_at(*address);
    if (!found) return problem(found.error());
    found->value.reserve(found->value.size() + 64);  // the parser reads past the end
    const bus::RecordView view{found->address, found->key, found->headers, found->value,
                               found->tombstone};
    std::string body;
    Writer json(body);
    RecordPrinter(ports.registry).append(json, view, {.tenant = {}, .type = {}, .bodies = true});
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
    if (status.accepting)
        checks.ok("log", fmt::format("{} accepts events", ports.log.engine()));
    else
        checks.broken("log", status.detail,
                      ports.log.engine() == "kafka" ? "look at the brokers and the network"
                                                    : "free disk space, or look at the disk");
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

void check_sources(const OperatorPorts& ports, Checks& checks) {
    std::size_t sources = 0, disabled = 0, unverified = 0;
    const auto tenants = ports.registry.tenants();
    for (const auto& tenant : tenants) {
        for (const auto& source : ports.registry.sources(tenant->id)) {
            ++sources;
            disabled += source->enabled ? 0 : 1;
            unverified += source->verification.kind == "none" ? 1 : 0;
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
    check_partitions(ports, checks);
    check_disk(ports, checks);
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
    auto records_route =
        route("records", "listRecords", "Records of the log, newest or after a cursor (tail)",
              [&ports](const Call& call) { return records(ports, call); });
    for (const std::string name :
         {"topic", "tenant", "type", "last", "limit", "cursor", "wait_ms", "bodies"}) {
        records_route.parameters.push_back({.name = name});
    }
    auto record_route = route("record", "getRecord", "One record by its address (dump)",
                              [&ports](const Call& call) { return record(ports, call); });
    record_route.parameters.push_back({.name = "address"});
    return {route("topics", "listTopics", "Offsets of every topic's partition",
                  [&ports](const Call&) { return topics(ports); }),
            std::move(records_route), std::move(record_route),
            route("checks", "listChecks", "What doctor prints",
                  [&ports](const Call&) { return checks(ports); })};
}

}  // namespace tools
