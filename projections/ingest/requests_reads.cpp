#include "projections/ingest/requests_reads.hpp"

#include "projections/ingest/requests_fold.hpp"
#include "projections/list_range.hpp"

namespace projections {

using namespace ingest;

bus::Result<ListPage> list_requests(const ReadView& view, const RequestQuery& query) {
    const IndexTag tag = query.rejected ? IndexTag::rejected : IndexTag::accepted;
    const ListRange range{.table = Table::index,
                          .prefix = std::string(1, static_cast<char>(tag)),
                          .from = query.from,
                          .to = query.to,
                          .oldest_first = false,
                          .page = query.page,
                          .limit = query.limit,
                          .cursor = query.cursor};
    return list_range(
        view, range,
        [&](const ListedEntry& entry) {
            return query.source.empty() || KeyReader{entry.rest}.text() == query.source;
        },
        [&](const ListedEntry& entry, std::string& out) {
            out += view.get(Table::entries, request_key(entry.id)).value_or("");
        });
}

std::optional<std::string> get_request(const ReadView& view, std::string_view id) {
    const auto parsed = bus::parse_event_id(id);
    if (!parsed) return std::nullopt;
    return view.get(Table::entries, request_key(*parsed));
}

}  // namespace projections
