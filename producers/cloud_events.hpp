// CloudEvents 1.0 over HTTP: binary, structured, batched and one per line, as they come to
// POST /v1/events and /v1/events/batch. Pure.
#pragma once

#include "producers/request_view.hpp"
#include "schemas/json/json.hpp"

#include <string>
#include <utility>
#include <vector>

namespace producers {

struct CloudEvent {
    // Lower-case names without prefix: id, source, type, time, subject, extensions.
    std::vector<std::pair<std::string, std::string>> attributes;
    std::string content_type;
    // As it came: the data of a binary-mode event, empty where it has none, else the event's whole
    // JSON document.
    std::string body;
    std::string problem;  // why it cannot be taken; "" = it can

    std::string_view attribute(std::string_view name) const;
};

enum class EventsForm : std::uint8_t { binary, structured, array, lines, unsupported };
// `batch`: the path asks for many, so plain JSON is an array there.
EventsForm events_form(const RequestView& request, bool batch);

// At most `items_max` + 1 events come back, so that the caller can refuse more. invalid_input when
// the body as a whole does not parse.
bus::Result<std::vector<CloudEvent>> parse_events(const RequestView& request, EventsForm form,
                                                  schemas::json::Parser& parser,
                                                  const schemas::json::Limits& limits,
                                                  std::size_t items_max);

}  // namespace producers
