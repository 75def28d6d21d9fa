#include "projections/ingest/requests_reads.hpp"

#include "projections/ingest/requests_fold.hpp"
#include "projections/list_range.hpp"

namespace projections {

using namespace ingest;

namespace {
// The keys know no finer time.
std::optional<bus::Timestamp> to_millisecond(const std::optional<bus::Timestamp>& time) {
    if (!time) return time;
    return std::chrono::floor<bus::milliseconds>(*time);
}
}  // namespace

bus::Result<ListPage> list_requests(const ReadView& view, const RequestQuery& query) {
    const EntryTag tag = query.rejected ? EntryTag::rejected : EntryTag::accepted;
    const ListRange range{.table = Table::entries,
                          .prefix = std::string(1, static_cast<char>(tag)),
                          .from = to_millisecond(query.from),
                          .to = to_millisecond(query.to),
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
            out += shown_request(request_id_in_key(entry.id), entry.rest, entry.value);
        });
}

std::optional<std::string> get_request(const ReadView& view, std::string_view id) {
    const auto parsed = bus::parse_event_id(id);
    if (!parsed) return std::nullopt;
    std::optional<std::string> found;
    for (const EntryTag tag : {EntryTag::accepted, EntryTag::rejected}) {
        const std::string prefix = request_prefix(tag, *parsed);
        view.scan(Table::entries, prefix, prefix_end(prefix), false,
                  [&](std::string_view key, std::string_view stored) {
                      found = shown_request(*parsed, key.substr(prefix.size()), stored);
                      return false;
                  });
    }
    return found;
}

}  // namespace projections
