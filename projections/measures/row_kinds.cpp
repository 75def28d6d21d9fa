#include "projections/measures/row_kinds.hpp"

#include <array>

namespace projections {
namespace {

constexpr std::string_view message_fields[] = {"at",     "channel", "direction",      "kind",
                                               "status", "source",  "business_number"};
constexpr std::string_view call_fields[] = {
    "at",     "service", "direction", "status", "agent",  "department", "location",
    "source", "hour",    "talk_s",    "ring_s", "wait_s", "caller"};
constexpr std::string_view mail_fields[] = {"at",     "direction", "mailbox", "team",
                                            "thread", "from",      "unread",  "thread_first"};
constexpr std::string_view event_fields[] = {"at", "type", "source", "channel"};
constexpr std::string_view billing_event_fields[] = {"at",   "type",     "system",
                                                     "plan", "currency", "amount_minor"};

constexpr std::array<RowKind, 5> kinds = {{{"message", "conversations", message_fields},
                                           {"call", "calls", call_fields},
                                           {"mail", "mails", mail_fields},
                                           {"event", "events", event_fields},
                                           {"billing_event", "billing", billing_event_fields}}};

}  // namespace

const RowKind* find_row_kind(std::string_view name) {
    for (const RowKind& kind : kinds) {
        if (kind.name == name) return &kind;
    }
    return nullptr;
}

std::span<const RowKind> all_row_kinds() {
    return kinds;
}

}  // namespace projections
