#include "projections/calls/calls_reads.hpp"

#include "projections/calls/call_row.hpp"
#include "projections/list_range.hpp"
#include "projections/stored_documents.hpp"
#include "projections/word_search.hpp"

#include <algorithm>
#include <map>

namespace projections {

using namespace calls;
using schemas::json::Writer;

namespace {

bool fits(const std::string& wanted, const std::string& told) {
    return wanted.empty() || wanted == told;
}

bool fits_live(const std::optional<bool>& live, const std::string& word) {
    if (!live) return true;
    const CallStatus status = parse_call_status(word);
    return *live ? is_live(status) : has_ended(status);
}

bool fits_numbers(const std::vector<std::string>& wanted, const std::vector<std::string>& told) {
    return wanted.empty() || std::find_first_of(wanted.begin(), wanted.end(), told.begin(),
                                                told.end()) != wanted.end();
}

bool is_wanted(const CallQuery& query, const CallEntry& entry) {
    return fits(query.provider, entry.source) && fits(query.department, entry.department) &&
           fits(query.status, entry.status) && fits(query.agent, entry.agent) &&
           fits(query.direction, entry.direction) && fits(query.service, entry.service) &&
           fits_live(query.live, entry.status) && fits_numbers(query.numbers, entry.numbers);
}

bool found_by_search(const ReadView& view, const WordSearch& search, const CallKey& key) {
    const auto stored = view.get(Table::rows, row_key(key));
    if (!stored) return false;
    const auto document = read_shown(*stored);
    if (!document) return false;
    const auto& shown = *document;
    return search.matches(
        {shown["customer_name"].text(), shown["agent_name"].text(), shown["agent"].text(),
         shown["department"].text(), shown["provider_call_id"].text(), shown["location"].text()},
        shown["customer_phone"].text());
}

// Calls of one number are a list of their own; of several, the list of all is filtered.
std::string prefix_for(const std::vector<std::string>& numbers) {
    if (numbers.size() == 1) return numbers_prefix(numbers.front());
    return std::string(1, static_cast<char>(IndexTag::newest));
}

}  // namespace

bus::Result<ListPage> list_calls(const ReadView& view, const CallQuery& query) {
    const ListRange range{.table = Table::index,
                          .prefix = prefix_for(query.numbers),
                          .from = query.from,
                          .to = query.to,
                          .oldest_first = query.oldest_first,
                          .page = query.page,
                          .limit = query.limit,
                          .cursor = query.cursor};
    const auto search = WordSearch::parse(query.search);
    if (!search) return search.error();
    return list_range(
        view, range,
        [&](const ListedEntry& entry) {
            return is_wanted(query, read_call_entry(entry.rest)) &&
                   (search->empty() || found_by_search(view, *search, entry.id));
        },
        [&](const ListedEntry& entry, std::string& out) {
            if (const auto stored = view.get(Table::rows, row_key(entry.id)))
                out += shown_part(*stored);
        });
}

std::optional<std::string> get_call(const ReadView& view, std::string_view id) {
    const auto key = parse_call_id(id);
    if (!key) return std::nullopt;
    const auto stored = view.get(Table::rows, row_key(*key));
    if (!stored) return std::nullopt;
    return std::string{shown_part(*stored)};
}

std::string count_calls(const ReadView& view, std::string_view provider) {
    std::map<BadgeKind, std::map<std::string, std::uint64_t>> counts;
    const std::string prefix(1, static_cast<char>(RowTag::badge));
    view.scan(Table::rows, prefix, prefix_end(prefix), false,
              [&](std::string_view key, std::string_view value) {
                  const auto badge = read_badge_key(key);
                  BadgeRow row;
                  if (badge && row.decode(value) && (provider.empty() || badge->source == provider))
                      counts[badge->kind][badge->department] += row.calls;
                  return true;
              });
    std::string out;
    Writer writer{out};
    writer.begin_object();
    for (const auto& [kind, name] :
         {std::pair{BadgeKind::live, "live"}, std::pair{BadgeKind::hangup, "hangup"}}) {
        writer.key(name).begin_object();
        for (const auto& [department, calls] : counts[kind])
            writer.key(department).unsigned_integer(calls);
        writer.end_object();
    }
    writer.end_object();
    return out;
}

}  // namespace projections
