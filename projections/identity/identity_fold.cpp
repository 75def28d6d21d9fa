#include "projections/identity/identity_fold.hpp"

#include "projections/cut_text.hpp"
#include "projections/identity/customer_keys.hpp"
#include "projections/identity/identity_row.hpp"

namespace projections {

using schemas::Event;
using schemas::Field;

namespace {

// The network itself names phone and user id of a sender together; what a form, a mail or a
// billing system was told is only a claim.
bool is_verified(const Event& event, std::string_view key, std::string_view other) {
    const auto vouched_for = [](std::string_view k) {
        return k.starts_with("phone:") || k.starts_with("whatsapp:");
    };
    return event.type_name.starts_with("whatsapp.") && vouched_for(key) && vouched_for(other);
}

void add_link(const Event& event, const std::string& key, const std::string& other, Rows& rows) {
    const Evidence evidence{!is_verified(event, key, other), event.time, event.id};
    const std::string row_key = identity_row_key(key);
    const auto* known = rows.peek<IdentityRow>(Table::rows, row_key);
    if (known && !known->would_change_link(other, evidence)) return;
    auto& row = rows.edit<IdentityRow>(Table::rows, row_key);
    row.key = key;
    row.link(other, evidence);
}

// The time of an event that does not tell its own differs from copy to copy: such a name is older
// than any other.
void add_name(const Event& event, const std::string& key, std::string_view name, Rows& rows) {
    if (name.empty()) return;
    const bus::Timestamp at = event.time_is_ingest ? bus::Timestamp{} : event.time;
    const std::string row_key = identity_row_key(key);
    const auto* known = rows.peek<IdentityRow>(Table::rows, row_key);
    if (known && !known->would_change_name(name, at)) return;
    auto& row = rows.edit<IdentityRow>(Table::rows, row_key);
    row.key = key;
    row.give_name(name, at);
}

}  // namespace

void IdentityFold::fold(const Event& event, Rows& rows) const {
    const std::vector<std::string> keys = customer_keys(event);
    if (keys.empty()) return;
    add_name(event, keys.front(),
             cut_at_code_point(event.text(Field::customer_name), name_bytes_max), rows);
    for (const std::string& key : keys) {
        for (const std::string& other : keys) {
            if (key != other) add_link(event, key, other, rows);
        }
    }
}

}  // namespace projections
