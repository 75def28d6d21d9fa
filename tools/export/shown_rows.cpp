#include "tools/export/shown_rows.hpp"

#include "projections/billing/billing_rows.hpp"
#include "projections/conversations/chat_keys.hpp"
#include "projections/dead_letters/dead_letters_reads.hpp"
#include "projections/ingest/event_row.hpp"
#include "projections/ingest/requests_fold.hpp"
#include "projections/stored_documents.hpp"
#include "projections/timeline/timeline_fold.hpp"

#include <algorithm>
#include <array>

namespace tools::exports {

namespace billing = projections::billing;
namespace chat = projections::chat;
namespace ingest = projections::ingest;

using bus::ErrorCode;
using bus::Result;
using projections::KeyReader;
using projections::ReadView;
using projections::Table;

namespace {

Result<std::string> as_stored(std::string_view, std::string_view value) {
    return std::string{projections::shown_part(value)};
}

// --- timeline

struct LineKey {
    std::string customer;
    std::optional<projections::TimelineKey> line;
};
LineKey line_key(std::string_view key) {
    KeyReader reader{key};
    reader.byte();
    std::string customer = reader.text();
    return {std::move(customer), projections::read_timeline_key(reader.rest())};
}

Result<std::string> timeline_line(std::string_view key, std::string_view value) {
    const auto [customer, line] = line_key(key);
    if (!line) return bus::fail(ErrorCode::corrupt, "not the key of a line");
    std::string told;
    schemas::json::Writer(told).begin_object().member("customer_key", customer).end_object();
    std::string shown = projections::shown_line(*line, value);
    shown.pop_back();
    projections::append_members(told, shown);
    return shown + '}';
}

std::vector<std::string> customer_of_line(const ReadView&, std::string_view key, std::string_view) {
    return {line_key(key).customer};
}

// --- conversations, identity

std::vector<std::string> customer_of_conversation(const ReadView&, std::string_view,
                                                  std::string_view value) {
    const auto shown = projections::read_shown(value);
    if (!shown) return {};
    return {projections::text_of((*shown)["customer_key"])};
}

std::vector<std::string> customer_of_message(const ReadView& view, std::string_view key,
                                             std::string_view value) {
    const auto shown = projections::read_shown(value);
    if (!shown) return {};
    const auto id = chat::parse_conversation_id((*shown)["conversation_id"].text());
    if (!id) return {};
    const auto conversation = view.get(Table::rows, chat::row_key(chat::RowTag::conversation, *id));
    if (!conversation) return {};
    return customer_of_conversation(view, key, *conversation);
}

std::vector<std::string> customer_identified(const ReadView&, std::string_view key,
                                             std::string_view) {
    return {std::string{key.substr(1)}};
}

// --- requests, events, dead letters

Result<std::string> request(std::string_view key, std::string_view value) {
    KeyReader reader{key};
    reader.byte();
    reader.time_descending();
    const bus::EventId id = ingest::request_id_in_key(reader.id());
    if (!reader.ok()) return bus::fail(ErrorCode::corrupt, "not the key of a request");
    return ingest::shown_request(id, reader.rest(), value);
}

Result<std::string> event(std::string_view key, std::string_view value) {
    ingest::EventRow row;
    if (auto decoded = row.decode(value); !decoded) return decoded.error();
    row.decode_key(key);
    return ingest::shown_event(row);
}

Result<std::string> dead_letter(std::string_view key, std::string_view value) {
    return projections::shown_dead_letter(static_cast<projections::DeadLetterTag>(key.front()),
                                          value);
}

// --- billing

Result<std::string> billing_object(std::string_view, std::string_view value) {
    billing::ObjectRow row;
    if (auto decoded = row.decode(value); !decoded) return decoded.error();
    return billing::shown_object(row, value);
}

Result<std::string> billing_event(std::string_view key, std::string_view value) {
    billing::EventRow row;
    if (auto decoded = row.decode(value); !decoded) return decoded.error();
    return billing::shown_event(billing::event_in_key(key), row);
}

std::vector<std::string> customer_billed(const ReadView& view, std::string_view key,
                                         std::string_view) {
    const auto stored =
        view.get(Table::rows, billing::customer_row_key(billing::customer_in_key(key)));
    billing::CustomerRow row;
    if (!stored || !row.decode(*stored)) return {};
    return row.keys();
}

constexpr std::array every_kind{
    ShownRows{"billing", Table::rows, 'c', "bcu", as_stored, customer_billed},
    ShownRows{"billing", Table::rows, 'o', "", billing_object, customer_billed},
    ShownRows{"billing", Table::entries, 'e', "", billing_event},
    ShownRows{"calls", Table::rows, 'c', "call", as_stored},
    ShownRows{"calls", Table::rows, 'b'},
    ShownRows{"conversations", Table::rows, 'c', "cnv", as_stored, customer_of_conversation},
    ShownRows{"conversations", Table::rows, 'm', "msg", as_stored, customer_of_message},
    ShownRows{"conversations", Table::rows, 'n'},
    ShownRows{"dead_letters", Table::entries, 'd', "dead", dead_letter},
    ShownRows{"dead_letters", Table::entries, 'D', "dead", dead_letter},
    ShownRows{"dead_letters", Table::entries, 'i'},
    ShownRows{"dead_letters", Table::entries, 'x'},
    ShownRows{"events", Table::entries, 'e', "", event},
    ShownRows{"identity", Table::rows, 'k', "", as_stored, customer_identified},
    ShownRows{"ingest", Table::entries, 'A', "", request},
    ShownRows{"ingest", Table::entries, 'R', "", request},
    ShownRows{"mails", Table::rows, 'm', "eml", as_stored},
    ShownRows{"mails", Table::rows, 't', "eth", as_stored},
    ShownRows{"timeline", Table::entries, 'e', "tle", timeline_line, customer_of_line},
    ShownRows{"timeline", Table::entries, 's'}};
constexpr ShownRows not_known{.show = as_stored};

}  // namespace

const ShownRows& shown_rows(std::string_view projection, Table table, std::string_view key) {
    const auto* const found =
        std::find_if(every_kind.begin(), every_kind.end(), [&](const ShownRows& rows) {
            return rows.projection == projection && rows.table == table &&
                   key.starts_with(rows.tag);
        });
    return found == every_kind.end() ? not_known : *found;
}

}  // namespace tools::exports
