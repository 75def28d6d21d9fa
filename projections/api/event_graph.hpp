// What an event came from and what it changed, as a tree (S-02):
//
//   cause (a fact's, when it names one)
//   └ request            the raw record
//     ├ event            each event that it is mapped to
//     │ ├ customer       who it is about
//     │ ├ line           in their timeline
//     │ └ message, call, mail, account    the row it told something of, as it is now
//     │   ├ conversation, thread, subscription, invoice
//     │   └ event        others that told of the same
//     └ dead_letter      what could not be mapped
//
// Of a record that is gone or erased the tree holds what the index still knows.
#pragma once

#include "projections/api/api_context.hpp"

#include <optional>
#include <string>
#include <vector>

namespace projections::api {

struct GraphNode {
    std::string kind;
    std::string id;
    std::string label;
    std::optional<bus::Timestamp> at{};
    std::string address{};
    bool asked = false;
    bool more = false;  // of a request: not all below it is shown
    std::vector<GraphNode> children{};
};

// Other events told of the same row are looked for in its customers' timelines.
inline constexpr std::size_t related_events_max = 50;

// A request and all below it. The asked event comes first; from where the nodes of an event would
// be too many, all further events and dead letters are left out.
inline constexpr std::size_t graph_nodes_max = 1'000;

// `id` is that of an event, or of a request. not_found: neither.
bus::Result<GraphNode> event_graph(const ApiContext& context, bus::TenantId tenant,
                                   const std::string& id);

// {"kind","id","label","at"?,"address"?,"asked"?,"more"?,"children":[..]}
std::string to_json(const GraphNode& node);

}  // namespace projections::api
