#include "projections/api/event_graph.hpp"

#include "projections/api/mapped_record.hpp"
#include "projections/api/touched_rows.hpp"
#include "projections/dead_letters/dead_letter_id.hpp"
#include "projections/dead_letters/dead_letters_reads.hpp"
#include "projections/ingest/events_reads.hpp"
#include "projections/ingest/requests_reads.hpp"

#include <algorithm>
#include <numeric>

namespace projections::api {

namespace {

using schemas::json::Value;
using schemas::json::Writer;

constexpr std::string_view causation = "ce_causationid";

// Where the asked event or request stands, and what the index says of it.
struct Asked {
    bus::Address address;
    std::string row;
    std::optional<bus::EventId> event;
};

bus::Result<std::optional<Asked>> find_asked(const ApiContext& context, bus::TenantId tenant,
                                             const std::string& id) {
    const auto events = context.reads.view(tenant, "events");
    if (!events) return events.error();
    if (auto event = get_event(**events, id))
        return std::optional{Asked{event->address, std::move(event->shown), event->id}};
    const auto requests = context.reads.view(tenant, "ingest");
    if (!requests) return requests.error();
    const auto request = get_request(**requests, id);
    if (!request) return std::optional<Asked>{};
    schemas::json::Parser parser;
    const auto shown = parser.parse(*request);
    if (!shown) return shown.error();
    const auto address = bus::parse_address((*shown)["address"].text());
    if (!address) return address.error();
    return std::optional{Asked{*address, *request, std::nullopt}};
}

GraphNode request_node(const MappedRecord& mapped, const Asked& asked) {
    const bus::Envelope& envelope = mapped.envelope();
    const bus::HeadersView headers = mapped.record().headers;
    return {.kind = "request",
            .id = to_string(envelope.id),
            .label = fmt::format("{} {} of {}, verified {}", headers.get(bus::header::method),
                                 headers.get(bus::header::path), mapped.source_slug(),
                                 headers.get(bus::header::verified)),
            .at = envelope.ingest_time,
            .address = to_string(mapped.record().address),
            .asked = !asked.event};
}

GraphNode event_node(const ApiContext& context, const schemas::Event& event, const Asked& asked) {
    return {.kind = "event",
            .id = to_string(event.id),
            .label = std::string(event.type_name),
            .at = event.time,
            .address = to_string(event.address),
            .asked = asked.event == event.id,
            .children = touched_rows(context, event)};
}

GraphNode letter_node(const ApiContext& context, const MappedRecord& mapped,
                      const schemas::MapFailure& failure) {
    const bus::TenantId tenant = mapped.envelope().tenant;
    GraphNode node{.kind = "dead_letter",
                   .id = dead_letter_id(
                       dead_letter_key(mapped.envelope().id, failure.emit_index, failure.path)),
                   .label = failure.path + ": " + failure.reason};
    const auto view = context.reads.view(tenant, "dead_letters");
    const auto letter = view ? get_dead_letter(**view, node.id) : std::nullopt;
    schemas::json::Parser parser;
    const auto shown = letter ? parser.parse(*letter) : bus::Result<Value>{Value{}};
    if (shown && (*shown)["status"]) node.label += fmt::format(", {}", (*shown)["status"].text());
    return node;
}

std::size_t count_of(const std::vector<GraphNode>& nodes) {
    return std::accumulate(
        nodes.begin(), nodes.end(), nodes.size(),
        [](std::size_t count, const GraphNode& node) { return count + count_of(node.children); });
}

std::vector<const schemas::Event*> asked_first(const std::vector<schemas::Event>& events,
                                               const Asked& asked) {
    std::vector<const schemas::Event*> ordered;
    ordered.reserve(events.size());
    for (const schemas::Event& event : events) ordered.push_back(&event);
    std::stable_partition(ordered.begin(), ordered.end(),
                          [&](const schemas::Event* event) { return asked.event == event->id; });
    return ordered;
}

// A request and what is below it, as far as graph_nodes_max goes.
class RequestTree {
public:
    explicit RequestTree(GraphNode root) : root_(std::move(root)) {}

