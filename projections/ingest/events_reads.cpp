#include "projections/ingest/events_reads.hpp"

#include "projections/ingest/event_row.hpp"
#include "projections/list_range.hpp"

namespace projections {

using namespace ingest;

namespace {

std::optional<EventRow> event_row(const ReadView& view, const bus::EventId& id) {
    const auto stored = view.get(Table::entries, event_key(id));
    EventRow row;
    if (!stored || !row.decode(*stored)) return std::nullopt;
    row.id = id;
    return row;
}

bool fits_type(std::string_view wanted, std::string_view type) {
    if (wanted.ends_with('*')) return type.starts_with(wanted.substr(0, wanted.size() - 1));
    return wanted.empty() || wanted == type;
}

}  // namespace

bus::Result<ListPage> list_events(const ReadView& view, const EventQuery& query) {
    const ListRange range{.table = Table::index,
                          .prefix = events_prefix(),
                          .from = query.from,
                          .to = query.to,
                          .oldest_first = false,
                          .page = query.page,
                          .limit = query.limit,
                          .cursor = query.cursor};
    return list_range(
        view, range,
        [&](const ListedEntry& entry) {
            KeyReader reader{entry.rest};
            const std::string type = reader.text();
            return fits_type(query.type, type) &&
                   (query.source.empty() || query.source == reader.text());
        },
        [&](const ListedEntry& entry, std::string& out) {
            if (const auto row = event_row(view, entry.id)) out += shown_event(*row);
        });
}

std::optional<IndexedEvent> get_event(const ReadView& view, std::string_view id) {
    const auto parsed = bus::parse_event_id(id);
    if (!parsed) return std::nullopt;
    const auto row = event_row(view, *parsed);
    if (!row) return std::nullopt;
    return IndexedEvent{row->id, row->address, shown_event(*row)};
}

}  // namespace projections
