#include "producers/commands/answers.hpp"
#include "producers/commands/command_routes.hpp"
#include "producers/commands/object_form.hpp"
#include "producers/commands/source_view.hpp"
#include "schemas/time/zone.hpp"

#include <algorithm>

namespace producers::commands {
namespace {

using bus::http::Call;
using bus::http::problem;
using bus::http::Response;

constexpr std::string_view own_programs_kind = "cloudevents";
constexpr std::size_t code_bytes_max = 63;

bool is_code(std::string_view text) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    };
    return !text.empty() && text.size() <= code_bytes_max && text[0] != '-' && text[0] != '_' &&
           std::all_of(text.begin(), text.end(), allowed);
}

struct NewClient {
    std::string code, name, country, time_zone;
    // Of an export that is brought into this installation: events are named by them.
    std::optional<bus::TenantId> id{};
    std::optional<bus::SourceId> events_source_id{};
};

std::variant<NewClient, Response> read_client(const Call& call) {
    schemas::json::Parser parser;
    auto parsed = parse_object(parser, call.request.body);
    if (auto* refused = std::get_if<Response>(&parsed)) return std::move(*refused);
    ObjectForm form(std::get<schemas::json::Value>(parsed));
    NewClient client{.code = form.required_text("code"),
                     .name = form.required_text("name"),
                     .country = form.text("country").value_or(""),
                     .time_zone = form.text("time_zone").value_or("UTC")};
    client.id = form.id("id", &bus::parse_tenant_id);
    client.events_source_id = form.id("events_source_id", &bus::parse_source_id);
    if (!client.code.empty() && !is_code(client.code))
        form.problem("code", "invalid",
                     "1 to 63 of a-z, 0-9, - and _, beginning with a letter or digit");
    if (!client.country.empty() &&
        (client.country.size() != 2 || !std::all_of(client.country.begin(), client.country.end(),
                                                    [](char c) { return c >= 'A' && c <= 'Z'; })))
        form.problem("country", "invalid", "two capital letters of ISO 3166 are expected");
    if (auto zone = schemas::time::Zone::find(client.time_zone); !zone)
        form.problem("time_zone", "invalid", zone.error().message);
    if (auto refused = form.refusal()) return *std::move(refused);
    return client;
}

bus::TenantId tenant_id_of(const Command& command, const NewClient& client) {
    return client.id.value_or(bus::TenantId{command.derived_id64("tenant")});
}

schemas::Source own_programs_source(bus::SourceId id, const schemas::Tenant& tenant,
                                    const schemas::ProviderKind& kind) {
    return {.id = id,
            .tenant = tenant.id,
            .slug = "events-" + bus::crockford(tenant.id.value),
            .kind = kind.kind,
            .label = kind.label,
            .token_hash = {},
            .topic = kind.topic,
            .verification = kind.verification,
            .secrets = {},
            .verify_token_hash = {},
            .account_ids = {},
            .default_paths = {},
            .settings = schemas::SourceSettings{.field_mapping = {},
                                                .status_mapping = {},
                                                .time_format = {},
                                                .time_zone = tenant.time_zone,
                                                .country = tenant.country,
                                                .extra = {}},
            .dedup_paths = kind.dedup_paths,
            .methods = kind.methods,
            .mapping_name = {},
            .stamp = {},
            .created_at = tenant.created_at};
}

