// One customer's conversation on one line of the business (PRODUCT 5.1), as far as raw events tell.
//
// Told of each message once, when it appears. What an automation sends is shown but answers nobody
// (PRODUCT 10.5): the customer waits until a person answers; her messages are unread until then, or
// until a read marker says that somebody has seen them. What concerns attention (unread, waiting)
// compares ingest times, on a tie the customer's message wins; what concerns the world (last
// message, window, first response) compares event times. Messages of one conversation come in
// several topics where sources of several channels share a line, and read markers in another: each
// may fall anywhere between the others.
#pragma once

#include "projections/conversations/chat_keys.hpp"
#include "projections/conversations/first_response.hpp"
#include "projections/conversations/waiting_messages.hpp"
#include "projections/row.hpp"
#include "schemas/event.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace projections::chat {

inline constexpr std::chrono::hours window_length{24};

struct ConversationRow : RowOf<ConversationRow> {
    ConversationKey key;
    std::string channel;
    std::string business_number;
    std::string customer_key;
    std::string customer_name;
    schemas::EventOrder name_order;
    std::uint64_t message_count = 0;

    struct LastMessage {
        bus::Timestamp at{};
        MessageKey message;
        bool inbound = false;
        std::string source;  // slug
        std::string preview;
    };
    LastMessage last;
    std::optional<bus::Timestamp> last_inbound_at;
    std::optional<bus::Timestamp> last_outbound_at;
    FirstResponse first_response;

    // Ingest times.
    std::optional<bus::Timestamp> answered;  // of the last message of a person of ours
    std::optional<bus::Timestamp> marked_read;
    WaitingMessages waiting;  // inbound, not answered yet

    struct Appeared {
        LastMessage message;
        bool automatic = false;  // sent by no person
        bus::Timestamp ingest_time{};
        std::string name;  // "" = not told
        schemas::EventOrder order;
    };
    void tell(const Appeared& appeared);
    void mark_read(bus::Timestamp ingest_time);

    std::size_t unread_count() const;
    std::optional<bus::Timestamp> waiting_since() const;
    std::optional<bus::Timestamp> window_expires_at() const;

    void encode(std::string& out) const override;
    bus::Result<bus::Done> decode(std::string_view stored) override;
    bool empty() const override { return message_count == 0 && !marked_read; }
    void index_entries(IndexSink& sink) const override;
};

// How many conversations there are, so that an unfiltered list knows its total.
struct CountRow : RowOf<CountRow> {
    std::uint64_t conversations = 0;

    void encode(std::string& out) const override;
    bus::Result<bus::Done> decode(std::string_view stored) override;
    bool empty() const override { return conversations == 0; }
};

// What an entry of IndexTag::newest tells without its row.
struct ListEntry {
    bus::Timestamp last_message_at{};
    ConversationKey conversation;
    bool unread = false;
    std::optional<bus::Timestamp> window_expires_at;
    std::string channel;
    std::string source;
};
std::string list_entry_key(const ListEntry& entry);
std::optional<ListEntry> read_list_entry(std::string_view key);
ListEntry list_entry_of(const ConversationRow& row);

}  // namespace projections::chat
