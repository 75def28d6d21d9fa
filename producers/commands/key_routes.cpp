#include "producers/commands/answers.hpp"
#include "producers/commands/command_routes.hpp"
#include "producers/commands/object_form.hpp"
#include "producers/commands/source_view.hpp"

#include <algorithm>

namespace producers::commands {
namespace {

using bus::http::Call;
using bus::http::problem;
using bus::http::Response;

Response no_client(const Call& call) {
    return problem(404, "not_found", fmt::format("no client '{}'", call.parameter("code")));
}

// The client in the path, if the caller may see it.
std::shared_ptr<const schemas::Tenant> client_of(const CommandContext& context, const Call& call) {
    auto tenant = context.registry.tenant_by_code(call.parameter("code"));
    if (!tenant || (!call.caller.admin && call.caller.tenant != tenant->id)) return nullptr;
    return tenant;
}

std::string render(const schemas::ApiKey& key, std::string_view clear) {
    std::string body;
    schemas::json::Writer out(body);
    out.begin_object();
    show(out, key);
    if (!clear.empty()) out.member("api_key", clear);
    out.end_object();
    return body;
}

// Some that come at once may all be let in.
std::optional<Response> refuse_more_keys(const CommandContext& context, bus::TenantId tenant) {
    const auto keys = context.registry.api_keys(tenant);
    const std::size_t live =
        std::count_if(keys.begin(), keys.end(), [](const auto& key) { return !key->revoked; });
    const std::size_t most = context.limits.live_keys_max;
    if (live < most) return std::nullopt;
    return too_many("label",
                    fmt::format("a client has at most {} keys: revoke one that is not used", most));
}

Response create_key(const CommandContext& context, const Call& call) {
    const auto tenant = client_of(context, call);
    if (!tenant) return no_client(call);
    schemas::json::Parser parser;
    auto parsed = parse_object(parser, call.request.body);
    if (auto* refused = std::get_if<Response>(&parsed)) return std::move(*refused);
    ObjectForm form(std::get<schemas::json::Value>(parsed));
    const std::string label = form.text("label").value_or("");
    if (auto refused = form.refusal()) return *std::move(refused);
    const Command command = command_of(context, call);
    const std::string clear = context.vault.api_key_of(command.id);
    auto decided =
        context.writer.decide(command, tenant->id, [&]() -> std::variant<Proposal, Response> {
            if (auto refused = refuse_more_keys(context, tenant->id)) return *std::move(refused);
            Proposal proposal;
            const std::string id = "key_" + bus::crockford(command.derived_id64("key"));
            proposal.requirements.versions[id] = 0;
            proposal.body = schemas::ApiKeyCreated{{.id = id,
                                                    .tenant = tenant->id,
                                                    .hash = hash_hex(clear),
                                                    .label = label,
                                                    .revoked = false,
                                                    .created_at = context.writer.now()}};
            return proposal;
        });
    if (auto* refused = std::get_if<Response>(&decided)) return std::move(*refused);
    const auto& created = std::get<Decided>(decided);
    const auto& key = std::get<schemas::ApiKeyCreated>(created.fact.body).api_key;
    return object_answer(201, render(key, clear), created.version);
}

Response list_keys(const CommandContext& context, const Call& call) {
    const auto tenant = client_of(context, call);
    if (!tenant) return no_client(call);
    using Object = std::shared_ptr<const schemas::ApiKey>;
    const auto keys = context.registry.api_keys(tenant->id);
    return list_answer<Object>(call, {.objects = keys,
                                      .id = [](const Object& key) { return key->id; },
                                      .show =
                                          [](schemas::json::Writer& out, const Object& key) {
                                              out.begin_object();
                                              show(out, *key);
                                              out.end_object();
                                          }});
}

std::shared_ptr<const schemas::ApiKey> key_of(const CommandContext& context, bus::TenantId tenant,
                                              std::string_view id) {
    for (auto& key : context.registry.api_keys(tenant)) {
        if (key->id == id) return key;
    }
    return nullptr;
}

Response revoke_key(const CommandContext& context, const Call& call) {
    const auto tenant = client_of(context, call);
    if (!tenant) return no_client(call);
    const auto key = key_of(context, tenant->id, call.parameter("id"));
    if (!key) return problem(404, "not_found", fmt::format("no key '{}'", call.parameter("id")));
    if (!key->revoked) {
        auto decided = context.writer.decide(command_of(context, call), tenant->id, [&] {
            return std::variant<Proposal, Response>{
                Proposal{.body = schemas::ApiKeyRevoked{key->id}, .requirements = {}}};
        });
        if (auto* refused = std::get_if<Response>(&decided)) return std::move(*refused);
    }
    schemas::ApiKey revoked = *key;
    revoked.revoked = true;
    return {.status = 200, .body = render(revoked, "")};
}

}  // namespace

std::vector<bus::http::Route> key_routes(const CommandContext& context) {
    return {
        {.method = "POST",
         .pattern = "/api/clients/:code/keys",
         .operation = "createKey",
         .summary = "Adds an API key, which is shown only here",
         .tag = "clients",
         .access = bus::http::Access::tenant_or_admin,
         .parameters = command_headers(),
         .request_schema = "NewKey",
         .response_schema = "CreatedKey",
         .handle = [&context](const Call& call) { return create_key(context, call); }},
        {.method = "GET",
         .pattern = "/api/clients/:code/keys",
         .operation = "listKeys",
         .summary = "The API keys of a client, without the keys themselves",
         .tag = "clients",
         .access = bus::http::Access::tenant_or_admin,
         .parameters = page_parameters(),
         .response_schema = "KeyList",
         .handle = [&context](const Call& call) { return list_keys(context, call); }},
        {.method = "DELETE",
         .pattern = "/api/clients/:code/keys/:id",
         .operation = "revokeKey",
         .summary = "Revokes an API key: the next request with it fails",
         .tag = "clients",
         .access = bus::http::Access::tenant_or_admin,
         .parameters = command_headers(),
         .response_schema = "Key",
         .handle = [&context](const Call& call) { return revoke_key(context, call); }},
    };
}

}  // namespace producers::commands
