#include "projections/calls/calls_fold.hpp"

#include "projections/calls/call_row.hpp"
#include "projections/text_limits.hpp"

namespace projections {

using namespace calls;
using schemas::Event;
using schemas::EventType;
using schemas::Field;

namespace {

// The end of a call that no report names would be a second call beside the reported one.
bool is_report(const Event& event) {
    if (event.type == EventType::ivr_call_reported) return true;
    return event.type == EventType::voice_call_ended && !event.text(Field::call_id).empty();
}

}  // namespace

std::span<const std::string_view> CallsFold::type_prefixes() const {
    static constexpr std::string_view prefixes[] = {"ivr.", "voice."};
    return prefixes;
}

void CallsFold::fold(const Event& event, Rows& rows) const {
    if (!is_report(event)) return;
    const std::string_view told_id = event.text(Field::call_id);
    const CallKey key =
        told_id.empty() ? call_key_of_event(event.id) : call_key(event.source, told_id);
    auto& row = rows.edit<CallRow>(Table::rows, row_key(key));
    if (row.empty()) {
        row.key = key;
        row.source = event.source_slug;
        row.provider_call_id = short_name(told_id);
    }
    const std::optional<Badge> before = row.empty() ? std::nullopt : row.badge();
    row.report(event);
    const std::optional<Badge> after = row.badge();
    if (before == after) return;
    if (before) rows.edit<BadgeRow>(Table::rows, badge_key(*before)).calls -= 1;
    if (after) rows.edit<BadgeRow>(Table::rows, badge_key(*after)).calls += 1;
}

}  // namespace projections
