#include "projections/list_range.hpp"

#include "bus/text.hpp"

#include <algorithm>

namespace projections {

namespace {

constexpr std::size_t place_bytes = sizeof(std::uint64_t) + sizeof(bus::EventId);

struct Bounds {
    std::string first;
    std::string last;
};

bus::Result<Bounds> bounds_of(const ListRange& range) {
    const auto at = [&](bus::Timestamp time) {
        return range.prefix + KeyWriter{}.time_descending(time).take();
    };
    Bounds bounds{range.to ? at(*range.to - bus::microseconds{1}) : range.prefix,
                  prefix_end(range.from ? at(*range.from) : range.prefix)};
    if (range.cursor.empty()) return bounds;
    const auto place = bus::from_base64(range.cursor);
    if (!place || place->size() != place_bytes)
        return bus::fail(bus::ErrorCode::invalid_input, "cursor: not one of this list");
    const std::string after = range.prefix + *place;
    if (range.oldest_first)
        bounds.last = std::min(bounds.last, after);
    else
        bounds.first = std::max(bounds.first, prefix_end(after));
    return bounds;
}

}  // namespace

bus::Result<ListPage> list_range(
    const ReadView& view, const ListRange& range,
    const std::function<bool(const ListedEntry&)>& wanted,
    const std::function<void(const ListedEntry&, std::string&)>& show) {
    const auto bounds = bounds_of(range);
    if (!bounds) return bounds.error();
    const bool counting = range.cursor.empty();
    const std::size_t limit = std::clamp<std::size_t>(range.limit, 1, page_limit_max);
    const std::size_t skipped = counting && range.page > 1 ? (range.page - 1) * limit : 0;

    ListPage page;
    JsonArray data;
    std::string place, last_shown, element;
    std::uint64_t matches = 0;
    std::size_t examined = 0;
    bool complete = true;
    view.scan(range.table, bounds->first, bounds->last, range.oldest_first,
              [&](std::string_view key, std::string_view value) {
                  if (examined++ == entries_examined_max) return complete = false;
                  key.remove_prefix(range.prefix.size());
                  KeyReader reader{key};
                  ListedEntry entry;
                  entry.at = reader.time_descending();
                  entry.id = reader.id();
                  entry.rest = reader.rest();
                  entry.value = value;
                  place = key.substr(0, place_bytes);
                  if (!reader.ok() || !wanted(entry)) return true;
                  const std::uint64_t number = matches++;
                  if (number < skipped) return true;
                  if (number >= skipped + limit) return counting;
                  element.clear();
                  show(entry, element);
                  if (!element.empty()) data.add(element);
                  last_shown = place;
                  return true;
              });
    const bool full = matches > skipped + limit;
    if (full)
        page.next_cursor = bus::to_base64url(last_shown);
    else if (!complete)
        page.next_cursor = bus::to_base64url(place);
    page.count = data.count();
    page.data = data.take();
    if (counting) {
        page.total = matches;
        page.total_exact = complete;
    }
    return page;
}

}  // namespace projections
