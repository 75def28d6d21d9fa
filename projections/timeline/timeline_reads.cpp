#include "projections/timeline/timeline_reads.hpp"

#include "bus/text.hpp"
#include "projections/timeline/timeline_fold.hpp"
#include "schemas/json/json.hpp"

#include <algorithm>
#include <map>
#include <unordered_set>

namespace projections {

namespace {

constexpr std::size_t lines_examined_max = 100'000;
constexpr std::size_t place_bytes = sizeof(std::uint64_t) + sizeof(bus::EventId);

bool wanted(const TimelineKey& line, const TimelineQuery& query) {
    return (query.channel.empty() || line.channel == query.channel) &&
           (query.kind.empty() || line.kind == query.kind);
}

// Walks the lines of one key, newest first; `place` is time and event id, the sorting part of the
// key. Gives the place where it gave up because there were more than may be examined, else "".
using Visit =
    std::function<bool(std::string_view place, const TimelineKey&, std::string_view line)>;
std::string each_line(const ReadView& timeline, const std::string& customer,
                      const TimelineQuery& query, std::string_view after, const Visit& visit) {
    const std::string prefix = timeline_prefix(customer);
    const auto bound = [&](bus::Timestamp time) {
        return prefix + KeyWriter{}.time_descending(time).take();
    };
    std::string first = query.to ? bound(*query.to - bus::microseconds{1}) : prefix;
    if (!after.empty()) first = std::max(first, prefix_end(prefix + std::string{after}));
    const std::string last = query.from ? prefix_end(bound(*query.from)) : prefix_end(prefix);
    std::size_t examined = 0;
    std::string stopped_at;
    timeline.scan(
        Table::entries, first, last, false, [&](std::string_view key, std::string_view line) {
            key.remove_prefix(prefix.size());
            const auto told = read_timeline_key(key);
            if (told && wanted(*told, query) && !visit(key.substr(0, place_bytes), *told, line))
                return false;
            if (++examined < lines_examined_max) return true;
            stopped_at = key.substr(0, place_bytes);
            return false;
        });
    return stopped_at;
}

struct Line {
    std::string place;
    std::string shown;
    bool operator<(const Line& other) const { return place < other.place; }
    bool operator==(const Line& other) const { return place == other.place; }
};

// `stopped_at`: where the walk of a key gave up first; what stands behind it comes with the next.
struct NewestLines {
    std::vector<Line> lines;
    std::string stopped_at;
};
NewestLines newest_lines(const ReadView& timeline, const TimelineQuery& query,
                         std::string_view after, std::size_t count) {
    NewestLines newest;
    auto& [lines, stopped_at] = newest;
    for (const std::string& customer : query.keys) {
        std::size_t found = 0;
        const std::string stopped =
            each_line(timeline, customer, query, after,
                      [&, &lines = lines](std::string_view place, const TimelineKey& key,
                                          std::string_view stored) {
                          lines.push_back({std::string{place}, shown_line(key, stored)});
                          return ++found < count;
                      });
        if (!stopped.empty() && (stopped_at.empty() || stopped < stopped_at)) stopped_at = stopped;
    }
    if (!stopped_at.empty())
        std::erase_if(lines, [&](const Line& line) { return line.place > newest.stopped_at; });
    if (query.keys.size() > 1) {
        std::sort(lines.begin(), lines.end());
        lines.erase(std::unique(lines.begin(), lines.end()), lines.end());
        if (lines.size() > count) lines.resize(count);
    }
    return newest;
}

}  // namespace

bus::Result<ListPage> list_timeline(const ReadView& timeline, const TimelineQuery& query) {
    std::string after;
    if (!query.cursor.empty()) {
        auto place = bus::from_base64(query.cursor);
        if (!place || place->size() != place_bytes)
            return bus::fail(bus::ErrorCode::invalid_input, "cursor: not one of this list");
        after = std::move(*place);
    }
    const std::size_t limit = std::clamp<std::size_t>(query.limit, 1, page_limit_max);
    auto [lines, stopped_at] = newest_lines(timeline, query, after, limit + 1);
    ListPage page;
    if (lines.size() > limit) {
        lines.pop_back();
        page.next_cursor = bus::to_base64url(lines.back().place);
    } else if (!stopped_at.empty()) {
        page.next_cursor = bus::to_base64url(stopped_at);
    }
    page.data = "[";
    for (const Line& line : lines) {
        if (page.count++ > 0) page.data += ',';
        page.data += line.shown;
    }
    page.data += ']';
    return page;
}

std::string summarize_timeline(const ReadView& timeline, const TimelineQuery& query) {
    std::uint64_t total = 0;
    bool exact = true;
    std::map<std::string, std::uint64_t> channels;
    std::map<std::string, std::uint64_t> kinds;
    std::optional<bus::Timestamp> first_at;
    std::optional<bus::Timestamp> last_at;
    std::unordered_set<bus::EventId> counted;
    for (const std::string& customer : query.keys) {
        exact &= each_line(timeline, customer, query, "",
                           [&](std::string_view, const TimelineKey& line, std::string_view) {
                               if (query.keys.size() > 1 && !counted.insert(line.event_id).second)
                                   return true;
                               ++total;
                               ++channels[line.channel];
                               ++kinds[line.kind];
                               if (!first_at || line.at < *first_at) first_at = line.at;
                               if (!last_at || line.at > *last_at) last_at = line.at;
                               return true;
                           })
                     .empty();
    }

    std::string out;
    schemas::json::Writer writer{out};
    const auto group = [&](std::string_view name,
                           const std::map<std::string, std::uint64_t>& counts) {
        writer.key(name).begin_object();
        for (const auto& [word, count] : counts) writer.key(word).unsigned_integer(count);
        writer.end_object();
    };
    const auto time = [&](std::string_view name, const std::optional<bus::Timestamp>& at) {
        at ? writer.member(name, *at) : writer.key(name).null();
    };
    writer.begin_object().key("total").unsigned_integer(total).member("total_exact", exact);
    group("by_channel", channels);
    group("by_kind", kinds);
    time("first_at", first_at);
    time("last_at", last_at);
    writer.end_object();
    return out;
}

}  // namespace projections
