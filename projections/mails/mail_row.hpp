// One mail of one mailbox, or the place that is kept for one which others name.
//
// A mail that is named in In-Reply-To or References before it came, or that was marked read before
// it came, has a row without content: it is neither shown nor measured, and holds what is known.
// The body stays in the raw record.
#pragma once

#include "projections/mails/mail_keys.hpp"
#include "schemas/event.hpp"

#include <optional>
#include <string>
#include <tuple>

namespace projections::mail {

inline constexpr std::size_t header_text_bytes_max = 2 * 1024;  // of one header
inline constexpr std::size_t snippet_bytes_max = 400;
inline constexpr std::size_t message_id_bytes_max = 998;       // the longest line of a mail
inline constexpr std::size_t references_bytes_max = 8 * 1024;  // in all (PRODUCT 10.1)

struct MailRow : RowOf<MailRow> {
    MailKey key;
    std::string mailbox;  // "" while only a marker that named the row's id is known

    struct Content {
        bool inbound = false;
        std::string message_id;
        std::string in_reply_to;
        std::string references;
        std::string subject;
        std::string from;
        std::string from_name;
        std::string to;
        std::string cc;
        std::string snippet;
        std::string team;
        std::string source;  // slug
        std::int64_t attachment_count = 0;
        bool auto_reply = false;
        bool bounce = false;
        bus::Timestamp at{};
        bus::Timestamp ingest_time{};
        bus::EventId event_id;
        bus::Address address;

        // Of two copies of a mail the first stored one is shown.
        auto order() const { return std::tuple{ingest_time, at, event_id, address.offset}; }
    };
    std::optional<Content> content;

    std::string thread;  // id; "" while nothing but a read marker is known
    bool unread = false;

    struct Marker {
        schemas::EventOrder order;
        bool read = false;
    };
    std::optional<Marker> marker;              // the last one
    std::optional<bus::Timestamp> bounced_at;  // a report said that it did not arrive

    bool take(Content copy);          // false when the one that is there stays
    bool mark(const Marker& marked);  // false when a later one is there
    bool marked_read() const { return marker && marker->read; }

    void encode(std::string& out) const override;
    bus::Result<bus::Done> decode(std::string_view stored) override;
    bool empty() const override { return !content && thread.empty() && !marker && !bounced_at; }
    void index_entries(IndexSink& sink) const override;
    std::string_view measure_kind() const override { return content ? "mail" : ""; }
    void measure_values(std::vector<MeasureValue>& values) const override;
};

}  // namespace projections::mail
