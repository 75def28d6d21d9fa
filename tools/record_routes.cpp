#include "tools/record_routes.hpp"

#include "bus/http/query_parameters.hpp"
#include "bus/text.hpp"
#include "projections/ingest/events_reads.hpp"
#include "projections/ingest/requests_reads.hpp"
#include "tools/log_places.hpp"
#include "tools/record_view.hpp"

#include <algorithm>
#include <deque>
#include <thread>

namespace tools {
namespace {

using bus::http::Call;
using bus::http::problem;
using bus::http::QueryParameters;
using bus::http::Response;
using schemas::json::Writer;

constexpr std::size_t records_max = 500;
constexpr std::size_t answer_bytes_max = 8 << 20;  // beyond the first record
constexpr std::size_t wait_ms_max = 20'000;
constexpr bus::milliseconds look_again{50};
constexpr int empty_polls_max = 40;  // offsets that compaction has taken may be the last ones
// Per answer, so that a filter cannot hold a thread.
constexpr std::size_t scanned_records_max = 20'000;

struct Printed {
    bus::Timestamp at{};
    std::string json;
};

// Records that pass the filter, from many places, and how far each place was read.
class RecordsAnswer {
public:
    struct Bounds {
        std::size_t last = 0;   // of each place only the newest; 0 = from the first on
        std::size_t limit = 0;  // in all
    };
    RecordsAnswer(const RecordPorts& ports, RecordFilter filter, Bounds bounds)
        : ports_(ports), filter_(std::move(filter)), bounds_(bounds), printer_(ports.registry) {}

    bus::Result<bus::Done> collect(Places& places) {
        for (auto& [where, next] : places) {
            const auto end = ports_.log.end_offset(where);
            if (!end) return end.error();
            if (next >= *end) continue;
            if (auto read = collect_from(where, next, *end); !read) return read.error();
        }
        return bus::Done{};
    }
    bool empty() const { return printed_.empty(); }

    std::string body(const Places& places) {
        std::stable_sort(printed_.begin(), printed_.end(),
                         [](const Printed& a, const Printed& b) { return a.at < b.at; });
        while (bounds_.last > 0 && printed_.size() > bounds_.last) printed_.pop_front();
        std::string out;
        Writer json(out);
        json.begin_object().key("data").begin_array();
        for (const Printed& printed : printed_) json.raw(printed.json);
        json.end_array().key("page").begin_object();
        json.member("next_cursor", cursor_of(places)).end_object().end_object();
        return out;
    }

private:
    bool full() const {
        if (scanned_ >= scanned_records_max) return true;
        return bounds_.last == 0 &&
               (printed_.size() >= bounds_.limit || bytes_ >= answer_bytes_max);
    }