std::variant<Proposal, Response> propose(const CommandContext& context, const Command& command,
                                         const NewClient& client) {
    if (context.registry.tenant_by_code(client.code)) {
        return problem(409, "conflict", fmt::format("the code '{}' is taken", client.code),
                       {{"code", "taken", "choose another code"}});
    }
    const schemas::ProviderKind* kind = context.registry.provider(own_programs_kind);
    if (!kind) return problem(503, "unavailable", "this build has no kind 'cloudevents'");
    const bus::Timestamp now = context.writer.now();
    schemas::TenantCreated body;
    body.tenant.id = tenant_id_of(command, client);
    body.tenant.code = client.code;
    body.tenant.name = client.name;
    body.tenant.country = client.country;
    body.tenant.time_zone = client.time_zone;
    body.tenant.created_at = now;
    body.tenant.data_key_id = "dk_" + bus::crockford(context.writer.ids().next_id64());
    body.api_key = {.id = "key_" + bus::crockford(command.derived_id64("key")),
                    .tenant = body.tenant.id,
                    .hash = hash_hex(context.vault.api_key_of(command.id)),
                    .label = "first",
                    .revoked = false,
                    .created_at = now};
    body.source = own_programs_source(
        client.events_source_id.value_or(bus::SourceId{command.derived_id64("source")}),
        body.tenant, *kind);
    if (kind->mapping) {
        auto stamp = context.writer.ensure_bound(kind->mapping, body.source.settings);
        if (!stamp) return problem(stamp.error());
        body.source.stamp = *stamp;
    }
    // The key first: a tenant without one could seal nothing.
    auto stored = context.writer.store_data_key(body.tenant.data_key_id,
                                                context.vault.new_wrapped_data_key(body.tenant.id));
    if (!stored) return problem(stored.error());
    Proposal proposal;
    proposal.requirements.versions[bus::to_string(body.tenant.id)] = 0;
    proposal.requirements.versions[bus::to_string(body.source.id)] = 0;
    proposal.requirements.free = schemas::unique_keys(body.source);
    proposal.requirements.free.push_back(schemas::unique_code(client.code));
    proposal.body = std::move(body);
    return proposal;
}

Response created_answer(const CommandContext& context, const Command& command,
                        const Decided& decided) {
    const auto& fact = std::get<schemas::TenantCreated>(decided.fact.body);
    schemas::Tenant tenant = fact.tenant;
    tenant.version = decided.version;
    schemas::Source source = fact.source;
    std::string body;
    schemas::json::Writer out(body);
    out.begin_object();
    show(out, tenant);
    out.member("api_key", context.vault.api_key_of(command.id));
    out.member("api_key_id", fact.api_key.id);
    out.member("events_url", url_of(context, source)).end_object();
    return object_answer(201, std::move(body), decided.version);
}

Response create_client(const CommandContext& context, const Call& call) {
    auto client = read_client(call);
    if (auto* refused = std::get_if<Response>(&client)) return std::move(*refused);
    const Command command = command_of(context, call);
    const auto& wanted = std::get<NewClient>(client);
    auto decided = context.writer.decide(command, tenant_id_of(command, wanted),
                                         [&] { return propose(context, command, wanted); });
    if (auto* refused = std::get_if<Response>(&decided)) return std::move(*refused);
    const auto& created = std::get<Decided>(decided);
    if (auto there = context.writer.wait_for_data_key(created.fact.tenant); !there)
        return problem(there.error());
    return created_answer(context, command, created);
}

Response show_client(const schemas::Tenant& tenant) {
    std::string body;
    schemas::json::Writer out(body);
    out.begin_object();
    show(out, tenant);
    out.end_object();
    return object_answer(200, std::move(body), tenant.version);
}

Response get_client(const CommandContext& context, const Call& call) {
    const auto tenant = context.registry.tenant_by_code(call.parameter("code"));
    if (tenant && (call.caller.admin || call.caller.tenant == tenant->id))
        return show_client(*tenant);
    return problem(404, "not_found", fmt::format("no client '{}'", call.parameter("code")));
}

