// Answers from the rows of the conversations projection: C-06, C-07, C-08.
//
// Pure functions over one consistent view. `now` decides what depends on the clock: whether the
// window of a conversation is open, and so whether free text may be sent.
#pragma once

#include "projections/list_page.hpp"
#include "projections/projection.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace projections {

enum class WindowFilter : std::uint8_t { any, open, closed };

struct ConversationQuery {
    std::string provider{};  // slug of the source; "" = any, as for all words here
    std::string channel{};
    std::string status{};  // all conversations are "open" so far
    std::optional<bool> unread{};
    WindowFilter window = WindowFilter::any;
    std::vector<std::string> customers{};  // keys as customer_key() gives them; any of them
    std::string search{};                  // each word begins a word of name, phone or preview
    std::optional<bus::Timestamp> from{};  // of last_message_at, inclusive
    std::optional<bus::Timestamp> to{};    // exclusive
    bool oldest_first = false;             // sort=last_message_at; else -last_message_at
    std::size_t page = 1;                  // not used with a cursor
    std::size_t limit = 25;
    std::string cursor{};
};

// invalid_input for a cursor that is none of ours.
bus::Result<ListPage> list_conversations(const ReadView& view, const ConversationQuery& query,
                                         bus::Timestamp now);

// The object, or none. `id` is "cnv_...".
std::optional<std::string> get_conversation(const ReadView& view, std::string_view id,
                                            bus::Timestamp now);

struct MessageQuery {
    std::string before{};  // cursor or message id: older ones
    std::string after{};   // newer ones; not together with before
    std::string kind{};
    std::string direction{};
    std::size_t limit = 25;
};

// Newest first, whichever way it is walked. not_found: no such conversation; invalid_input: a
// cursor that is none of ours.
bus::Result<ListPage> list_messages(const ReadView& view, std::string_view conversation_id,
                                    const MessageQuery& query);
std::optional<std::string> get_message(const ReadView& view, std::string_view id);

// {"total","unread","window_closing_soon","by":{"channel":{..},"provider":{..},"status":{..}}}
// over the conversations that the query's filters leave; "exact" is false when there were more
// than could be counted.
bus::Result<std::string> count_conversations(const ReadView& view, const ConversationQuery& query,
                                             bus::Timestamp now);

// Receipts, edits, reactions and deletions whose message has not come for 24 hours.
struct OrphanReport {
    std::uint64_t count = 0;
    std::string rows;  // JSON array of the oldest, at most `limit`
};
OrphanReport list_orphans(const ReadView& view, bus::Timestamp now, std::size_t limit);

}  // namespace projections
