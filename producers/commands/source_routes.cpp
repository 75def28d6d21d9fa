#include "bus/logging.hpp"
#include "bus/text.hpp"
#include "producers/commands/answers.hpp"
#include "producers/commands/command_routes.hpp"
#include "producers/commands/source_form.hpp"
#include "producers/commands/source_view.hpp"
#include "schemas/mapping_channel.hpp"
#include "schemas/registry_state.hpp"

#include <algorithm>
#include <tuple>

namespace producers::commands {
namespace {

using bus::http::Call;
using bus::http::problem;
using bus::http::Response;
using schemas::Source;

constexpr std::int64_t grace_s_default = 24 * 3600;
constexpr std::int64_t grace_s_max = 30LL * 24 * 3600;
constexpr std::size_t generated_secret_bytes = 32;
constexpr std::size_t old_secrets_max = 4;  // each may be tried on each webhook

Response no_source(const Call& call) {
    return problem(404, "not_found", fmt::format("no source '{}'", call.parameter("id")));
}

// By id or slug, only of the caller's tenant and not deleted.
std::shared_ptr<const Source> source_of(const CommandContext& context, const Call& call) {
    const std::string_view wanted = call.parameter("id");
    const auto id = bus::parse_source_id(wanted);
    auto source = id ? context.registry.source(*id) : context.registry.source_by_slug(wanted);
    if (!source || source->deleted || source->tenant != call.caller.tenant) return nullptr;
    return source;
}

bool has_token_path(const schemas::ProviderKind& kind) {
    return kind.url_path.find("{token}") != std::string::npos ||
           std::any_of(kind.paths.begin(), kind.paths.end(), [](const std::string& path) {
               return path.find(":token") != std::string::npos;
           });
}

// A source's records are in order within one topic only: a later word on a message in another one
// would be folded before or behind it, as it happens (law: topics commute).
std::optional<Response> refuse_other_channel(const CommandContext& context, const Source& source) {
    const auto standing = context.registry.source(source.id);
    if (!standing || standing->topic == source.topic) return std::nullopt;
    return problem(
        422, "invalid_fields",
        fmt::format("the events of source '{}' are of channel {}, the mapping '{}' is of "
                    "{}: make a source of its own for it",
                    source.slug, bus::short_name(standing->topic), source.mapping_name,
                    bus::short_name(source.topic)),
        {{"mapping", "other_channel", "a source keeps its channel"}});
}

// The mapping that the source shall have now, made durable; its stamp and topic on the source. What
// comes back is what a fact of the source relies on then: a named mapping that is changed before
// the fact is decided would else be overlooked.
std::variant<schemas::Requirements, Response> bind(const CommandContext& context,
                                                   const schemas::ProviderKind& kind,
                                                   Source& source) {
    schemas::Requirements relied_on;
    std::shared_ptr<const schemas::Mapping> mapping = kind.mapping;
    source.topic = kind.topic;
    if (!source.mapping_name.empty()) {
        const auto named = context.registry.named_mapping(source.tenant, source.mapping_name);
        mapping = named ? context.registry.compiled(*named) : nullptr;
        if (!mapping) {
            return problem(422, "invalid_fields",
                           fmt::format("no mapping '{}'; PUT /v1/mappings/{} first",
                                       source.mapping_name, source.mapping_name),
                           {{"mapping", "not_found", "no mapping of this name"}});
        }
        relied_on.versions[schemas::mapping_object_id(source.tenant, source.mapping_name)] =
            named->version;
        source.topic = schemas::mapping_channel(*named->text).value_or(kind.topic);
    }
    if (auto refused = refuse_other_channel(context, source)) return *std::move(refused);
    source.stamp.clear();
    if (!mapping) return relied_on;
    auto stamp = context.writer.ensure_bound(mapping, source.settings);
    if (!stamp) {
        return stamp.error().code == bus::ErrorCode::invalid_input
                   ? problem(422, "invalid_fields", stamp.error().message)
                   : problem(stamp.error());
    }
    source.stamp = *stamp;
    return relied_on;
}

// The conflict that is already visible, named by its field.
std::optional<Response> refuse_taken(const CommandContext& context, const Source& source) {
    std::vector<bus::http::FieldProblem> taken;
    const auto check = [&](const std::shared_ptr<const Source>& holder, std::string_view field,
                           std::string_view value) {
        if (holder && holder->id != source.id)
            taken.push_back({std::string(field), "taken", fmt::format("'{}' is taken", value)});
    };
    check(context.registry.source_by_slug(source.slug), "slug", source.slug);
    for (const auto& id : source.account_ids)
        check(context.registry.source_by_account(id), "account_ids", id);
    for (const auto& path : source.default_paths)
        check(context.registry.default_source(path), "default_paths", path);
    if (taken.empty()) return std::nullopt;
    return problem(409, "conflict", taken[0].message, taken);
}

std::optional<Response> put_secrets(const CommandContext& context, const Command& command,
                                    const SourceSecrets& secrets, Source& source) {
    if (secrets.verify_token) {
        source.verify_token_hash =
            secrets.verify_token->empty() ? "" : hash_hex(*secrets.verify_token);
    }
    if (!secrets.secret) return std::nullopt;
    auto sealed =
        context.vault.seal(source.tenant, "sec_" + bus::crockford(command.derived_id64("secret")),
                           *secrets.secret, context.writer.now());
    if (!sealed) return problem(sealed.error());
    source.secrets = {*std::move(sealed)};
    return std::nullopt;
}

template <class Fact>
Proposal proposal_of(Source source, std::uint64_t version, schemas::Requirements relied_on = {}) {
    Proposal proposal{.body = {}, .requirements = std::move(relied_on)};
    proposal.requirements.versions[bus::to_string(source.id)] = version;
    proposal.requirements.free = schemas::unique_keys(source);
    proposal.body = Fact{std::move(source)};
    return proposal;
}

std::string render(const CommandContext& context, const Source& source,
                   std::string_view generated_secret = "") {
    std::string body;
    schemas::json::Writer out(body);
    out.begin_object();
    show(out, context, source);
    if (!generated_secret.empty()) out.member("new_secret", generated_secret);
    out.end_object();
    return body;
}

// The source as its deciding fact left it.
Response decided_answer(const CommandContext& context, int status, const Decided& decided,
                        std::string_view generated_secret = "") {
    const auto* created = std::get_if<schemas::SourceCreated>(&decided.fact.body);
    Source source =
        created ? created->source : std::get<schemas::SourceUpdated>(decided.fact.body).source;
    source.version = decided.version;
    source.updated_at = decided.fact.time;
    return object_answer(status, render(context, source, generated_secret), decided.version);
}

using Proposed = std::variant<Proposal, Response>;

// Some that come at once may all be let in.
std::optional<Response> refuse_more_sources(const CommandContext& context, bus::TenantId tenant) {
    const std::size_t most = context.limits.sources_max;
    if (context.registry.sources(tenant).size() < most) return std::nullopt;
    return too_many("kind", fmt::format("a client has at most {} sources: delete one that is not "
                                        "used, or change one",
                                        most));
}

Proposed propose_new(const CommandContext& context, const Command& command,
                     const bus::http::Caller& caller, schemas::json::Value body) {
    const bus::TenantId tenant = *caller.tenant;
    if (auto refused = refuse_more_sources(context, tenant)) return *std::move(refused);
    ObjectForm form(body);
    const std::string kind_name = form.required_text("kind");
    const schemas::ProviderKind* kind = context.registry.provider(kind_name);
    if (!kind) {
        std::vector<std::string_view> known;
        for (const auto* one : context.registry.providers()) known.push_back(one->kind);
        const auto what = fmt::format("kind must be one of {}", fmt::join(known, ", "));
        return problem(422, "invalid_fields", what,
                       {{"kind", kind_name.empty() ? "required" : "unknown_kind", what}});
    }
    const auto owner = context.registry.tenant(tenant);
    Source source;
    source.id = bus::SourceId{command.derived_id64("source")};
    // An export that is brought into this installation keeps its ids: events are named by them.
    if (caller.admin) source.id = form.id("id", &bus::parse_source_id).value_or(source.id);
    source.tenant = tenant;
    source.kind = kind->kind;
    source.label = kind->label;
    source.slug = fmt::format("{}-{}", kind->kind, bus::crockford(source.id.value));
    source.settings.own().time_zone = owner ? owner->time_zone : "UTC";
    source.settings.own().country = owner ? owner->country : "";
    source.dedup_paths = kind->dedup_paths;
    source.methods = kind->methods;
    source.created_at = context.writer.now();
    if (has_token_path(*kind)) source.token_hash = hash_hex(context.vault.path_token_of(source.id));
    const SourceSecrets secrets = read_source(form, *kind, source);
    if (auto refused = form.refusal()) return *std::move(refused);
    if (auto refused = refuse_taken(context, source)) return *std::move(refused);
    auto bound = bind(context, *kind, source);
    if (auto* refused = std::get_if<Response>(&bound)) return std::move(*refused);
    if (auto refused = put_secrets(context, command, secrets, source)) return *std::move(refused);
    return proposal_of<schemas::SourceCreated>(std::move(source), 0,
                                               std::get<schemas::Requirements>(std::move(bound)));
}

Response create_source(const CommandContext& context, const Call& call) {
    schemas::json::Parser parser;
    auto parsed = parse_object(parser, call.request.body);
    if (auto* refused = std::get_if<Response>(&parsed)) return std::move(*refused);
    const auto body = std::get<schemas::json::Value>(parsed);
    const Command command = command_of(context, call);
    auto decided = context.writer.decide(command, *call.caller.tenant, [&] {
        return propose_new(context, command, call.caller, body);
    });
    if (auto* refused = std::get_if<Response>(&decided)) return std::move(*refused);
    return decided_answer(context, 201, std::get<Decided>(decided));
}

Proposed propose_patch(const CommandContext& context, const Command& command, const Call& call,
                       schemas::json::Value body) {
    const auto current = source_of(context, call);
    if (!current) return no_source(call);
    if (auto stale = refuse_stale(call, current->version)) return *std::move(stale);
    const schemas::ProviderKind* kind = context.registry.provider(current->kind);
    if (!kind)
        return problem(503, "unavailable",
                       fmt::format("this build has no kind '{}'", current->kind));
    ObjectForm form(body);
    Source source = *current;
    const SourceSecrets secrets = read_source(form, *kind, source);
    if (auto refused = form.refusal()) return *std::move(refused);
    if (auto refused = refuse_taken(context, source)) return *std::move(refused);
    auto bound = bind(context, *kind, source);
    if (auto* refused = std::get_if<Response>(&bound)) return std::move(*refused);
    if (auto refused = put_secrets(context, command, secrets, source)) return *std::move(refused);
    return proposal_of<schemas::SourceUpdated>(std::move(source), current->version,
                                               std::get<schemas::Requirements>(std::move(bound)));
}

Response patch_source(const CommandContext& context, const Call& call) {
    schemas::json::Parser parser;
    auto parsed = parse_object(parser, call.request.body);
    if (auto* refused = std::get_if<Response>(&parsed)) return std::move(*refused);
    const auto body = std::get<schemas::json::Value>(parsed);
    const Command command = command_of(context, call);
    auto decided = context.writer.decide(
        command, *call.caller.tenant, [&] { return propose_patch(context, command, call, body); });
    if (auto* refused = std::get_if<Response>(&decided)) return std::move(*refused);
    return decided_answer(context, 200, std::get<Decided>(decided));
}

Response delete_source(const CommandContext& context, const Call& call) {
    auto decided =
        context.writer.decide(command_of(context, call), *call.caller.tenant, [&]() -> Proposed {
            const auto current = source_of(context, call);
            if (!current) return no_source(call);
            if (auto stale = refuse_stale(call, current->version)) return *std::move(stale);
            Proposal proposal;
            proposal.requirements.versions[bus::to_string(current->id)] = current->version;
            proposal.body = schemas::SourceDeleted{current->id};
            return proposal;
        });
    if (auto* refused = std::get_if<Response>(&decided)) return std::move(*refused);
    return {.status = 204, .content_type = {}, .body = {}};
}

struct Rotation {
    std::string secret;
    std::string generated;  // shown once; "" when the caller brought the secret
    std::int64_t grace_s = grace_s_default;
};

// A generated secret follows from the command, so that a repeated request shows the same.
std::string generate_secret(const CommandContext& context, const Command& command,
                            const Source& source) {
    std::string token = context.vault.derived_token("source secret", command.id);
    if (source.verification->kind != "standard_webhooks") return token;
    const std::string raw = bus::from_base64(token).value_or("");
    return "whsec_" + bus::to_base64(raw.substr(0, generated_secret_bytes));
}

std::variant<Rotation, Response> read_rotation(const CommandContext& context,
                                               const Command& command, const Call& call,
                                               const Source& source) {
    schemas::json::Parser parser;
    auto parsed = parse_object(parser, call.request.body);
    if (auto* refused = std::get_if<Response>(&parsed)) return std::move(*refused);
    ObjectForm form(std::get<schemas::json::Value>(parsed));
    Rotation rotation;
    rotation.secret = form.text("secret").value_or("");
    rotation.grace_s = form.integer("grace_s", 0, grace_s_max).value_or(grace_s_default);
    if (!needs_secret(source.verification))
        form.problem("secret", "not_used", "the verification of this source uses no secret");
    if (auto refused = form.refusal()) return *std::move(refused);
    if (rotation.secret.empty())
        rotation.secret = rotation.generated = generate_secret(context, command, source);
    return rotation;
}

// What still signs beside a new secret: each secret of before that has not ended, until its own end
// and no longer than this grace.
std::vector<schemas::SealedSecret> old_secrets(const Source& source, bus::Timestamp now,
                                               bus::seconds grace) {
    std::vector<schemas::SealedSecret> kept;
    if (grace == bus::seconds{0}) return kept;
    for (schemas::SealedSecret secret : source.secrets) {
        const bus::Timestamp end = secret.valid_until.value_or(now + grace);
        if (end < now) continue;
        secret.valid_until = std::min(end, now + grace);
        kept.push_back(std::move(secret));
    }
    return kept;
}

// Refused and not dropped: a provider may still sign with the oldest.
Response too_many_old_secrets(const std::vector<schemas::SealedSecret>& old) {
    const auto first_to_end = std::min_element(
        old.begin(), old.end(),
        [](const auto& one, const auto& other) { return one.valid_until < other.valid_until; });
    return problem(409, "conflict",
                   fmt::format("{} old secrets are still valid, the first of them until {}: rotate "
                               "after that, or with grace_s 0, which ends all",
                               old_secrets_max, bus::to_iso(*first_to_end->valid_until)));
}

Proposed propose_rotation(const CommandContext& context, const Command& command, const Call& call,
                          const Rotation& rotation) {
    const auto current = source_of(context, call);
    if (!current) return no_source(call);
    if (auto stale = refuse_stale(call, current->version)) return *std::move(stale);
    const auto old = old_secrets(*current, context.writer.now(), bus::seconds{rotation.grace_s});
    if (old.size() > old_secrets_max) return too_many_old_secrets(old);
    Source source = *current;
    if (auto refused =
            put_secrets(context, command, {.secret = rotation.secret, .verify_token = {}}, source))
        return *std::move(refused);
    source.secrets.insert(source.secrets.end(), old.begin(), old.end());
    return proposal_of<schemas::SourceUpdated>(std::move(source), current->version);
}

Response rotate_secret(const CommandContext& context, const Call& call) {
    const auto source = source_of(context, call);
    if (!source) return no_source(call);
    const Command command = command_of(context, call);
    auto rotation = read_rotation(context, command, call, *source);
    if (auto* refused = std::get_if<Response>(&rotation)) return std::move(*refused);
    const auto& wanted = std::get<Rotation>(rotation);
    auto decided = context.writer.decide(command, *call.caller.tenant, [&] {
        return propose_rotation(context, command, call, wanted);
    });
    if (auto* refused = std::get_if<Response>(&decided)) return std::move(*refused);
    return decided_answer(context, 200, std::get<Decided>(decided), wanted.generated);
}

Response get_source(const CommandContext& context, const Call& call) {
    const auto source = source_of(context, call);
    if (!source) return no_source(call);
    return object_answer(200, render(context, *source), source->version);
}

Response list_sources(const CommandContext& context, const Call& call) {
    using Object = std::shared_ptr<const Source>;
    const auto sources = context.registry.sources(*call.caller.tenant);
    const auto place_of_gone = [&](const std::string& text) -> std::optional<std::size_t> {
        const auto id = bus::parse_source_id(text);
        const auto gone = id ? context.registry.source(*id) : nullptr;
        if (!gone || gone->tenant != call.caller.tenant) return std::nullopt;
        return std::count_if(sources.begin(), sources.end(), [&](const Object& source) {
            return std::tie(source->created_at, source->id) < std::tie(gone->created_at, gone->id);
        });
    };
    return list_answer<Object>(
        call, {.objects = sources,
               .id = [](const Object& source) { return bus::to_string(source->id); },
               .show =
                   [&](schemas::json::Writer& out, const Object& source) {
                       out.begin_object();
                       show(out, context, *source);
                       out.end_object();
                   },
               .place_of_gone = place_of_gone});
}

// The source as it is by now, with what its mapping is by now.
Proposed propose_rebinding(const CommandContext& context, const schemas::ProviderKind& kind,
                           bus::SourceId id) {
    const auto current = context.registry.source(id);
    if (!current || current->deleted)
        return problem(404, "not_found", fmt::format("no source '{}'", bus::to_string(id)));
    Source source = *current;
    auto bound = bind(context, kind, source);
    if (auto* refused = std::get_if<Response>(&bound)) return std::move(*refused);
    return proposal_of<schemas::SourceUpdated>(std::move(source), current->version,
                                               std::get<schemas::Requirements>(std::move(bound)));
}

}  // namespace

bus::Result<std::size_t> rebind_sources(const CommandContext& context, bus::TenantId tenant) {
    std::size_t changed = 0;
    for (const auto& current : context.registry.sources(tenant)) {
        const schemas::ProviderKind* kind = context.registry.provider(current->kind);
        if (!kind) continue;
        Source source = *current;
        const auto bound = bind(context, *kind, source);
        if (const auto* refused = std::get_if<Response>(&bound)) {
            if (refused->status != 422)
                return bus::fail(bus::ErrorCode::unavailable, "source {} cannot be bound: {}",
                                 bus::to_string(source.id), refused->body);
            // Its mapping no longer compiles, or is of another channel: the one it is bound to
            // goes on.
            bus::logging::error("source_not_rebound", {{"source", bus::to_string(source.id)},
                                                       {"mapping", source.mapping_name}});
            continue;
        }
        if (source.stamp == current->stamp && source.topic == current->topic) continue;
        const auto id = context.writer.ids().next_event_id(context.writer.now());
        const Command command{.id = "cmd_" + bus::to_hex(id.view()), .request_hash = {}};
        auto decided = context.writer.decide(
            command, tenant, [&] { return propose_rebinding(context, *kind, current->id); });
        changed += std::holds_alternative<Decided>(decided) ? 1 : 0;
    }
    return changed;
}

bus::Result<std::size_t> rebind_sources(const CommandContext& context) {
    std::size_t changed = 0;
    for (const auto& tenant : context.registry.tenants()) {
        auto rebound = rebind_sources(context, tenant->id);
        if (!rebound) return rebound;
        changed += *rebound;
    }
    return changed;
}

std::vector<bus::http::Route> source_routes(const CommandContext& context) {
    return {
        {.method = "POST",
         .pattern = "/v1/sources",
         .operation = "createSource",
         .summary = "Adds a source and answers the complete url for its provider (S-04)",
         .tag = "sources",
         .parameters = command_headers(),
         .request_schema = "NewSource",
         .response_schema = "Source",
         .handle = [&context](const Call& call) { return create_source(context, call); }},
        {.method = "GET",
         .pattern = "/v1/sources",
         .operation = "listSources",
         .summary = "All sources (S-04)",
         .tag = "sources",
         .parameters = page_parameters(),
         .response_schema = "SourceList",
         .handle = [&context](const Call& call) { return list_sources(context, call); }},
        {.method = "GET",
         .pattern = "/v1/sources/:id",
         .operation = "getSource",
         .summary = "One source, by id or slug (S-04)",
         .tag = "sources",
         .response_schema = "Source",
         .handle = [&context](const Call& call) { return get_source(context, call); }},
        {.method = "PATCH",
         .pattern = "/v1/sources/:id",
         .operation = "updateSource",
         .summary = "Changes a source by a JSON merge patch; If-Match is honoured (S-04)",
         .tag = "sources",
         .parameters = versioned_command_headers(),
         .request_schema = "SourcePatch",
         .response_schema = "Source",
         .handle = [&context](const Call& call) { return patch_source(context, call); }},
        {.method = "DELETE",
         .pattern = "/v1/sources/:id",
         .operation = "deleteSource",
         .summary = "Takes a source out of service; what it sent stays (S-04)",
         .tag = "sources",
         .parameters = versioned_command_headers(),
         .response_type = "",
         .handle = [&context](const Call& call) { return delete_source(context, call); }},
        {.method = "POST",
         .pattern = "/v1/sources/:id/rotate-secret",
         .operation = "rotateSourceSecret",
         .summary = "Sets a new secret; older ones stay valid for their grace time (S-04)",
         .tag = "sources",
         .parameters = versioned_command_headers(),
         .request_schema = "SecretRotation",
         .response_schema = "RotatedSource",
         .handle = [&context](const Call& call) { return rotate_secret(context, call); }},
    };
}

}  // namespace producers::commands
