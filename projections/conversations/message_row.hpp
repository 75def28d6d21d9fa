// One chat message and all that was reported of it, in any order.
//
// Everything said of one provider message id joins in one row, so that receipts, edits and
// reactions that came early simply wait here until the message appears: parked. A parked row has no
// conversation, is not measured, and is listed as an orphan when old.
//
// All reports of a provider message come from one source, hence one topic: the first that carries
// content says what the message is and where it stands. The rest is a lattice: earliest time per
// state, last edit and last reaction of a sender by EventOrder.
#pragma once

#include "projections/conversations/chat_keys.hpp"
#include "projections/row.hpp"
#include "schemas/event.hpp"

#include <array>
#include <map>
#include <optional>
#include <string>

namespace projections::chat {

inline constexpr std::size_t message_text_bytes_max = 8 * 1024;  // the rest is in the raw record
inline constexpr std::size_t reactions_max = 32;                 // senders

enum class Receipt : std::uint8_t { queued, sent, delivered, read, failed, deleted };
inline constexpr std::size_t receipt_count = 6;
std::string_view name(Receipt receipt);

struct MessageRow : RowOf<MessageRow> {
    MessageKey key;
    std::string source;  // slug
    std::string provider_message_id;

    struct Content {
        ConversationKey conversation;
        std::string channel;
        std::string business_number;
        bool inbound = false;
        std::string kind;
        std::string media_id;
        std::string media_url;
        std::string media_type;
        std::string file_name;
        std::string template_name;
        std::string button_payload;
        std::string reply_to;
        std::string sender;
        bus::Timestamp at{};
        bus::EventId event_id;
        bus::Address address;
    };
    std::optional<Content> content;  // none while parked
    std::string text;                // of the content, or of the last edit
    std::optional<schemas::EventOrder> edited;

    std::array<std::optional<bus::Timestamp>, receipt_count> reached{};
    struct Failure {
        schemas::EventOrder order;
        std::string code;
        std::string text;
    };
    std::optional<Failure> failure;  // the first

    struct Reaction {
        schemas::EventOrder order;
        std::string emoji;  // "" = taken back
    };
    std::map<std::string, Reaction> reactions;   // by sender
    std::optional<bus::Timestamp> parked_since;  // ingest time of what came first

    void receive(Receipt receipt, bus::Timestamp at);
    void fail(Failure reported);
    void edit(const schemas::EventOrder& order, std::string_view new_text);
    void react(const std::string& sender, Reaction reaction);

    bool has(Receipt receipt) const {
        return reached[static_cast<std::size_t>(receipt)].has_value();
    }
    std::string_view status() const;  // "received" for inbound until deleted
    bool has_failed() const { return status() == name(Receipt::failed); }
    std::string preview() const;  // at most preview_characters_max, one line

    void encode(std::string& out) const override;
    bus::Result<bus::Done> decode(std::string_view stored) override;
    bool empty() const override { return !content && !parked_since; }
    void index_entries(IndexSink& sink) const override;
    std::string_view measure_kind() const override { return content ? "message" : ""; }
    void measure_values(std::vector<MeasureValue>& values) const override;
};

inline constexpr std::size_t preview_characters_max = 120;

}  // namespace projections::chat
