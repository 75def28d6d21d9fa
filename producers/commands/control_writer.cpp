#include "producers/commands/control_writer.hpp"

#include "bus/crypto/digest.hpp"

#include <thread>

namespace producers::commands {
namespace {

using bus::ErrorCode;
using bus::http::problem;
using bus::http::Response;

constexpr int tries_max = 2;  // someone else was first: validated again once
constexpr bus::milliseconds poll_interval{1};

std::string id_of_try(const Command& command, int attempt) {
    return attempt == 0 ? command.id : fmt::format("{}/{}", command.id, attempt + 1);
}

Response conflict(const bus::Error& refusal) {
    return problem(409, "conflict", refusal.message + "; read the object again and repeat");
}

Response key_reused() {
    return problem(409, "idempotency_key_reused",
                   "this Idempotency-Key was used with another request; take a new one");
}

}  // namespace

std::uint64_t Command::derived_id64(std::string_view purpose) const {
    const auto hash = bus::crypto::hash_id({id, purpose});
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8; ++i) value = value << 8 | hash.bytes[i];
    return value == 0 ? 1 : value;  // 0 stands for none
}

bus::Result<bus::Offset> ControlWriter::publish(const schemas::ControlFact& fact) {
    auto appended = bus::append_and_wait(log_, schemas::encode(fact), wait_max);
    if (!appended) return appended.error();
    const bus::Offset offset = appended->address.offset;
    if (!registry_.wait_applied(offset + 1, wait_max)) {
        return bus::fail(ErrorCode::unavailable,
                         "stored, but not applied within {} ms; repeat with the same "
                         "Idempotency-Key",
                         wait_max.count());
    }
    return offset;
}

std::variant<Decided, Response> ControlWriter::answer(const schemas::Registry::Outcome& outcome) {
    auto record = log_.read_at({bus::Topic::control, 0, outcome.offset});
    if (!record) return problem(record.error());
    auto fact = schemas::decode_control({.address = record->address,
                                         .key = record->key,
                                         .headers = record->headers,
                                         .value = record->value,
                                         .tombstone = false});
    if (!fact) return problem(fact.error());
    BUS_ASSERT(fact->has_value(), "an outcome comes from a fact that this build knows");
    return Decided{**std::move(fact), outcome.version};
}

std::variant<Decided, Response> ControlWriter::decide(const Command& command, bus::TenantId tenant,
                                                      const Propose& propose) {
    bus::Error refusal;
    for (int attempt = 0; attempt < tries_max; ++attempt) {
        const std::string id = id_of_try(command, attempt);
        auto outcome = registry_.outcome(id);
        if (!outcome) {
            auto proposed = propose();
            if (auto* refused = std::get_if<Response>(&proposed)) return std::move(*refused);
            auto& proposal = std::get<Proposal>(proposed);
            const bus::Timestamp time = clock_.now();
            auto offset = publish({.id = ids_.next_event_id(time),
                                   .tenant = tenant,
                                   .time = time,
                                   .command = id,
                                   .request_hash = command.request_hash,
                                   .requirements = std::move(proposal.requirements),
                                   .body = std::move(proposal.body)});
            if (!offset) return problem(offset.error());
            outcome = registry_.outcome(id);
            BUS_ASSERT(outcome.has_value(), "an applied command has an outcome");
        }
        if (outcome->request_hash != command.request_hash) return key_reused();
        if (outcome->applied) return answer(*outcome);
        refusal = outcome->refusal;
    }
    return conflict(refusal);
}

bus::Result<std::string> ControlWriter::ensure_bound(
    const std::shared_ptr<const schemas::Mapping>& mapping,
    const schemas::SourceSettings& settings) {
    auto bound = schemas::BoundMapping::bind(mapping, settings);
    if (!bound) return bound.error();
    const std::string stamp = (*bound)->stamp();
    if (registry_.has_mapping(stamp)) return stamp;
    const bus::Timestamp time = clock_.now();
    auto offset = publish({.id = ids_.next_event_id(time),
                           .tenant = bus::platform_tenant,
                           .time = time,
                           .command = {},
                           .request_hash = {},
                           .requirements = {},
                           .body = schemas::MappingBound{.stamp = stamp,
                                                         .file = std::string(mapping->name()),
                                                         .text = mapping->text(),
                                                         .settings = (*bound)->settings()}});
    if (!offset) return offset.error();
    return stamp;
}

bus::Result<bus::Done> ControlWriter::store_data_key(std::string_view data_key_id,
                                                     std::string wrapped) {
    return put_data_key(data_key_id, "platform.data_key.created", std::move(wrapped));
}

bus::Result<bus::Done> ControlWriter::shred_data_key(std::string_view data_key_id) {
    return put_data_key(data_key_id, "platform.data_key.shredded", std::nullopt);
}

bus::Result<bus::Done> ControlWriter::put_data_key(std::string_view data_key_id,
                                                   std::string_view type,
                                                   std::optional<std::string> wrapped) {
    const bus::Timestamp time = clock_.now();
    bus::NewRecord record;
    record.topic = bus::Topic::keys;
    record.key = data_key_id;
    record.tombstone = !wrapped;
    record.value = std::move(wrapped).value_or("");
    record.ingest_time = time;
    bus::write_envelope({.id = ids_.next_event_id(time),
                         .tenant = bus::platform_tenant,
                         .source = {},
                         .type = type,
                         .time = time,
                         .ingest_time = time,
                         .trace_parent = {},
                         .content_type = "application/octet-stream",
                         .mapping = {}},
                        record.headers);
    auto appended = bus::append_and_wait(log_, std::move(record), wait_max);
    if (!appended) return appended.error();
    return bus::Done{};
}

bus::Result<bus::Done> ControlWriter::wait_for_data_key(bus::TenantId tenant) const {
    for (bus::milliseconds waited{0}; waited < wait_max; waited += poll_interval) {
        const auto owner = registry_.tenant(tenant);
        if (owner && !owner->wrapped_data_key.empty()) return bus::Done{};
        std::this_thread::sleep_for(poll_interval);
    }
    return bus::fail(ErrorCode::unavailable, "the data key of {} did not arrive; try again",
                     bus::to_string(tenant));
}

}  // namespace producers::commands
