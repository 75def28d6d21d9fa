// Answers from the rows of the events projection: S-02. Pure functions over one view.
#pragma once

#include "bus/topic.hpp"
#include "projections/list_page.hpp"
#include "projections/projection.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace projections {

struct EventQuery {
    std::string type{};    // "whatsapp.message.read", or "whatsapp.*" for all that begin so
    std::string source{};  // slug; "" = any, as for the type
    std::optional<bus::Timestamp> from{};  // inclusive
    std::optional<bus::Timestamp> to{};    // exclusive
    std::size_t page = 1;                  // not used with a cursor
    std::size_t limit = 25;
    std::string cursor{};
};

// Newest first. invalid_input for a cursor that is none of ours.
bus::Result<ListPage> list_events(const ReadView& view, const EventQuery& query);

struct IndexedEvent {
    bus::EventId id;
    bus::Address address;  // of the record that it is mapped from
    std::string shown;     // what the index says of it
};
std::optional<IndexedEvent> get_event(const ReadView& view, std::string_view id);

}  // namespace projections