    // Whether there was room; without, nothing is added any more.
    bool add(GraphNode node) {
        const std::size_t count = 1 + count_of(node.children);
        root_.more = root_.more || count > left_;
        if (root_.more) return false;
        left_ -= count;
        root_.children.push_back(std::move(node));
        return true;
    }
    GraphNode take() { return std::move(root_); }

private:
    GraphNode root_;
    std::size_t left_ = graph_nodes_max - 1;
};

GraphNode whole_tree(const ApiContext& context, const MappedRecord& mapped, const Asked& asked) {
    RequestTree tree(request_node(mapped, asked));
    for (const schemas::Event* event : asked_first(mapped.mapped().events, asked))
        if (!tree.add(event_node(context, *event, asked))) return tree.take();
    for (const schemas::MapFailure& failure : mapped.mapped().failures)
        if (!tree.add(letter_node(context, mapped, failure))) break;
    return tree.take();
}

// The record is gone or erased: the index alone.
GraphNode remaining_tree(const Asked& asked, const bus::Error& error) {
    schemas::json::Parser parser;
    const auto row = parser.parse(asked.row);
    const Value shown = row ? *row : Value{};
    GraphNode root{.kind = "request",
                   .id = std::string(asked.event ? "" : shown["id"].text()),
                   .label = error.message,
                   .address = to_string(asked.address),
                   .asked = !asked.event};
    if (asked.event)
        root.children.push_back({.kind = "event",
                                 .id = to_string(*asked.event),
                                 .label = std::string(shown["type"].text()),
                                 .asked = true});
    return root;
}

// A fact says what it was caused by.
bus::Result<GraphNode> under_its_cause(const ApiContext& context, const MappedRecord& mapped,
                                       GraphNode tree) {
    const std::string_view cause = bus::HeadersView(mapped.record().headers).get(causation);
    if (cause.empty()) return tree;
    GraphNode root{.kind = "cause", .id = std::string(cause), .label = "caused it"};
    const auto found = find_asked(context, mapped.envelope().tenant, root.id);
    if (!found) return found.error();
    if (*found) root.address = to_string((*found)->address);
    root.children.push_back(std::move(tree));
    return root;
}

void write(Writer& writer, const GraphNode& node) {
    writer.begin_object().member("kind", node.kind).member("id", node.id);
    writer.member("label", node.label);
    if (node.at) writer.member("at", *node.at);
    if (!node.address.empty()) writer.member("address", node.address);
    if (node.asked) writer.member("asked", true);
    if (node.more) writer.member("more", true);
    writer.key("children").begin_array();
    for (const GraphNode& child : node.children) write(writer, child);
    writer.end_array().end_object();
}

}  // namespace

bus::Result<GraphNode> event_graph(const ApiContext& context, bus::TenantId tenant,
                                   const std::string& id) {
    const auto asked = find_asked(context, tenant, id);
    if (!asked) return asked.error();
    if (!*asked)
        return bus::fail(bus::ErrorCode::not_found, "there is no event or request '{}'", id);
    auto record = read_record(context.log, context.registry, (*asked)->address, tenant);
    if (!record && record.error().code == bus::ErrorCode::gone)
        return remaining_tree(**asked, record.error());
    if (!record) return record.error();
    const auto mapped = (*asked)->event ? MappedRecord::map_for(*std::move(record),
                                                                context.registry, *(*asked)->event)
                                        : MappedRecord::map(*std::move(record), context.registry);
    if (!mapped) return mapped.error();
    return under_its_cause(context, *mapped, whole_tree(context, *mapped, **asked));
}

std::string to_json(const GraphNode& node) {
    std::string out;
    Writer writer{out};
    write(writer, node);
    return out;
}

}  // namespace projections::api