    bus::Result<bus::Done> collect_from(bus::TopicPartition where, bus::Offset& next,
                                        bus::Offset end) {
        bus::ReaderOptions options{.partition = where.partition};
        options.topics.set(bus::index(where.topic));
        options.from[bus::index(where.topic)] = next;
        bus::Signal more;
        options.signal = &more;
        auto reader = ports_.log.open_reader(options);
        if (!reader) return reader.error();
        const std::size_t before = printed_.size();
        for (int empty = 0; next < end && !full() && empty < empty_polls_max;) {
            const auto seen = more.count();
            auto batch = (*reader)->poll(256, 1 << 20);
            if (!batch) return batch.error();
            for (const bus::RecordView& record : batch->records) {
                if (full()) break;
                take(record);
                next = record.address.offset + 1;
                keep_newest(before);
            }
            empty = batch->empty() ? empty + 1 : 0;
            if (batch->empty()) more.wait(seen, look_again);
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
        bytes_ += printed.json.size();
        printed_.push_back(std::move(printed));
    }

    void keep_newest(std::size_t before) {
        if (bounds_.last == 0 || printed_.size() <= before + bounds_.last) return;
        printed_.erase(printed_.begin() + static_cast<std::ptrdiff_t>(before));
    }

    const RecordPorts& ports_;
    RecordFilter filter_;
    Bounds bounds_;
    RecordPrinter printer_;
    std::deque<Printed> printed_;
    std::size_t scanned_ = 0;
    std::size_t bytes_ = 0;
};

// --- the query

struct Wanted {
    RecordFilter filter;
    Reach reach;
    bool filtered() const { return filter.source || !filter.type.empty(); }
};

bus::Result<bus::Done> take_tenant(const RecordPorts& ports, const QueryParameters& asked,
                                   Wanted& wanted) {
    const auto code = asked.find("tenant");
    if (!code) return bus::Done{};
    const auto tenant = ports.registry.tenant_by_code(*code);
    if (!tenant) return bus::fail(bus::ErrorCode::not_found, "there is no tenant '{}'", *code);
    wanted.filter.tenant = wanted.reach.tenant = tenant->id;
    return bus::Done{};
}

bus::Result<bus::Done> take_source(const RecordPorts& ports, const QueryParameters& asked,
                                   Wanted& wanted) {
    const auto slug = asked.find("source");
    if (!slug) return bus::Done{};
    const auto source = ports.registry.source_by_slug(*slug);
    const bool is_theirs =
        source && (!wanted.filter.tenant || *wanted.filter.tenant == source->tenant);
    if (!is_theirs) return bus::fail(bus::ErrorCode::not_found, "there is no source '{}'", *slug);
    wanted.filter.source = source->id;
    wanted.reach.tenant = source->tenant;
    wanted.reach.source_topic = source->topic;
    return bus::Done{};
}

bus::Result<Wanted> read_wanted(const RecordPorts& ports, const QueryParameters& asked) {
    Wanted wanted;
    wanted.filter.type = asked.find("type").value_or("");
    const std::string bodies = asked.find("bodies").value_or("false");
    if (bodies == "true") wanted.filter.bodies = Bodies::readable;
    if (bodies == "base64") wanted.filter.bodies = Bodies::base64;
    if (auto taken = take_tenant(ports, asked, wanted); !taken) return taken.error();
    if (auto taken = take_source(ports, asked, wanted); !taken) return taken.error();
    if (const auto name = asked.find("topic")) {
        wanted.reach.topic = bus::parse_topic(*name);
        if (!wanted.reach.topic)
            return bus::fail(bus::ErrorCode::invalid_input, "there is no topic '{}'", *name);
    }
    return wanted;
}

// `last` of what is filtered may stand far before the end: as far back as one answer may look.
std::size_t looked_back(const Wanted& wanted, std::size_t last, std::size_t places) {
    if (last == 0 || !wanted.filtered()) return last;
    return std::max(last, scanned_records_max / std::max<std::size_t>(places, 1));
}

bus::Result<Places> first_places(const RecordPorts& ports, const QueryParameters& asked,
                                 const Wanted& wanted, std::size_t last) {
    if (const auto cursor = asked.find("cursor")) return parse_cursor(*cursor);
    if (const auto from = asked.find("from")) {
        const auto time = bus::from_iso(*from);
        if (!time)
            return bus::fail(bus::ErrorCode::invalid_input,
                             "'from' is a time like 2026-11-21T10:00:00Z");
        return places_from(ports.log, wanted.reach, *time);
    }
    const auto ends = places_before_end(ports.log, wanted.reach, 0);
    if (!ends) return ends.error();
    return places_before_end(ports.log, wanted.reach, looked_back(wanted, last, ends->size()));
}

// How much is asked for, and how long the answer may wait for a first record.
struct AskedExtent {
    RecordsAnswer::Bounds bounds;
    bus::milliseconds wait{};
};

bus::Result<AskedExtent> read_extent(const QueryParameters& asked) {
    const auto last = asked.count("last", 10, records_max, 0);
    if (!last) return last.error();
    const auto limit = asked.count("limit", 200, records_max, 0);
    if (!limit) return limit.error();
    const auto wait_ms = asked.count("wait_ms", 0, wait_ms_max, 0);
    if (!wait_ms) return wait_ms.error();
    const bool goes_on = asked.find("cursor") || asked.find("from");
    return AskedExtent{{.last = goes_on ? 0 : *last, .limit = *limit}, bus::milliseconds{*wait_ms}};
}

Response records(const RecordPorts& ports, const Call& call) {
    const QueryParameters asked(call);
    const auto wanted = read_wanted(ports, asked);
    if (!wanted) return problem(wanted.error());
    const auto extent = read_extent(asked);
    if (!extent) return problem(extent.error());
    auto places = first_places(ports, asked, *wanted, extent->bounds.last);
    if (!places) return problem(places.error());
    RecordsAnswer answer(ports, wanted->filter, extent->bounds);
    const auto deadline = std::chrono::steady_clock::now() + extent->wait;
    for (;;) {
        if (auto collected = answer.collect(*places); !collected) return problem(collected.error());
        if (!answer.empty() || std::chrono::steady_clock::now() >= deadline) break;
        std::this_thread::sleep_for(look_again);
    }
    return {.body = answer.body(*places)};
}

// --- one record, by its address or by the id of a request or an event

struct Found {
    bus::Address address;
    std::string row;  // what the index says of it
};

std::optional<Found> find_in(const RecordPorts& ports, bus::TenantId tenant,
                             const std::string& id) {
    if (const auto view = ports.reads.view(tenant, "events")) {
        if (auto event = projections::get_event(**view, id))
            return Found{event->address, std::move(event->shown)};
    }
    const auto view = ports.reads.view(tenant, "ingest");
    auto request = view ? projections::get_request(**view, id) : std::nullopt;
    if (!request) return std::nullopt;
    schemas::json::Parser parser;
    const auto shown = parser.parse(*request);
    const auto address = bus::parse_address(shown ? (*shown)["address"].text() : "");
    if (!address) return std::nullopt;
    return Found{*address, *std::move(request)};
}

bus::Result<Found> find_id(const RecordPorts& ports, const QueryParameters& asked,
                           const std::string& id) {
    const auto code = asked.find("tenant");
    for (const auto& tenant : ports.registry.tenants()) {
        if (code && tenant->code != *code) continue;
        if (auto found = find_in(ports, tenant->id, id)) return *std::move(found);
    }
    return bus::fail(bus::ErrorCode::not_found,
                     "there is no request or event '{}'; an address is like chat/3/17", id);
}

bus::Result<Found> find_record(const RecordPorts& ports, const QueryParameters& asked) {
    if (const auto id = asked.find("id")) return find_id(ports, asked, *id);
    const auto address = bus::parse_address(asked.find("address").value_or(""));
    if (!address) return address.error();
    return Found{*address, {}};
}

// What is still known of a record that the log no longer has.
Response expired(const Found& found, const bus::Error& error) {
    if (found.row.empty()) return problem(error);
    Response response;
    Writer json(response.body);
    json.begin_object().member("address", bus::to_string(found.address)).member("expired", true);
    json.member("problem", error.message).key("row").raw(found.row).end_object();
    return response;
}

Response record(const RecordPorts& ports, const Call& call) {
    const auto found = find_record(ports, QueryParameters(call));
    if (!found) return problem(found.error());
    auto record = ports.log.read_at(found->address);
    if (!record) return expired(*found, record.error());
    record->value.reserve(record->value.size() + 64);  // the parser reads past the end
    const bus::RecordView view{record->address,   record->key,    record->headers, record->value,
                               record->tombstone, record->erased, record->expired};
    Response response;
    Writer json(response.body);
    RecordPrinter(ports.registry).append(json, view, {.bodies = Bodies::readable, .details = true});
    return response;
}

}  // namespace

std::vector<bus::http::Route> record_routes(const RecordPorts& ports) {
    const auto route = [&](std::string path, std::string operation, std::string summary,
                           std::vector<std::string> names, auto handler) {
        bus::http::Route made{
            .method = "GET",
            .pattern = "/v1/operator/" + path,
            .operation = std::move(operation),
            .summary = std::move(summary),
            .tag = "operator",
            .access = bus::http::Access::admin,
            .handle = [&ports, handler](const Call& call) { return handler(ports, call); }};
        for (std::string& name : names) made.parameters.push_back({.name = std::move(name)});
        return made;
    };
    return {route("records", "listRecords",
                  "Records of the log: the newest, from a time, or after a cursor (tail, listen)",
                  {"topic", "tenant", "source", "type", "from", "last", "limit", "cursor",
                   "wait_ms", "bodies"},
                  records),
            route("record", "getRecord",
                  "One record by its address, or by the id of a request or an event (get, dump)",
                  {"address", "id", "tenant"}, record)};
}

}  // namespace tools
