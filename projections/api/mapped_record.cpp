#include "projections/api/mapped_record.hpp"

#include "schemas/mail/mail_reader.hpp"

#include <algorithm>

namespace projections::api {

namespace {

using schemas::json::Writer;

constexpr std::size_t padding_bytes = 64;  // what mappings may read past the end

void write_value(Writer& writer, schemas::Field field, const schemas::FieldValue& value) {
    writer.key(schemas::name(field));
    switch (value.kind) {
        case schemas::FieldValue::Kind::integer:
            writer.integer(value.number);
            break;
        case schemas::FieldValue::Kind::boolean:
            writer.boolean(value.number != 0);
            break;
        case schemas::FieldValue::Kind::time:
            writer.time(value.time());
            break;
        default:
            writer.text(value.text);
    }
}

}  // namespace

struct MappedRecord::State {
    bus::OwnedRecord record;
    bus::Envelope envelope;  // views into the record's headers
    std::string source_slug;
    std::shared_ptr<const schemas::BoundMapping> mapping;
    schemas::Scratch scratch{schemas::mail::read_mail};
    const schemas::Mapped* mapped = nullptr;  // in the scratch
};

MappedRecord::MappedRecord(std::unique_ptr<State> state) : state_(std::move(state)) {}
MappedRecord::~MappedRecord() = default;
MappedRecord::MappedRecord(MappedRecord&&) noexcept = default;
MappedRecord& MappedRecord::operator=(MappedRecord&&) noexcept = default;

bus::Result<bus::OwnedRecord> read_record(bus::Log& log, const schemas::Registry& registry,
                                          const bus::Address& address, bus::TenantId tenant) {
    auto record = log.read_at(address);
    if (!record && record.error().code != bus::ErrorCode::not_found) return record.error();
    if (record) {
        const auto envelope = bus::read_envelope(record->headers);
        if (!envelope) return envelope.error();
        const bool is_theirs = !record->tombstone && envelope->tenant == tenant;
        if (is_theirs && record->expired)
            return bus::fail(bus::ErrorCode::gone,
                             "the record's body has expired: its topic is kept for a time only");
        if (is_theirs && schemas::is_erased(registry, tenant, *record))
            return bus::fail(bus::ErrorCode::gone, "the record's body was erased for good");
        if (is_theirs) return record;
    }
    return bus::fail(bus::ErrorCode::gone, "the log no longer has the record");
}

bus::Result<MappedRecord> MappedRecord::map(bus::OwnedRecord record,
                                            const schemas::Registry& registry,
                                            std::string_view stamp) {
    auto state = std::make_unique<State>();
    state->record = std::move(record);
    state->record.value.reserve(state->record.value.size() + padding_bytes);
    const auto envelope = bus::read_envelope(state->record.headers);
    if (!envelope) return envelope.error();
    state->envelope = *envelope;
    state->mapping = registry.bound_mapping(stamp.empty() ? envelope->mapping : stamp);
    if (!state->mapping)
        return bus::fail(bus::ErrorCode::unavailable, "the record's mapping is not known here yet");
    if (const auto source = registry.source(envelope->source)) state->source_slug = source->slug;
    const bus::RecordView view{.address = state->record.address,
                               .key = state->record.key,
                               .headers = state->record.headers,
                               .value = state->record.value};
    state->mapped = &state->mapping->map(view, state->envelope, state->source_slug, state->scratch);
    return MappedRecord{std::move(state)};
}

bus::Result<MappedRecord> MappedRecord::map_for(bus::OwnedRecord record,
                                                const schemas::Registry& registry,
                                                const bus::EventId& event) {
    auto mapped = map(std::move(record), registry);
    if (!mapped || mapped->find(event)) return mapped;
    const auto stamps = registry.stamps(mapped->envelope().source);
    for (auto stamp = stamps.rbegin(); stamp != stamps.rend(); ++stamp) {
        mapped = map(std::move(mapped->state_->record), registry, *stamp);
        if (!mapped || mapped->find(event)) return mapped;
    }
    return bus::fail(bus::ErrorCode::corrupt, "the record no longer maps to the event");
}

const bus::Envelope& MappedRecord::envelope() const {
    return state_->envelope;
}
const bus::OwnedRecord& MappedRecord::record() const {
    return state_->record;
}
const std::string& MappedRecord::source_slug() const {
    return state_->source_slug;
}
const schemas::Mapped& MappedRecord::mapped() const {
    return *state_->mapped;
}

const schemas::Event* MappedRecord::find(const bus::EventId& event) const {
    const auto& events = state_->mapped->events;
    const auto found = std::find_if(events.begin(), events.end(),
                                    [&](const schemas::Event& told) { return told.id == event; });
    return found == events.end() ? nullptr : &*found;
}

void write_event(Writer& writer, const schemas::Event& event) {
    writer.member("raw_id", bus::to_string(event.raw_id));
    writer.member("received_at", event.ingest_time).member("time_is_ingest", event.time_is_ingest);
    writer.key("fields").begin_object();
    for (const auto& [field, value] : event.fields) {
        if (value) write_value(writer, field, value);
    }
    writer.end_object();
    writer.key("raw").begin_object();
    for (const auto& [field, word] : event.raw_words) writer.member(schemas::name(field), word);
    writer.end_object();
    writer.key("keys").begin_array();
    for (const schemas::IdentityKey& key : event.keys) {
        writer.begin_object().member("kind", schemas::name(key.kind)).member("key", key.text);
        writer.end_object();
    }
    writer.end_array();
    writer.key("warnings").begin_array();
    for (const schemas::Warning& warning : event.warnings) {
        writer.begin_object().member("field", warning.field).member("reason", warning.reason);
        writer.end_object();
    }
    writer.end_array();
}

}  // namespace projections::api
