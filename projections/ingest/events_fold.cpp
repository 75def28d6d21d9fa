#include "projections/ingest/events_fold.hpp"

#include "projections/ingest/event_row.hpp"

#include <tuple>

namespace projections {

using ingest::EventRow;

void EventsFold::fold(const schemas::Event& event, Rows& rows) const {
    auto& row = rows.edit<EventRow>(Table::entries, ingest::event_key(event.id));
    if (!row.empty() &&
        std::tie(row.address, row.emit_index) <= std::tie(event.address, event.emit_index))
        return;
    row.id = event.id;
    row.type = event.type_name;
    row.at = event.time;
    row.source = event.source_slug;
    row.address = event.address;
    row.emit_index = event.emit_index;
}

}  // namespace projections
