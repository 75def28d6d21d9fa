#include "producers/commands/answers.hpp"
#include "producers/commands/command_routes.hpp"
#include "producers/commands/object_form.hpp"
#include "producers/commands/source_form.hpp"
#include "schemas/mapping_channel.hpp"
#include "schemas/registry_state.hpp"

namespace producers::commands {
namespace {

using bus::http::Call;
using bus::http::problem;
using bus::http::Response;
using schemas::json::Value;

constexpr std::size_t mapping_bytes_max = 256 * 1024;

// "name:3:7: reason" -> "3:7"; the whole message stays the detail.
std::string place_of(std::string_view message, std::string_view file) {
    if (!message.starts_with(file) || message.size() <= file.size()) return {};
    message.remove_prefix(file.size() + 1);
    const auto end = message.find(": ");
    return std::string(message.substr(0, end));
}

Response invalid_mapping(const bus::Error& error, std::string_view name) {
    return problem(422, "invalid_mapping", error.message,
                   {{place_of(error.message, name), "invalid_mapping", error.message}});
}

std::string render(const schemas::NamedMapping& mapping) {
    std::string body;
    schemas::json::Writer out(body);
    out.begin_object().member("name", mapping.name);
    out.key("version").unsigned_integer(mapping.version);
    out.member("hash", hash_hex(*mapping.text)).member("text", *mapping.text);
    out.member("updated_at", mapping.updated_at).end_object();
    return body;
}

std::optional<Response> refuse_size(std::string_view text) {
    if (text.size() <= mapping_bytes_max) return std::nullopt;
    return problem(413, "too_large",
                   fmt::format("a mapping has at most {} bytes", mapping_bytes_max));
}

// New ones only. Some that come at once may all be let in.
std::optional<Response> refuse_more_mappings(const CommandContext& context, bus::TenantId tenant) {
    const std::size_t most = context.limits.mappings_max;
    if (context.registry.named_mappings(tenant).size() < most) return std::nullopt;
    return too_many(
        "name", fmt::format("a client has at most {} mappings: put a new version of one", most));
}

// What sources already send stays in the topic that it is in, and so does the rest of it.
std::optional<Response> refuse_other_channel(const CommandContext& context, bus::TenantId tenant,
                                             std::string_view name, std::string_view text) {
    const auto channel = schemas::mapping_channel(text);
    if (!channel) return std::nullopt;
    for (const auto& source : context.registry.sources(tenant)) {
        if (source->mapping_name != name || source->topic == *channel) continue;
        return problem(422, "invalid_fields",
                       fmt::format("source '{}' maps with '{}' and its events are of channel {}: "
                                   "give the mapping of channel {} a name of its own",
                                   source->slug, name, bus::short_name(source->topic),
                                   bus::short_name(*channel)),
                       {{"channel", "other_channel", "a source keeps its channel"}});
    }
    return std::nullopt;
}

Response put_mapping(const CommandContext& context, const Call& call) {
    const std::string name(call.parameter("name"));
    const bus::TenantId tenant = *call.caller.tenant;
    if (!is_slug(name))
        return problem(422, "invalid_fields", "the name is 1 to 63 of a-z, 0-9, - and _",
                       {{"name", "invalid", "1 to 63 of a-z, 0-9, - and _"}});
    if (auto refused = refuse_size(call.request.body)) return *std::move(refused);
    // YAML; JSON is read by the same parser.
    if (auto compiled = schemas::Mapping::compile(call.request.body, name); !compiled)
        return invalid_mapping(compiled.error(), name);
    auto decided = context.writer.decide(
        command_of(context, call), tenant, [&]() -> std::variant<Proposal, Response> {
            const auto current = context.registry.named_mapping(tenant, name);
            if (!current) {
                if (auto refused = refuse_more_mappings(context, tenant))
                    return *std::move(refused);
            }
            const std::uint64_t version = current ? current->version : 0;
            if (auto stale = refuse_stale(call, version)) return *std::move(stale);
            if (auto refused = refuse_other_channel(context, tenant, name, call.request.body))
                return *std::move(refused);
            Proposal proposal;
            proposal.requirements.versions[schemas::mapping_object_id(tenant, name)] = version;
            proposal.body = schemas::MappingChanged{name, call.request.body};
            return proposal;
        });
    if (auto* refused = std::get_if<Response>(&decided)) return std::move(*refused);
    // Sources that use it shall map with the new text from now on.
    if (auto rebound = rebind_sources(context, tenant); !rebound) return problem(rebound.error());
    const auto& done = std::get<Decided>(decided);
    const auto& fact = std::get<schemas::MappingChanged>(done.fact.body);
    return object_answer(done.version == 1 ? 201 : 200,
                         render({.tenant = tenant,
                                 .name = fact.name,
                                 .text = fact.text,
                                 .updated_at = done.fact.time,
                                 .version = done.version}),
                         done.version);
}

schemas::SourceSettings read_settings(ObjectForm& form) {
    schemas::SourceSettings settings;
    const Value given = form.value("settings");
    if (!given) return settings;
    ObjectForm part(given, "settings");
    part.merge_words("field_mapping", settings.field_mapping);
    part.merge_words("status_mapping", settings.status_mapping);
    part.merge_words("extra", settings.extra);
    settings.time_format = part.text("time_format").value_or("");
    settings.time_zone = part.text("time_zone").value_or("");
    settings.country = part.text("country").value_or("");
    form.take(part);
    return settings;
}

// A mapping with the settings that it was bound to elsewhere: records of an export are stamped
// with it, and its line there names the stamp.
Response bind_mapping(const CommandContext& context, const Call& call) {
    schemas::json::Parser parser;
    auto parsed = parse_object(parser, call.request.body);
    if (auto* refused = std::get_if<Response>(&parsed)) return std::move(*refused);
    ObjectForm form(std::get<Value>(parsed));
    form.given("stamp");
    const std::string name = form.text("name").value_or("");
    const std::string_view text = form.value("text").text();
    const schemas::SourceSettings settings = read_settings(form);
    if (auto refused = form.refusal()) return *std::move(refused);
    if (auto refused = refuse_size(text)) return *std::move(refused);
    auto mapping = schemas::Mapping::compile(text, name);
    if (!mapping) return invalid_mapping(mapping.error(), name);
    const auto stamp = context.writer.ensure_bound(*mapping, settings);
    if (!stamp) return problem(stamp.error());
    std::string answer;
    schemas::json::Writer(answer).begin_object().member("stamp", *stamp).end_object();
    return {.status = 200, .body = std::move(answer)};
}

Response get_mapping(const CommandContext& context, const Call& call) {
    const auto mapping =
        context.registry.named_mapping(*call.caller.tenant, call.parameter("name"));
    if (!mapping)
        return problem(404, "not_found", fmt::format("no mapping '{}'", call.parameter("name")));
    return object_answer(200, render(*mapping), mapping->version);
}

Response list_mappings(const CommandContext& context, const Call& call) {
    using Object = std::shared_ptr<const schemas::NamedMapping>;
    const auto mappings = context.registry.named_mappings(*call.caller.tenant);
    return list_answer<Object>(call,
                               {.objects = mappings,
                                .id = [](const Object& mapping) { return mapping->name; },
                                .show = [](schemas::json::Writer& out,
                                           const Object& mapping) { out.raw(render(*mapping)); }});
}

}  // namespace

std::vector<bus::http::Route> mapping_routes(const CommandContext& context) {
    return {
        {.method = "PUT",
         .pattern = "/v1/mappings/:name",
         .operation = "putMapping",
         .summary = "Stores a mapping, YAML or JSON; its sources use it from now on (S-06)",
         .tag = "mappings",
         .parameters = versioned_command_headers(),
         .response_schema = "Mapping",
         .handle = [&context](const Call& call) { return put_mapping(context, call); }},
        {.method = "POST",
         .pattern = "/v1/imports/mappings",
         .operation = "bindMapping",
         .summary = "Makes a mapping of another installation known, with the settings it was bound "
                    "to: {name, text, settings}; its stamp (S-09)",
         .tag = "imports",
         .handle = [&context](const Call& call) { return bind_mapping(context, call); }},
        {.method = "GET",
         .pattern = "/v1/mappings/:name",
         .operation = "getMapping",
         .summary = "The newest version of a mapping (S-06)",
         .tag = "mappings",
         .response_schema = "Mapping",
         .handle = [&context](const Call& call) { return get_mapping(context, call); }},
        {.method = "GET",
         .pattern = "/v1/mappings",
         .operation = "listMappings",
         .summary = "The mappings of the client (S-06)",
         .tag = "mappings",
         .parameters = page_parameters(),
         .response_schema = "MappingList",
         .handle = [&context](const Call& call) { return list_mappings(context, call); }},
    };
}

}  // namespace producers::commands
