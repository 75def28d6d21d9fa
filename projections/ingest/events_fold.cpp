#include "projections/ingest/events_fold.hpp"

#include "projections/ingest/event_row.hpp"

#include <tuple>

namespace projections {

using ingest::EventRow;

void EventsFold::fold(const schemas::Event& event, Rows& rows) const {
    const std::string key = ingest::event_key(event.id);
    const auto* known = rows.peek<EventRow>(Table::entries, key);
    if (known && !known->empty() &&
        std::tie(known->address, known->emit_index) <= std::tie(event.address, event.emit_index))
        return;
    auto& row = rows.edit<EventRow>(Table::entries, key);
    row.id = event.id;
    row.type = event.type_name;
    row.at = event.time;
    row.source = event.source_slug;
    row.address = event.address;
    row.emit_index = event.emit_index;
}

}  // namespace projections
