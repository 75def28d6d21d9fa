// The fields that measure files may use, by kind of row. A row's measure_values() gives them in
// this order; the engine compiles a name to its number once.
#pragma once

#include <span>
#include <string_view>

namespace projections {

struct RowKind {
    std::string_view name;
    std::string_view projection;  // whose rows they are: their measures live and die with it
    std::span<const std::string_view> fields;
};

// nullptr when there is no such kind. The kinds are listed in row_kinds.cpp next to their
// projections:
//   message: at, channel, direction, kind, status, source, business_number
//   call:    at, service, direction, status, agent, department, location, source, hour, talk_s,
//            ring_s, wait_s, caller
//   mail:    at, direction, mailbox, team, thread, from, unread, thread_first
//   event:   at, type, source, channel
//   billing_event: at, type, system, plan, currency, amount_minor
const RowKind* find_row_kind(std::string_view name);
std::span<const RowKind> all_row_kinds();

}  // namespace projections
