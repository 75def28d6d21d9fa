#include "projections/conversations/conversations_reads.hpp"

#include "bus/text.hpp"
#include "projections/conversations/conversation_row.hpp"
#include "projections/conversations/message_row.hpp"
#include "projections/direction.hpp"
#include "projections/list_range.hpp"
#include "projections/stored_documents.hpp"
#include "projections/word_search.hpp"

#include <algorithm>
#include <map>

namespace projections {

using namespace chat;
using schemas::json::Writer;

namespace {

constexpr std::chrono::hours closing_soon{2};
constexpr std::chrono::hours orphan_age{24};
constexpr std::string_view only_status = "open";

// Walks the entries that a query leaves. Stops when visit returns false; false when there were more
// entries than may be examined.
class ConversationWalk {
public:
    ConversationWalk(const ReadView& view, const ConversationQuery& query, WordSearch search,
                     bus::Timestamp now)
        : view_(view), query_(query), now_(now), search_(std::move(search)) {}

    using Visit = std::function<bool(const ListEntry&)>;
    bool each(std::string_view after, const Visit& visit) {
        if (!query_.status.empty() && query_.status != only_status) return true;
        return query_.customers.empty() ? each_by_time(after, visit)
                                        : each_of_customers(after, visit);
    }
    // Where each() gave up, to go on from there.
    const std::string& stopped_at() const { return stopped_at_; }

private:
    bool each_by_time(std::string_view after, const Visit& visit);
    bool each_of_customers(std::string_view after, const Visit& visit) const;
    std::vector<ListEntry> entries_of_customers() const;
    bool wanted(const ListEntry& entry) const;
    bool found_by_search(const ListEntry& entry) const;

