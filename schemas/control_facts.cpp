#include "schemas/control_facts.hpp"

#include "bus/envelope.hpp"
#include "schemas/control_json.hpp"

namespace schemas {
namespace {

template <class... Visitors>
struct Overloaded : Visitors... {
    using Visitors::operator()...;
};
template <class... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

void write_requirements(json::Writer& out, const Requirements& requirements) {
    out.key("requires").begin_object().key("versions").begin_object();
    for (const auto& [id, version] : requirements.versions) out.key(id).unsigned_integer(version);
    out.end_object();
    write_list(out, "free", requirements.free);
    out.end_object();
}

Requirements read_requirements(json::Value in) {
    Requirements out;
    in["versions"].each_member([&](std::string_view id, json::Value version) {
        out.versions[std::string(id)] = static_cast<std::uint64_t>(version.integer().value_or(0));
    });
    out.free = read_list(in["free"]);
    return out;
}

void write_names(json::Writer& out, const std::vector<GenerationName>& generations) {
    out.key("generations").begin_array();
    for (const GenerationName& one : generations) {
        out.begin_object().member("projection", one.projection);
        out.member("number", std::int64_t{one.number}).end_object();
    }
    out.end_array();
}

std::vector<GenerationName> read_names(json::Value in) {
    std::vector<GenerationName> names;
    in.each_element([&](json::Value one) {
        names.push_back({std::string(one["projection"].text()),
                         static_cast<std::uint32_t>(one["number"].integer().value_or(0))});
    });
    return names;
}

void write_body(json::Writer& out, const ControlBody& body) {
    std::visit(Overloaded{
                   [&](const TenantCreated& fact) {
                       write(out.key("client"), fact.tenant);
                       write(out.key("api_key"), fact.api_key);
                       write(out.key("source"), fact.source);
                   },
                   [&](const TenantUpdated& fact) { write(out.key("client"), fact.tenant); },
                   [&](const ApiKeyCreated& fact) { write(out.key("api_key"), fact.api_key); },
                   [&](const ApiKeyRevoked& fact) { out.member("api_key_id", fact.key_id); },
                   [&](const SourceCreated& fact) { write(out.key("source"), fact.source); },
                   [&](const SourceUpdated& fact) { write(out.key("source"), fact.source); },
                   [&](const SourceDeleted& fact) {
                       out.member("source_id", bus::to_string(fact.source));
                   },
                   [&](const MappingChanged& fact) {
                       out.key("mapping").begin_object();
                       out.member("name", fact.name).member("text", fact.text).end_object();
                   },
                   [&](const MappingBound& fact) {
                       out.key("bound").begin_object().member("stamp", fact.stamp);
                       out.member("file", fact.file).member("text", fact.text);
                       write(out.key("settings"), fact.settings);
                       out.end_object();
                   },
                   [&](const RebuildStarted& fact) {
                       write_names(out, fact.generations);
                       write(out.key("spec"), *fact.spec);
                   },
                   [&](const TenantErased& fact) { out.member("erasure", fact.erasure); },
                   [&](const ErasureCompleted& fact) { out.member("erasure", fact.erasure); },
                   [&](const CustomerErased& fact) {
                       out.member("erasure", fact.erasure).key("records").begin_array();
                       for (const bus::RecordRange& range : fact.records)
                           out.text(to_string(range));
                       out.end_array();
                   },
                   [&](const auto& fact) { write_names(out, fact.generations); },
               },
               body);
}

bus::Result<TenantCreated> read_tenant_created(json::Value in) {
    auto tenant = read_tenant(in["client"]);
    if (!tenant) return tenant.error();
    auto key = read_api_key(in["api_key"]);
    if (!key) return key.error();
    auto source = read_source(in["source"]);
    if (!source) return source.error();
    return TenantCreated{std::move(*tenant), std::move(*key), std::move(*source)};
}

// Wraps a read object into the fact that carries it.
template <class Fact, class Object>
bus::Result<std::optional<ControlBody>> carried(bus::Result<Object> object) {
    if (!object) return object.error();
    return std::optional<ControlBody>{Fact{std::move(*object)}};
}

bus::Result<std::optional<ControlBody>> read_generations_body(std::string_view type,
                                                              json::Value in) {
    std::vector<GenerationName> names = read_names(in["generations"]);
    if (type == RebuildStarted::type) {
        auto spec = read_replay_spec(in["spec"]);
        if (!spec) return spec.error();
        return std::optional<ControlBody>{
            RebuildStarted{std::move(names), std::make_shared<const ReplaySpec>(*std::move(spec))}};
    }
    if (type == GenerationsSwitched::type)
        return std::optional<ControlBody>{GenerationsSwitched{std::move(names)}};
    if (type == GenerationsRolledBack::type)
        return std::optional<ControlBody>{GenerationsRolledBack{std::move(names)}};
    if (type == GenerationsDropped::type)
        return std::optional<ControlBody>{GenerationsDropped{std::move(names)}};
    return std::optional<ControlBody>{};
}

bus::Result<std::optional<ControlBody>> read_customer_erased(json::Value in) {
    CustomerErased fact{.erasure = std::string(in["erasure"].text()), .records = {}};
    std::optional<bus::Error> problem;
    in["records"].each_element([&](json::Value one) {
        auto range = bus::parse_record_range(one.text());
        if (range)
            fact.records.push_back(*range);
        else
            problem = range.error();
    });
    if (problem) return *problem;
    return std::optional<ControlBody>{std::move(fact)};
}

bus::Result<std::optional<ControlBody>> read_body(std::string_view type, json::Value in) {
    if (type == TenantCreated::type) {
        auto fact = read_tenant_created(in);
        if (!fact) return fact.error();
        return std::optional<ControlBody>{std::move(*fact)};
    }
    if (type == TenantUpdated::type) return carried<TenantUpdated>(read_tenant(in["client"]));
    if (type == ApiKeyCreated::type) return carried<ApiKeyCreated>(read_api_key(in["api_key"]));
    if (type == SourceCreated::type) return carried<SourceCreated>(read_source(in["source"]));
    if (type == SourceUpdated::type) return carried<SourceUpdated>(read_source(in["source"]));
    if (type == SourceDeleted::type)
        return carried<SourceDeleted>(bus::parse_source_id(in["source_id"].text()));
    if (type == ApiKeyRevoked::type)
        return std::optional<ControlBody>{ApiKeyRevoked{std::string(in["api_key_id"].text())}};
    if (type == MappingChanged::type) {
        const json::Value mapping = in["mapping"];
        return std::optional<ControlBody>{MappingChanged{std::string(mapping["name"].text()),
                                                         std::string(mapping["text"].text())}};
    }
    if (type == MappingBound::type) {
        const json::Value bound = in["bound"];
        return std::optional<ControlBody>{
            MappingBound{.stamp = std::string(bound["stamp"].text()),
                         .file = std::string(bound["file"].text()),
                         .text = std::string(bound["text"].text()),
                         .settings = read_settings(bound["settings"])}};
    }
    if (type == TenantErased::type)
        return std::optional<ControlBody>{TenantErased{std::string(in["erasure"].text())}};
    if (type == ErasureCompleted::type)
        return std::optional<ControlBody>{ErasureCompleted{std::string(in["erasure"].text())}};
    if (type == CustomerErased::type) return read_customer_erased(in);
    return read_generations_body(type, in);
}

bus::Error corrupt_at(const bus::Address& address, std::string_view reason) {
    return bus::fail(bus::ErrorCode::corrupt, "{}: {}", bus::to_string(address), reason);
}

}  // namespace

std::string_view type_name(const ControlBody& body) {
    return std::visit([](const auto& fact) { return fact.type; }, body);
}

std::string unique_code(std::string_view code) {
    return fmt::format("code:{}", code);
}

std::vector<std::string> unique_keys(const Source& source) {
    std::vector<std::string> keys;
    if (!source.slug.empty()) keys.push_back("slug:" + source.slug);
    if (!source.token_hash.empty()) keys.push_back("token:" + source.token_hash);
    for (auto& key : other_unique_keys(source)) keys.push_back(std::move(key));
    return keys;
}

std::vector<std::string> other_unique_keys(const Source& source) {
    std::vector<std::string> keys;
    for (const auto& id : source.account_ids) keys.push_back("account:" + id);
    for (const auto& path : source.default_paths) keys.push_back("path:" + path);
    return keys;
}

bus::NewRecord encode(const ControlFact& fact) {
    bus::NewRecord record;
    record.topic = bus::Topic::control;
    record.key = bus::to_string(fact.tenant);
    bus::write_envelope({.id = fact.id,
                         .tenant = fact.tenant,
                         .source = {},
                         .type = type_name(fact.body),
                         .time = fact.time,
                         .ingest_time = fact.time,
                         .trace_parent = {},
                         .content_type = "application/json",
                         .mapping = {}},
                        record.headers);
    if (!fact.command.empty()) record.headers.add(bus::header::command, fact.command);
    record.ingest_time = fact.time;
    json::Writer out(record.value);
    out.begin_object().key("v").integer(control_fact_version);
    if (!fact.command.empty()) out.member("command", fact.command);
    if (!fact.request_hash.empty()) out.member("request", fact.request_hash);
    write_requirements(out, fact.requirements);
    write_body(out, fact.body);
    out.end_object();
    return record;
}

bus::Result<std::optional<ControlFact>> decode_control(const bus::RecordView& record) {
    auto envelope = bus::read_envelope(record.headers);
    if (!envelope) return corrupt_at(record.address, envelope.error().message);
    json::Parser parser;
    auto in = parser.parse(record.value, {.bytes_max = 16u << 20, .keys_max = 1'000'000});
    if (!in) return corrupt_at(record.address, in.error().message);
    const auto version = (*in)["v"].integer().value_or(0);
    if (version < 1 || version > control_fact_version) {
        return corrupt_at(record.address,
                          fmt::format("{} of version {}, this build reads up to {}; upgrade it",
                                      envelope->type, version, control_fact_version));
    }
    auto body = read_body(envelope->type, *in);
    if (!body) return corrupt_at(record.address, body.error().message);
    if (!*body) return std::optional<ControlFact>{};
    return std::optional<ControlFact>{
        ControlFact{.id = envelope->id,
                    .tenant = envelope->tenant,
                    .time = envelope->time,
                    .command = std::string((*in)["command"].text()),
                    .request_hash = std::string((*in)["request"].text()),
                    .requirements = read_requirements((*in)["requires"]),
                    .body = std::move(**body)}};
}

}  // namespace schemas
