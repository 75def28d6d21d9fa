#include "tools/bench/fold_events.hpp"

#include "bus/clock.hpp"
#include "bus/envelope.hpp"
#include "schemas/control_facts.hpp"
#include "schemas/providers/built_in.hpp"

namespace bench {
namespace {

constexpr std::size_t customers_per_tenant = 5'000;
constexpr std::size_t hot_customers = 50;  // half of the events are theirs
constexpr std::int64_t first_second = 1'795'000'000;
constexpr std::size_t chat = 0, voice = 1, billing = 2, mail = 3;

constexpr std::uint64_t first_tenant = 0x1000;
constexpr std::uint64_t sources_per_kind = 0x1000000;

bus::TenantId tenant_at(std::size_t place) {
    return bus::TenantId{first_tenant + place};
}
bus::SourceId source_at(std::size_t place, std::size_t kind) {
    return bus::SourceId{sources_per_kind * (kind + 1) + place};
}

std::string filler(std::size_t bytes) {
    std::string text;
    for (std::size_t i = 0; i < bytes; ++i)
        text += i % 7 == 6 ? ' ' : static_cast<char>('a' + i % 26);
    return text;
}

}  // namespace

std::size_t FoldWorld::turn_of(std::size_t number) const {
    return (number / mix_.tenants + number % mix_.tenants) % 20;
}

bool FoldWorld::is_message(std::size_t number) const {
    return turn_of(number) < 16 && turn_of(number) % 2 == 0;
}

std::size_t FoldWorld::place_of(std::size_t number) const {
    const std::size_t place = number % mix_.tenants;
    return place < hot_tenants_ ? 0 : place;
}

bus::TenantId FoldWorld::tenant_of(std::size_t number) const {
    return tenant_at(place_of(number));
}

bus::SourceId FoldWorld::source_of(std::size_t number, std::size_t kind) const {
    return source_at(place_of(number), kind);
}

std::size_t FoldWorld::customer_of(std::size_t number) const {
    const std::size_t mixed = (number / mix_.tenants) * 2654435761u;
    const bool is_hot = (number / mix_.tenants + number) / 2 % 2 == 0;
    return is_hot ? mixed % hot_customers : mixed % customers_per_tenant;
}

std::string FoldWorld::whatsapp(std::size_t number, std::string_view inner) const {
    return fmt::format(
        R"({{"object":"whatsapp_business_account","entry":[{{"id":"900102","changes":[{{"value":{{"messaging_product":"whatsapp",)"
        R"("metadata":{{"display_phone_number":"919900000000","phone_number_id":"{}"}},"contacts":[{{"profile":{{"name":"Asha"}},)"
        R"("wa_id":"9198{:08}"}}],{}}},"field":"messages"}}]}}]}})",
        number % mix_.tenants, customer_of(number), inner);
}

std::string FoldWorld::message_body(std::size_t number) const {
    static const std::string text = filler(1'000);
    return whatsapp(
        number,
        fmt::format(
            R"("messages":[{{"from":"9198{:08}","id":"wamid.{}","timestamp":"{}","type":"text",)"
            R"("text":{{"body":"{}"}}}}])",
            customer_of(number), number, first_second + static_cast<std::int64_t>(number / 50),
            text));
}

std::string FoldWorld::receipt_body(std::size_t number) const {
    static constexpr std::string_view states[] = {"sent", "delivered", "read"};
    return whatsapp(
        number,
        fmt::format(
            R"("statuses":[{{"id":"wamid.{}","status":"{}","timestamp":"{}","recipient_id":"9198{:08}"}}])",
            number - mix_.tenants, states[number % 3],
            first_second + static_cast<std::int64_t>(number / 50), customer_of(number)));
}

std::string FoldWorld::call_body(std::size_t number) const {
    static constexpr std::string_view states[] = {"ringing", "answered", "completed", "missed"};
    return fmt::format(
        R"({{"call_id":"call-{}","caller":"98{:08}","callee":"1800123456","status":"{}","department":"sales"}})",
        number / 4, customer_of(number), states[number % 4]);
}

std::string FoldWorld::billing_body(std::size_t number) const {
    return fmt::format(
        R"({{"id":"evt_{}","object":"event","type":"invoice.paid","created":{},"data":{{"object":{{"id":"in_{}","object":"invoice",)"
        R"("customer":"cus_{}","customer_email":"c{}@example.org","total":4900,"currency":"inr","status":"paid",)"
        R"("subscription":"sub_{}"}}}}}})",
        number, first_second + static_cast<std::int64_t>(number / 50), number, customer_of(number),
        customer_of(number), customer_of(number));
}

std::string FoldWorld::mail_body(std::size_t number) const {
    static const std::string text = filler(800);
    return fmt::format(
        "From: C <c{}@example.org>\r\nTo: help@example.com\r\nMessage-ID: "
        "<m{}@example.org>\r\nDate: Sat, 21 Nov 2026 10:00:00 "
        "+0000\r\nSubject: Order {}\r\n\r\n{}\r\n",
        customer_of(number), number, number, text);
}

void FoldWorld::apply(bus::TenantId tenant, const std::string&, auto body) {
    schemas::ControlFact fact;
    fact.id = bus::random_ids().next_event_id(bus::system_clock().now());
    fact.tenant = tenant;
    fact.time = bus::system_clock().now();
    fact.body = std::move(body);
    bus::NewRecord record = schemas::encode(fact);
    record.value.reserve(record.value.size() + 64);
    const bus::RecordView view{
        {bus::Topic::control, 0, control_next_++}, record.key, record.headers, record.value};
    BUS_ASSERT(registry_->apply(view).has_value(), "the bench writes facts the registry takes");
}

FoldWorld::FoldWorld(FoldMix mix)
    : mix_(mix),
      hot_tenants_(static_cast<std::size_t>(mix.hot_share * static_cast<double>(mix.tenants))) {
    auto providers = schemas::built_in_providers();
    BUS_ASSERT(providers.has_value(), "the built-in providers compile");
    registry_ = schemas::make_registry(*std::move(providers));
    kinds_ = {{{"meta_cloud", bus::Topic::chat, "", "application/json"},
               {"ivr", bus::Topic::voice, "", "application/json"},
               {"stripe", bus::Topic::billing, "", "application/json"},
               {"email", bus::Topic::email, "", "message/rfc822"}}};
    schemas::SourceSettings settings;
    settings.country = "IN";
    settings.extra = {{"address", "help@example.com"}, {"team", "support"}};
    for (Kind& kind : kinds_) {
        const auto* provider = registry_->provider(kind.name);
        const auto bound = schemas::BoundMapping::bind(provider->mapping, settings);
        BUS_ASSERT(bound.has_value(), "the built-in mappings bind");
        kind.stamp = (*bound)->stamp();
        apply(bus::platform_tenant, "",
              schemas::MappingBound{kind.stamp, kind.name, provider->mapping_text, settings});
    }
    for (std::size_t i = 0; i < mix_.tenants; ++i) {
        schemas::Tenant tenant;
        tenant.id = tenant_at(i);
        tenant.code = fmt::format("bench{}", i);
        schemas::ApiKey key;
        key.id = fmt::format("key_{}", i);
        key.tenant = tenant.id;
        key.hash = key.id;
        schemas::Source events;
        events.id = source_at(i, kinds_.size());
        events.tenant = tenant.id;
        events.kind = "cloudevents";
        events.slug = fmt::format("bench-events-{}", i);
        apply(tenant.id, "", schemas::TenantCreated{tenant, key, events});
        for (std::size_t kind = 0; kind < kinds_.size(); ++kind) {
            schemas::Source source;
            source.id = source_at(i, kind);
            source.tenant = tenant.id;
            source.kind = kinds_[kind].name;
            source.topic = kinds_[kind].topic;
            source.slug = fmt::format("bench-{}-{}", kinds_[kind].name, i);
            source.settings = settings;
            source.stamp = kinds_[kind].stamp;
            apply(tenant.id, "", schemas::SourceCreated{source});
        }
    }
}

bus::NewRecord FoldWorld::wrap(const Kind& kind, std::size_t number, std::string value,
                               bus::PartitionId partitions) const {
    const auto tenant = tenant_of(number);
    const std::size_t which = static_cast<std::size_t>(&kind - kinds_.data());
    const bus::Timestamp now{bus::seconds{first_second} +
                             bus::microseconds{static_cast<std::int64_t>(number) * 20'000}};
    bus::NewRecord record;
    record.topic = kind.topic;
    record.key = bus::to_string(tenant);
    record.partition = bus::partition_of(record.key, partitions);
    record.ingest_time = now;
    bus::write_envelope({.id = bus::random_ids().next_event_id(now),
                         .tenant = tenant,
                         .source = source_of(number, which),
                         .type = bus::raw_event_type,
                         .time = now,
                         .ingest_time = now,
                         .trace_parent = {},
                         .content_type = kind.content_type,
                         .mapping = kind.stamp},
                        record.headers);
    record.headers.add(bus::header::method, "POST");
    record.headers.add(bus::header::verified, "hmac:sec_1");
    record.value = std::move(value);
    return record;
}

bus::NewRecord FoldWorld::message(std::size_t number, bus::PartitionId partitions) const {
    return wrap(kinds_[chat], number, message_body(number), partitions);
}

bus::NewRecord FoldWorld::record(std::size_t number, bus::PartitionId partitions) const {
    const std::size_t turn = turn_of(number);
    if (turn < 16)
        return wrap(kinds_[chat], number,
                    turn % 2 == 0 ? message_body(number) : receipt_body(number), partitions);
    if (turn < 18) return wrap(kinds_[voice], number, call_body(number), partitions);
    if (turn < 19) return wrap(kinds_[billing], number, billing_body(number), partitions);
    return wrap(kinds_[mail], number, mail_body(number), partitions);
}

}  // namespace bench
