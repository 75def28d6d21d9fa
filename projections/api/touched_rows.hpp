// The rows that an event told something of, as they are now: nodes below it in its graph.
#pragma once

#include "projections/api/event_graph.hpp"
#include "schemas/event.hpp"

#include <vector>

namespace projections::api {

// Rows that are not there (an erased person, a receipt whose message never came) have no node.
std::vector<GraphNode> touched_rows(const ApiContext& context, const schemas::Event& event);

}  // namespace projections::api
