#include "projections/calls/call_row.hpp"

#include "bus/crypto/digest.hpp"
#include "projections/cut_text.hpp"
#include "projections/measure_value.hpp"
#include "projections/stored_documents.hpp"

#include <algorithm>
#include <tuple>

namespace projections::calls {

using schemas::Event;
using schemas::Field;

namespace {

constexpr std::string_view no_department = "unknown";

std::vector<std::string> numbers_of(const LatestFields& fields) {
    std::vector<std::string> numbers;
    for (const Field field : {Field::customer_phone, Field::caller, Field::callee}) {
        const std::string_view number = fields.text(field);
        if (!number.empty() && std::find(numbers.begin(), numbers.end(), number) == numbers.end())
            numbers.emplace_back(number);
    }
    return numbers;
}

void tell_leg(std::map<std::string, CallRow::Leg>& legs, const Event& event) {
    const auto short_text = [](std::string_view text) {
        return std::string{cut_at_code_point(text, leg_text_bytes_max)};
    };
    const std::string name = short_text(event.text(Field::leg));
    if (name.empty()) return;
    const auto [found, is_new] = legs.try_emplace(name);
    CallRow::Leg& leg = found->second;
    if (is_new || event.time < leg.first_at) leg.first_at = event.time;
    if (is_new || leg.order < order_of(event)) {
        const std::string_view told = event.text(Field::agent_status);
        leg.order = order_of(event);
        leg.agent = short_text(event.text(Field::agent));
        leg.status = short_text(told.empty() ? event.text(Field::status) : told);
    }
    // Which legs stay must not depend on which came first.
    if (legs.size() > legs_max) legs.erase(std::prev(legs.end()));
}

// From start to answer.
std::optional<std::int64_t> waited_s(const CallRow& row) {
    if (const auto told = row.fields.integer(Field::ring_s)) return told;
    const auto answered = row.fields.time(Field::answered_at);
    if (!answered || !row.started_at || *answered < *row.started_at) return std::nullopt;
    return std::chrono::floor<bus::seconds>(*answered - *row.started_at).count();
}

std::int64_t hour_of_day(bus::Timestamp time) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    return std::chrono::floor<std::chrono::hours>(time - day).count();
}

}  // namespace

CallKey call_key(bus::SourceId source, std::string_view provider_call_id) {
    const std::string_view source_bytes{reinterpret_cast<const char*>(&source.value),
                                        sizeof source.value};
    return bus::crypto::hash_id({"call", source_bytes, provider_call_id});
}

CallKey call_key_of_event(const bus::EventId& event) {
    return bus::crypto::hash_id({"call of event", event.view()});
}

std::string row_key(const CallKey& key) {
    return KeyWriter{}.byte(static_cast<std::uint8_t>(RowTag::call)).id(key).take();
}

std::string call_id(const CallKey& key) {
    return prefixed_id("call", key);
}

std::optional<CallKey> parse_call_id(std::string_view text) {
    return parse_prefixed_id("call", text);
}

std::string badge_key(const Badge& badge) {
    return KeyWriter{}
        .byte(static_cast<std::uint8_t>(RowTag::badge))
        .byte(static_cast<std::uint8_t>(badge.kind))
        .text(badge.department)
        .text(badge.source)
        .take();
}

std::optional<Badge> read_badge_key(std::string_view key) {
    KeyReader reader{key};
    if (reader.byte() != static_cast<std::uint8_t>(RowTag::badge)) return std::nullopt;
    Badge badge;
    badge.kind = static_cast<BadgeKind>(reader.byte());
    badge.department = reader.text();
    badge.source = reader.text();
    if (!reader.ok()) return std::nullopt;
    return badge;
}

void CallRow::report(const Event& event) {
    const ReportStamp stamp = stamp_of(event);
    for (const auto& [field, value] : event.fields) {
        if (field != Field::status && field != Field::started_at && field != Field::call_id &&
            field != Field::leg)
            fields.tell(field, value, stamp);
    }
    const CallStatus told = parse_call_status(event.text(Field::status));
    if (told == CallStatus::unknown && event.raw(Field::status).empty())
        fields.tell_text(Field::status, event.text(Field::status), stamp);
    else
        fields.tell_text(Field::status, event.raw(Field::status), stamp);
    const schemas::EventOrder order = schemas::order_of(event);
    if (std::tuple{rank(status), status_order} < std::tuple{rank(told), order}) {
        status = told;
        status_order = order;
    }
    if (const auto start = event.get(Field::started_at);
        start && (!started_at || start.time() < *started_at))
        started_at = start.time();
    if (!first_report_at || event.time < *first_report_at) first_report_at = event.time;
    tell_leg(legs, event);
}

std::string_view CallRow::agent() const {
    for (const Field field : {Field::agent, Field::agent_name, Field::agent_number}) {
        if (const std::string_view told = fields.text(field); !told.empty()) return told;
    }
    return {};
}

std::optional<Badge> CallRow::badge() const {
    if (!is_live(status) && status != CallStatus::hangup) return std::nullopt;
    const std::string_view department = fields.text(Field::department);
    return Badge{is_live(status) ? BadgeKind::live : BadgeKind::hangup,
                 std::string{department.empty() ? no_department : department}, source};
}

void CallRow::index_entries(IndexSink& sink) const {
    const std::vector<std::string> numbers = numbers_of(fields);
    KeyWriter place;
    place.time_descending(at()).id(key);
    place.text(source).text(fields.text(Field::department)).text(name(status)).text(agent());
    place.text(fields.text(Field::service)).text(fields.text(Field::direction));
    for (const std::string& number : numbers) place.text(number);
    sink.entry(
        KeyWriter{}.byte(static_cast<std::uint8_t>(IndexTag::newest)).raw(place.str()).str());
    for (const std::string& number : numbers) sink.entry(numbers_prefix(number) + place.str());
}

void CallRow::measure_values(std::vector<MeasureValue>& values) const {
    values.push_back(measured_time(at()));
    values.push_back(measured_text(fields.text(Field::service)));
    values.push_back(measured_text(fields.text(Field::direction)));
    values.push_back(measured_text(name(status)));
    values.push_back(measured_text(agent()));
    values.push_back(measured_text(fields.text(Field::department)));
    values.push_back(measured_text(fields.text(Field::location)));
    values.push_back(measured_text(source));
    values.push_back(measured_integer(hour_of_day(at())));
    values.push_back(measured_integer(fields.integer(Field::talk_s)));
    values.push_back(measured_integer(fields.integer(Field::ring_s)));
    values.push_back(measured_integer(waited_s(*this)));
    values.push_back(measured_text(fields.text(Field::caller)));
}

CallEntry read_call_entry(std::string_view rest) {
    KeyReader reader{rest};
    CallEntry entry;
    entry.source = reader.text();
    entry.department = reader.text();
    entry.status = reader.text();
    entry.agent = reader.text();
    entry.service = reader.text();
    entry.direction = reader.text();
    while (reader.ok() && !reader.rest().empty()) entry.numbers.push_back(reader.text());
    return entry;
}

std::string numbers_prefix(std::string_view number) {
    return KeyWriter{}.byte(static_cast<std::uint8_t>(IndexTag::number)).text(number).take();
}

}  // namespace projections::calls
