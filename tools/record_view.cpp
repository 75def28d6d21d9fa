#include "tools/record_view.hpp"

#include "bus/text.hpp"
#include "projections/api/mapped_record.hpp"
#include "schemas/mail/mail_reader.hpp"
#include "tools/glob.hpp"

namespace tools {
namespace {

bool any_type_matches(const RecordFilter& filter, std::string_view record_type,
                      const schemas::Mapped* mapped) {
    if (filter.type.empty() || fits_glob(filter.type, record_type)) return true;
    if (!mapped) return false;
    for (const schemas::Event& event : mapped->events) {
        if (fits_glob(filter.type, event.type_name)) return true;
    }
    return false;
}

std::string summary_of(const schemas::Event& event) {
    std::string out;
    for (const auto& [field, value] : event.fields) {
        if (field != schemas::Field::status && field != schemas::Field::direction &&
            field != schemas::Field::kind && field != schemas::Field::message_id &&
            field != schemas::Field::call_id) {
            continue;
        }
        out += fmt::format("{}{}={}", out.empty() ? "" : " ", schemas::name(field), value.text);
    }
    return out;
}

bool is_text(std::string_view bytes) {
    return bytes.find('\0') == std::string_view::npos;
}

void write_body(schemas::json::Writer& out, const bus::RecordView& record, Bodies bodies) {
    out.key("headers").begin_object();
    (void)record.headers.for_each(
        [&](std::string_view name, std::string_view value) { out.member(name, value); });
    out.end_object();
    if (bodies == Bodies::base64)
        out.member("body_base64", bus::to_base64(record.value));
    else
        out.member("body", is_text(record.value) ? std::string(record.value)
                                                 : "base64:" + bus::to_base64(record.value));
}

void write_mapped(schemas::json::Writer& out, const schemas::Mapped& mapped, bool details) {
    out.key("events").begin_array();
    for (const schemas::Event& event : mapped.events) {
        out.begin_object().member("type", event.type_name).member("summary", summary_of(event));
        out.member("id", bus::to_string(event.id)).member("time", event.time);
        if (details) projections::api::write_event(out, event);
        out.end_object();
    }
    out.end_array();
    if (mapped.failures.empty()) return;
    out.key("failures").begin_array();
    for (const schemas::MapFailure& failure : mapped.failures) {
        out.begin_object().member("path", failure.path).member("reason", failure.reason);
        out.end_object();
    }
    out.end_array();
}

}  // namespace

RecordPrinter::RecordPrinter(const schemas::Registry& registry)
    : registry_(registry), scratch_(&schemas::mail::read_mail) {}

bool RecordPrinter::append(schemas::json::Writer& out, bus::RecordView record,
                           const RecordFilter& filter) {
    const auto envelope = bus::read_envelope(record.headers);
    if (!envelope) {
        out.begin_object()
            .member("address", bus::to_string(record.address))
            .member("problem", envelope.error().message);
        out.end_object();
        return true;
    }
    if (filter.tenant && *filter.tenant != envelope->tenant) return false;
    if (filter.source && *filter.source != envelope->source) return false;
    record.erased = schemas::is_erased(registry_, envelope->tenant, record);
    if (record.erased) record.value = {};
    const auto source = registry_.source(envelope->source);
    const auto mapping = registry_.bound_mapping(envelope->mapping);
    const schemas::Mapped* mapped = nullptr;
    if (mapping && envelope->type == bus::raw_event_type && !record.erased)
        mapped = &mapping->map(record, *envelope, source ? source->slug : "", scratch_);
    if (!any_type_matches(filter, envelope->type, mapped)) return false;
    const auto tenant = registry_.tenant(envelope->tenant);
    out.begin_object()
        .member("address", bus::to_string(record.address))
        .member("id", bus::to_string(envelope->id))
        .member("tenant", tenant ? tenant->code : bus::to_string(envelope->tenant))
        .member("source", source ? source->slug : bus::to_string(envelope->source))
        .member("type", envelope->type)
        .member("ingest_time", envelope->ingest_time)
        .member("bytes", static_cast<std::int64_t>(record.value.size()))
        .member("verified", record.headers.get(bus::header::verified));
    if (record.expired)
        out.member("expired", true);
    else if (record.erased)
        out.member("erased", true);
    if (record.tombstone) out.member("tombstone", true);
    if (mapped)
        write_mapped(out, *mapped, filter.details);
    else
        out.key("events").begin_array().end_array();
    if (filter.bodies != Bodies::none) write_body(out, record, filter.bodies);
    out.end_object();
    return true;
}

}  // namespace tools