    const ReadView& view_;
    const ConversationQuery& query_;
    const bus::Timestamp now_;
    const WordSearch search_;
    std::string stopped_at_;
};

bool is_open(const ListEntry& entry, bus::Timestamp now) {
    return entry.window_expires_at && *entry.window_expires_at > now;
}

// Where an entry stands in the list: the part of its key that sorts.
std::string place_of(const ListEntry& entry) {
    return KeyWriter{}
        .byte(static_cast<std::uint8_t>(IndexTag::newest))
        .time_descending(entry.last_message_at)
        .id(entry.conversation)
        .take();
}

bool ConversationWalk::each_by_time(std::string_view after, const Visit& visit) {
    const auto bound = [](bus::Timestamp time) {
        return KeyWriter{}
            .byte(static_cast<std::uint8_t>(IndexTag::newest))
            .time_descending(time)
            .take();
    };
    const std::string tag(1, static_cast<char>(IndexTag::newest));
    std::string first = query_.to ? bound(*query_.to - bus::microseconds{1}) : tag;
    std::string last = query_.from ? prefix_end(bound(*query_.from)) : prefix_end(tag);
    if (!after.empty()) {
        if (query_.oldest_first)
            last = std::min(last, std::string{after});
        else
            first = std::max(first, prefix_end(after));
    }
    std::size_t examined = 0;
    bool complete = true;
    view_.scan(Table::index, first, last, query_.oldest_first,
               [&](std::string_view key, std::string_view) {
                   const auto entry = read_list_entry(key);
                   if (entry && wanted(*entry) && !visit(*entry)) return false;
                   complete = ++examined < entries_examined_max;
                   if (!complete && entry) stopped_at_ = place_of(*entry);
                   return complete;
               });
    return complete;
}

std::vector<ListEntry> ConversationWalk::entries_of_customers() const {
    std::vector<ListEntry> entries;
    for (const std::string& customer : query_.customers) {
        const std::string prefix =
            KeyWriter{}.byte(static_cast<std::uint8_t>(IndexTag::customer)).text(customer).take();
        std::vector<ConversationKey> keys;
        view_.scan(Table::index, prefix, prefix_end(prefix), false,
                   [&](std::string_view key, std::string_view) {
                       keys.push_back(KeyReader{key.substr(prefix.size())}.id());
                       return keys.size() < entries_examined_max;
                   });
        for (const ConversationKey& key : keys) {
            ConversationRow row;
            const auto stored = view_.get(Table::rows, row_key(RowTag::conversation, key));
            if (stored && row.decode(*stored)) entries.push_back(list_entry_of(row));
        }
    }
    std::sort(entries.begin(), entries.end(), [&](const ListEntry& a, const ListEntry& b) {
        return query_.oldest_first ? place_of(b) < place_of(a) : place_of(a) < place_of(b);
    });
    return entries;
}

bool ConversationWalk::each_of_customers(std::string_view after, const Visit& visit) const {
    for (const ListEntry& entry : entries_of_customers()) {
        const std::string place = place_of(entry);
        const bool seen = !after.empty() && (query_.oldest_first ? place >= after : place <= after);
        if (seen || (query_.from && entry.last_message_at < *query_.from) ||
            (query_.to && entry.last_message_at >= *query_.to))
            continue;
        if (wanted(entry) && !visit(entry)) return true;
    }
    return true;
}

bool ConversationWalk::wanted(const ListEntry& entry) const {
    if (!query_.provider.empty() && entry.source != query_.provider) return false;
    if (!query_.channel.empty() && entry.channel != query_.channel) return false;
    if (query_.unread && entry.unread != *query_.unread) return false;
    if (query_.window == WindowFilter::open && !is_open(entry, now_)) return false;
    if (query_.window == WindowFilter::closed && is_open(entry, now_)) return false;
    return search_.empty() || found_by_search(entry);
}

bool ConversationWalk::found_by_search(const ListEntry& entry) const {
    const auto stored = view_.get(Table::rows, row_key(RowTag::conversation, entry.conversation));
    if (!stored) return false;
    const auto shown = read_shown(*stored);
    if (!shown) return false;
    return search_.matches(
        {(*shown)["customer_name"].text(), (*shown)["last_message_preview"].text()},
        (*shown)["customer_phone"].text());
}

bool has_filter(const ConversationQuery& query) {
    return !query.provider.empty() || !query.channel.empty() || !query.status.empty() ||
           query.unread || query.window != WindowFilter::any || !query.customers.empty() ||
           !query.search.empty() || query.from || query.to;
}

std::uint64_t conversations_in_all(const ReadView& view) {
    CountRow row;
    const auto stored = view.get(Table::rows, count_row_key());
    return stored && row.decode(*stored) ? row.conversations : 0;
}

// The stored document and what depends on the clock.
std::string show(std::string_view stored, const std::optional<bus::Timestamp>& window_expires_at,
                 bus::Timestamp now) {
    const bool open = window_expires_at && *window_expires_at > now;
    std::string shown{shown_part(stored)};
    shown.pop_back();
    shown += open ? R"(,"can_reply_free_text":true,"window":"open"})"
                  : R"(,"can_reply_free_text":false,"window":"closed"})";
    return shown;
}

bus::Result<std::string> read_cursor(std::string_view cursor, std::string_view prefix,
                                     std::size_t bytes) {
    const auto place = bus::from_base64(cursor);
    if (!place || place->size() != bytes)
        return bus::fail(bus::ErrorCode::invalid_input, "cursor: not one of this list");
    return std::string{prefix} + *place;
}

constexpr std::size_t place_bytes = sizeof(std::uint64_t) + sizeof(bus::EventId);

}  // namespace

bus::Result<ListPage> list_conversations(const ReadView& view, const ConversationQuery& query,
                                         bus::Timestamp now) {
    auto search = WordSearch::parse(query.search);
    if (!search) return search.error();
    std::string after;
    const std::string tag(1, static_cast<char>(IndexTag::newest));
    if (!query.cursor.empty()) {
        auto place = read_cursor(query.cursor, tag, place_bytes);
        if (!place) return place.error();
        after = std::move(*place);
    }
    const bool counting = query.cursor.empty() && has_filter(query);
    const std::size_t limit = std::clamp<std::size_t>(query.limit, 1, page_limit_max);
    const std::size_t skipped =
        query.cursor.empty() && query.page > 1 ? (query.page - 1) * limit : 0;

    std::uint64_t matches = 0;
    std::vector<ListEntry> shown;
    ConversationWalk walk{view, query, *std::move(search), now};
    const bool complete = walk.each(after, [&](const ListEntry& entry) {
        const std::uint64_t place = matches++;
        if (place >= skipped && shown.size() < limit) shown.push_back(entry);
        return counting || matches <= skipped + limit;
    });

    ListPage page;
    JsonArray data;
    std::vector<std::string> keys;
    keys.reserve(shown.size());
    for (const ListEntry& entry : shown)
        keys.push_back(row_key(RowTag::conversation, entry.conversation));
    view.get_each(Table::rows, keys, [&](std::size_t place, std::string_view stored) {
        data.add(show(stored, shown[place].window_expires_at, now));
    });
    if (!shown.empty() && matches > skipped + shown.size())
        page.next_cursor = bus::to_base64url(place_of(shown.back()).substr(tag.size()));
    else if (!complete)
        page.next_cursor = bus::to_base64url(walk.stopped_at().substr(tag.size()));
    page.count = data.count();
    page.data = data.take();
    if (counting) {
        page.total = matches;
        page.total_exact = complete;
    } else if (!has_filter(query)) {
        page.total = conversations_in_all(view);
        page.total_exact = true;
    }
    return page;
}

std::optional<std::string> get_conversation(const ReadView& view, std::string_view id,
                                            bus::Timestamp now) {
    const auto key = parse_conversation_id(id);
    if (!key) return std::nullopt;
    const auto stored = view.get(Table::rows, row_key(RowTag::conversation, *key));
    if (!stored) return std::nullopt;
    const auto shown = read_shown(*stored);
    if (!shown || (*shown)["message_count"].integer().value_or(0) == 0) return std::nullopt;
    return show(*stored, time_of((*shown)["window_expires_at"]), now);
}

namespace {

std::string messages_prefix(const ConversationKey& conversation) {
    return KeyWriter{}.byte(static_cast<std::uint8_t>(IndexTag::messages)).id(conversation).take();
}

struct MessageEntry {
    std::string place;  // time and key: its cursor
    MessageKey key;
};

// A cursor, or the place of the message that an id names.
bus::Result<std::string> message_place(const ReadView& view, std::string_view prefix,
                                       std::string_view cursor) {
    const auto key = parse_message_id(cursor);
    if (!key) return read_cursor(cursor, prefix, place_bytes);
    const auto stored = view.get(Table::rows, row_key(RowTag::message, *key));
    MessageRow row;
    if (!stored || !row.decode(*stored) || !row.content)
        return bus::fail(bus::ErrorCode::invalid_input, "no message {}", cursor);
    return std::string{prefix} + KeyWriter{}.time(row.content->at).id(*key).take();
}

void add_messages(const ReadView& view, std::span<const std::string> row_keys, JsonArray& to) {
    view.get_each(Table::rows, row_keys,
                  [&](std::size_t, std::string_view stored) { to.add(shown_part(stored)); });
}

// Up to `count` entries, nearest to the cursor first, and where a scan that met too many others
// gave up.
struct MessageScan {
    std::vector<MessageEntry> entries;
    std::string stopped_at;
};
MessageScan scan_messages(const ReadView& view, std::string_view prefix, std::string_view from,
                          std::string_view to, bool descending, const MessageQuery& query,
                          std::size_t count) {
    MessageScan scanned;
    std::size_t examined = 0;
    view.scan(Table::index, from, to, descending, [&](std::string_view key, std::string_view) {
        const std::string_view place = key.substr(prefix.size(), place_bytes);
        KeyReader reader{key.substr(prefix.size())};
        reader.time();
        const MessageKey message = reader.id();
        const bool kind_fits = reader.text() == query.kind || query.kind.empty();
        const bool inbound = reader.rest() == "i";
        const bool direction_fits =
            query.direction.empty() ||
            (inbound ? is_inbound(query.direction) : is_outbound(query.direction));
        if (kind_fits && direction_fits) scanned.entries.push_back({std::string{place}, message});
        if (++examined == entries_examined_max) scanned.stopped_at = place;
        return scanned.entries.size() < count && examined < entries_examined_max;
    });
    return scanned;
}

}  // namespace

bus::Result<ListPage> list_messages(const ReadView& view, std::string_view conversation_id,
                                    const MessageQuery& query) {
    const auto conversation = parse_conversation_id(conversation_id);
    if (!conversation || !get_conversation(view, conversation_id, {}))
        return bus::fail(bus::ErrorCode::not_found, "no conversation {}", conversation_id);
    if (!query.before.empty() && !query.after.empty())
        return bus::fail(bus::ErrorCode::invalid_input, "before and after exclude each other");
    const std::string prefix = messages_prefix(*conversation);
    const bool forward = !query.after.empty();
    std::string from = prefix;
    std::string to = prefix_end(prefix);
    if (const std::string& cursor = forward ? query.after : query.before; !cursor.empty()) {
        const auto place = message_place(view, prefix, cursor);
        if (!place) return place.error();
        forward ? from = prefix_end(*place) : to = *place;
    }
    const std::size_t limit = std::clamp<std::size_t>(query.limit, 1, page_limit_max);
    auto [entries, stopped_at] = scan_messages(view, prefix, from, to, !forward, query, limit + 1);
    const bool more = entries.size() > limit;
    if (more) entries.pop_back();
    if (forward) std::reverse(entries.begin(), entries.end());

    ListPage page;
    JsonArray data;
    std::vector<std::string> keys;
    keys.reserve(entries.size());
    for (const MessageEntry& entry : entries) keys.push_back(row_key(RowTag::message, entry.key));
    add_messages(view, keys, data);
    if (!entries.empty()) {
        if (forward || more) page.next_cursor = bus::to_base64url(entries.back().place);
        if (forward ? more : !query.before.empty())
            page.previous_cursor = bus::to_base64url(entries.front().place);
    }
    if (!more && !stopped_at.empty())
        (forward ? page.previous_cursor : page.next_cursor) = bus::to_base64url(stopped_at);
    page.count = data.count();
    page.data = data.take();
    return page;
}

std::optional<std::string> get_message(const ReadView& view, std::string_view id) {
    const auto key = parse_message_id(id);
    if (!key) return std::nullopt;
    const auto stored = view.get(Table::rows, row_key(RowTag::message, *key));
    if (!stored) return std::nullopt;
    return std::string{shown_part(*stored)};
}

bus::Result<std::string> count_conversations(const ReadView& view, const ConversationQuery& query,
                                             bus::Timestamp now) {
    auto search = WordSearch::parse(query.search);
    if (!search) return search.error();
    std::uint64_t total = 0;
    std::uint64_t unread = 0;
    std::uint64_t closing = 0;
    std::map<std::string, std::uint64_t> channels;
    std::map<std::string, std::uint64_t> providers;
    ConversationWalk walk{view, query, *std::move(search), now};
    const bool exact = walk.each("", [&](const ListEntry& entry) {
        ++total;
        unread += entry.unread;
        closing += is_open(entry, now) && *entry.window_expires_at <= now + closing_soon;
        ++channels[entry.channel];
        ++providers[entry.source];
        return true;
    });

    std::string out;
    Writer writer{out};
    const auto group = [&](std::string_view name,
                           const std::map<std::string, std::uint64_t>& counts) {
        writer.key(name).begin_object();
        for (const auto& [word, count] : counts) writer.key(word).unsigned_integer(count);
        writer.end_object();
    };
    writer.begin_object();
    writer.key("total").unsigned_integer(total).member("exact", exact);
    writer.key("unread").unsigned_integer(unread);
    writer.key("window_closing_soon").unsigned_integer(closing);
    writer.key("by").begin_object();
    group("channel", channels);
    group("provider", providers);
    group("status", total ? std::map<std::string, std::uint64_t>{{std::string{only_status}, total}}
                          : std::map<std::string, std::uint64_t>{});
    writer.end_object().end_object();
    return out;
}

OrphanReport list_orphans(const ReadView& view, bus::Timestamp now, std::size_t limit) {
    const std::string tag(1, static_cast<char>(IndexTag::parked));
    const std::string to = tag + KeyWriter{}.time(now - orphan_age).take();
    OrphanReport report;
    std::vector<std::string> keys;
    view.scan(Table::index, tag, to, false, [&](std::string_view key, std::string_view) {
        if (keys.size() < limit) {
            KeyReader reader{key.substr(tag.size())};
            reader.time();
            keys.push_back(row_key(RowTag::message, reader.id()));
        }
        return ++report.count < entries_examined_max;
    });
    JsonArray rows;
    add_messages(view, keys, rows);
    report.rows = rows.take();
    return report;
}

}  // namespace projections