bool is_country(std::string_view text) {
    return text.size() == 2 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

std::variant<Proposal, Response> propose_patch(const CommandContext& context, const Call& call,
                                               schemas::json::Value body) {
    const auto current = context.registry.tenant_by_code(call.parameter("code"));
    if (!current)
        return problem(404, "not_found", fmt::format("no client '{}'", call.parameter("code")));
    if (auto stale = refuse_stale(call, current->version)) return *std::move(stale);
    if (current->status == "deleted")
        return problem(409, "conflict", "the client was erased and does not change any more");
    ObjectForm form(body);
    schemas::Tenant tenant = *current;
    if (form.given("name")) tenant.name = form.text("name").value_or("");
    if (form.given("country")) tenant.country = form.text("country").value_or("");
    if (form.given("time_zone")) tenant.time_zone = form.text("time_zone").value_or("");
    if (form.given("legal_hold")) tenant.legal_hold = form.text("legal_hold").value_or("");
    if (tenant.name.empty()) form.problem("name", "invalid", "a client has a name");
    if (!tenant.country.empty() && !is_country(tenant.country))
        form.problem("country", "invalid", "two capital letters of ISO 3166 are expected");
    if (auto zone = schemas::time::Zone::find(tenant.time_zone); !zone)
        form.problem("time_zone", "invalid", zone.error().message);
    if (auto refused = form.refusal()) return *std::move(refused);
    Proposal proposal;
    proposal.requirements.versions[bus::to_string(tenant.id)] = tenant.version;
    proposal.body = schemas::TenantUpdated{std::move(tenant)};
    return proposal;
}

Response patch_client(const CommandContext& context, const Call& call) {
    schemas::json::Parser parser;
    auto parsed = parse_object(parser, call.request.body);
    if (auto* refused = std::get_if<Response>(&parsed)) return std::move(*refused);
    const auto body = std::get<schemas::json::Value>(parsed);
    const auto named = context.registry.tenant_by_code(call.parameter("code"));
    auto decided =
        context.writer.decide(command_of(context, call), named ? named->id : bus::platform_tenant,
                              [&] { return propose_patch(context, call, body); });
    if (auto* refused = std::get_if<Response>(&decided)) return std::move(*refused);
    const auto& done = std::get<Decided>(decided);
    schemas::Tenant tenant = std::get<schemas::TenantUpdated>(done.fact.body).tenant;
    tenant.version = done.version;
    return show_client(tenant);
}

Response list_clients(const CommandContext& context, const Call& call) {
    using Object = std::shared_ptr<const schemas::Tenant>;
    const auto tenants = context.registry.tenants();
    return list_answer<Object>(call, {.objects = tenants,
                                      .id = [](const Object& tenant) { return tenant->code; },
                                      .show =
                                          [](schemas::json::Writer& out, const Object& tenant) {
                                              out.begin_object();
                                              show(out, *tenant);
                                              out.end_object();
                                          }});
}

}  // namespace

std::vector<bus::http::Route> client_routes(const CommandContext& context) {
    return {
        {.method = "POST",
         .pattern = "/api/clients",
         .operation = "createClient",
         .summary = "Adds a client with its first API key, which is shown only here",
         .tag = "clients",
         .access = bus::http::Access::admin,
         .parameters = command_headers(),
         .request_schema = "NewClient",
         .response_schema = "CreatedClient",
         .handle = [&context](const Call& call) { return create_client(context, call); }},
        {.method = "GET",
         .pattern = "/api/clients",
         .operation = "listClients",
         .summary = "All clients",
         .tag = "clients",
         .access = bus::http::Access::admin,
         .parameters = page_parameters(),
         .response_schema = "ClientList",
         .handle = [&context](const Call& call) { return list_clients(context, call); }},
        {.method = "GET",
         .pattern = "/api/clients/:code",
         .operation = "getClient",
         .summary = "One client",
         .tag = "clients",
         .access = bus::http::Access::tenant_or_admin,
         .response_schema = "Client",
         .handle = [&context](const Call& call) { return get_client(context, call); }},
        {.method = "PATCH",
         .pattern = "/api/clients/:code",
         .operation = "patchClient",
         .summary = "Changes a client by a JSON merge patch: name, country, time_zone, legal_hold "
                    "(why nothing of it may be erased; null lifts it). If-Match is honoured",
         .tag = "clients",
         .access = bus::http::Access::admin,
         .parameters = versioned_command_headers(),
         .request_schema = "ClientPatch",
         .response_schema = "Client",
         .handle = [&context](const Call& call) { return patch_client(context, call); }},
    };
}

}  // namespace producers::commands
