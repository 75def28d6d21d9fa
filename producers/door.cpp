#include "producers/door.hpp"

#include "bus/logging.hpp"
#include "bus/text.hpp"
#include "producers/body_form.hpp"

#include <algorithm>

namespace producers {

using bus::http::problem;
using schemas::json::Value;

namespace {

constexpr std::string_view events_path = "/v1/events";
constexpr std::string_view events_batch_path = "/v1/events/batch";

std::string_view code_of(Cause cause) {
    return name(cause);
}

std::string joined(const std::vector<std::string>& words) {
    return fmt::format("{}", fmt::join(words, ", "));
}

// In whatever version: `.control` may have moved since the look-up before.
bool contains(const std::vector<std::shared_ptr<const schemas::Source>>& sources,
              bus::SourceId id) {
    return std::any_of(sources.begin(), sources.end(),
                       [id](const auto& source) { return source->id == id; });
}

}  // namespace

bool Door::usable(const SourcePtr& source) {
    return source && source->enabled && !source->deleted;
}

bool Door::receives(const SourcePtr& source) const {
    return usable(source) && tenant_active(source->tenant);
}

// "kind:id" of every account that the body is for.
std::vector<std::string> Door::named_accounts(const RequestView& request, const PathEntry& path,
                                              Value document) {
    std::vector<std::string> accounts;
    for (const AccountPath& account : path.accounts) {
        const std::size_t before = accounts.size();
        account.path.collect(request, {document}, accounts);
        for (std::size_t i = before; i < accounts.size(); ++i)
            accounts[i].insert(0, account.kind->kind + ":");
    }
    return accounts;
}

Door::Door(DoorPorts ports, DoorOptions options)
    : ports_(std::move(ports)),
      options_(options),
      paths_(ports_.registry.providers()),
      unknown_rejected_rate_(options.limits.rejected_rate),
      dedup_key_(bus::crypto::Hash::sha256, bus::crypto::view(options.installation_key)) {}

Door::~Door() = default;

bool Door::serves(std::string_view path) const {
    return path == events_path || path == events_batch_path || paths_.find(path);
}

Decision Door::decide(const RequestView& request) {
    now_ = ports_.clock.now();
    // A GET may be a handshake.
    if (const Remembered* known = request.method != "GET" ? remembered(request.path) : nullptr)
        return admit(request, *known->entry, *known->gate);
    if (request.path == events_path) return events(request, false);
    if (request.path == events_batch_path) return events(request, true);
    if (const PathMatch match = paths_.find(request.path)) return webhook(request, match);
    probe_.refused(Cause::unknown_source);
    return Answered{problem(404, "not_found",
                            "there is no such path here; webhooks have the address that "
                            "POST /v1/sources answered"),
                    {}};
}

Decision Door::decide_too_large(const RequestView& head) {
    now_ = ports_.clock.now();
    const std::string detail =
        fmt::format("the body is larger than {} bytes; send less", options_.limits.body_bytes_max);
    const PathMatch match = paths_.find(head.path);
    if (!match) return Answered{problem(413, "too_large", detail), {}};
    SourceGate* gate = nullptr;
    if (match.entry->end != PathEnd::fixed) {
        auto source = look_up_once(head, match).source;
        if (usable(source)) gate = &gate_of(source);
    }
    return refuse(head, *match.entry, gate, {Cause::too_large, 413, detail});
}

Decision Door::webhook(const RequestView& request, const PathMatch& match) {
    const auto& kinds = match.entry->kinds;
    if (request.method == "GET" &&
        std::any_of(kinds.begin(), kinds.end(), [](auto* k) { return k->handshake_meta; }) &&
        request.query.find("hub.") != std::string_view::npos)
        return handshake(request, match);

    if (const Remembered* known = remembered(request.path))
        return admit(request, *known->entry, *known->gate);
    const bus::Offset applied = ports_.registry.applied();
    const Lookup found = look_up(request, match);
    if (!found.source) {
        if (auto refusal = refuse_method(request, *match.entry)) return *std::move(refusal);
        return refuse(request, *match.entry, nullptr, {Cause::unknown_source, 404, found.unfit});
    }
    SourceGate& gate = gate_of(found.source);
    if (!receives(found.source)) {
        return refuse(request, *match.entry, &gate,
                      {.cause = Cause::source_disabled,
                       .status = 404,
                       .detail = "this source is disabled; enable it first",
                       .verified = found.proved_by.has_value(),
                       .secret_id = found.proved_by.value_or(""),
                       .by_claim = found.by_claim && !found.proved_by});
    }
    // Only if nothing moved in between, and only where the path alone tells the source.
    if (match.entry->end != PathEnd::fixed && applied == ports_.registry.applied() &&
        applied == remembered_at_ && !gate.fault_may_pass)
        remembered_.emplace(request.path, Remembered{match.entry, &gate});
    return admit(request, *match.entry, gate, found.by_claim);
}

const Door::Remembered* Door::remembered(std::string_view path) {
    const bus::Offset applied = ports_.registry.applied();
    if (applied != remembered_at_) {
        remembered_.clear();
        remembered_at_ = applied;
    }
    const auto found = remembered_.find(path);
    return found == remembered_.end() ? nullptr : &found->second;
}

Door::Lookup Door::look_up(const RequestView& request, const PathMatch& match) {
    const bus::Offset applied = ports_.registry.applied();
    const Lookup found = look_up_once(request, match);
    if (found.source) return found;
    catch_up();
    return applied == ports_.registry.applied() ? found : look_up_once(request, match);
}

Door::Lookup Door::look_up_once(const RequestView& request, const PathMatch& match) {
    const PathEntry& path = *match.entry;
    if (path.end == PathEnd::fixed) return look_up_fixed(request, match);
    Lookup found;
    found.source = path.end == PathEnd::token ? ports_.registry.source_by_token(match.parameter)
                                              : ports_.registry.source_by_slug(match.parameter);
    if (found.source && (found.source->deleted || !path.serves(found.source->kind)))
        found.source = nullptr;
    return found;
}

Door::Lookup Door::look_up_fixed(const RequestView& request, const PathMatch& match) {
    std::string code(request.field("x-client-code"));
    if (code.empty() && !request.query.empty())
        code = bus::http::query_value(request.query, "client").value_or("");
    if (!code.empty()) {
        return {.source = of_client(code, request, match),
                .unfit =
                    "this client has no such source, or several: use the address that "
                    "POST /v1/sources gave"};
    }
    return by_claim(request, match);
}

Door::SourcePtr Door::of_client(std::string_view code, const RequestView& request,
                                const PathMatch& match) {
    auto tenant = ports_.registry.tenant_by_code(bus::to_lower_ascii(code));
    if (!tenant) return nullptr;
    const auto fitting = sources_at(*match.entry, tenant->id);
    if (fitting.size() == 1) return fitting.front();
    for (const auto& source : fitting) {
        const auto& defaults = source->default_paths;
        if (std::find(defaults.begin(), defaults.end(), request.path) != defaults.end())
            return source;
    }
    if (fitting.empty()) return nullptr;
    auto document = parser_.parse(request.body, options_.limits.json);
    if (!document) return nullptr;
    for (const auto& named : sources_of(named_accounts(request, *match.entry, *document))) {
        if (contains(fitting, named->id)) return named;
    }
    return nullptr;
}

// A client's, without the disabled ones unless there are no others.
std::vector<Door::SourcePtr> Door::sources_at(const PathEntry& path, bus::TenantId tenant) const {
    std::vector<SourcePtr> disabled, enabled;
    for (const schemas::ProviderKind* kind : path.kinds)
        for (auto& source : ports_.registry.sources_of_kind(tenant, kind->kind))
            (source->enabled ? enabled : disabled).push_back(std::move(source));
    return enabled.empty() ? disabled : enabled;
}

// Anyone may claim an account or a path, so a claim counts with a body that the claimant's secret
// proves. Whose secret can prove none answers for a path where no other tenant claims. Where no
// secret proves it, a source is told all the same, to be refused under its name.
Door::Lookup Door::by_claim(const RequestView& request, const PathMatch& match) {
    Lookup found;
    found.by_claim = true;
    SourcePtr unproved;
    std::size_t tries = 0;
    const auto claiming = claimants(request, *match.entry);
    for (const auto& source : claiming) {
        const SourceGate& gate = gate_of(source);
        if (!can_prove(gate)) continue;
        if (++tries > proofs_max(request)) break;
        const verify::Verdict verdict = gate.verifier->verify(request, gate.secrets, now_);
        if (verdict.verified) {
            found.source = receives(source) ? source : in_place_of(source, request, *match.entry);
            if (found.source == source) found.proved_by = verdict.secret_id;
            return found;
        }
        if (!unproved) unproved = source;
    }
    const auto of_path = default_source(request, *match.entry, claiming);
    found.source = of_path ? of_path : unproved;
    return found;
}

// What a client's disabled source holds is taken by the client's own for the path.
Door::SourcePtr Door::in_place_of(const SourcePtr& disabled, const RequestView& request,
                                  const PathEntry& path) const {
    auto of_path = ports_.registry.default_source(request.path);
    const bool serves = of_path && of_path->tenant == disabled->tenant &&
                        path.serves(of_path->kind) && receives(of_path);
    return serves ? of_path : disabled;
}

// None where it would take, without a proof, what another tenant claims.
Door::SourcePtr Door::default_source(const RequestView& request, const PathEntry& path,
                                     const std::vector<SourcePtr>& claiming) {
    auto source = ports_.registry.default_source(request.path);
    if (!source || !path.serves(source->kind)) return nullptr;
    const bool is_claimed =
        std::any_of(claiming.begin(), claiming.end(),
                    [&](const SourcePtr& other) { return other->tenant != source->tenant; });
    return is_claimed && !can_prove(gate_of(source)) ? nullptr : source;
}

std::vector<Door::SourcePtr> Door::claimants(const RequestView& request, const PathEntry& path) {
    if (request.body.empty() || path.accounts.empty()) return {};
    const auto document = parser_.parse(request.body, options_.limits.json);
    if (!document) return {};
    auto sources = sources_of(named_accounts(request, path, *document));
    std::stable_partition(sources.begin(), sources.end(),
                          [this](const SourcePtr& source) { return receives(source); });
    return sources;
}

std::size_t Door::proofs_max(const RequestView& request) const {
    return options_.limits.account_proof_bytes_max / std::max<std::size_t>(request.body.size(), 1);
}

bool Door::can_prove(const SourceGate& gate) {
    return gate.verifier && gate.verifier->binds_body();
}

std::vector<Door::SourcePtr> Door::sources_of(const std::vector<std::string>& accounts) const {
    std::vector<SourcePtr> sources;
    for (const std::string& account : accounts) {
        auto source = ports_.registry.source_by_account(account);
        if (source && !source->deleted && !contains(sources, source->id))
            sources.push_back(std::move(source));
    }
    return sources;
}

Decision Door::admit(const RequestView& request, const PathEntry& path, SourceGate& gate,
                     bool by_claim) {
    if (!gate.fault.empty()) return refuse_unusable();
    if (auto refusal = check_envelope(request, gate)) {
        refusal->by_claim = by_claim;
        return refuse(request, path, &gate, *refusal);
    }
    // Verified first: forgeries must not use up the rate of the real sender. Each costs one MAC
    // over a bounded body, which is of the order of what reading the body did cost.
    const verify::Verdict verdict = gate.verifier->verify(request, gate.secrets, now_);
    if (!verdict.verified) {
        return refuse(request, path, &gate,
                      {.cause = Cause::verification_failed,
                       .status = 401,
                       .detail = verdict.reason,
                       .by_claim = by_claim});
    }
    if (!gate.rate.take(now_)) {
        return refuse(request, path, &gate,
                      {Cause::rate_limited, 429, "too many requests for this source; slow down"});
    }

    auto document = check_body(request, gate);
    if (!document) {
        return refuse(request, path, &gate,
                      {.cause = Cause::unparsable,
                       .status = 400,
                       .detail = document.error().message,
                       .verified = true,
                       .secret_id = verdict.secret_id});
    }
    const Sharing sharing = sharing_of(request, path, gate, verdict.secret_id, *document);
    if (auto shared = share(request, path, gate, sharing, *document)) return *std::move(shared);
    probe_.admitted();
    return Accepted{raw_record({.request = request,
                                .gate = gate,
                                .path = path,
                                .secret_id = verdict.secret_id,
                                .document = *document},
                               {now_, ports_.ids.next_event_id(now_)}, dedup_key_),
                    gate.kind};
}

// On a path that nobody answers: wrong for every kind that could.
std::optional<Answered> Door::refuse_method(const RequestView& request, const PathEntry& path) {
    std::vector<std::string> allowed;
    for (const schemas::ProviderKind* kind : path.kinds) {
        for (const std::string& method : kind->methods) {
            if (method == request.method) return std::nullopt;
            if (std::find(allowed.begin(), allowed.end(), method) == allowed.end())
                allowed.push_back(method);
        }
    }
    probe_.refused(Cause::method_not_allowed);
    Answered answered{problem(405, "method_not_allowed", "this path does not take this method"),
                      {}};
    answered.response.headers.emplace_back("Allow", joined(allowed));
    return answered;
}

std::optional<Refusal> Door::check_envelope(const RequestView& request,
                                            const SourceGate& gate) const {
    if (!gate.accepts_method(request.method))
        return Refusal{Cause::method_not_allowed, 405, "this source does not take this method"};
    const auto encoding = request.field("content-encoding");
    if (!encoding.empty() && !equals_ignoring_case(encoding, "identity"))
        return Refusal{Cause::type_not_supported, 415, "send the body without Content-Encoding"};
    const BodyForm form = body_form(request, gate.kind->topic);
    if (form == BodyForm::unsupported) {
        return Refusal{Cause::type_not_supported, 415,
                       "send application/json, a form (urlencoded or multipart) or, for mail, "
                       "message/rfc822"};
    }
    const auto bytes_max =
        form == BodyForm::mail ? options_.limits.mail_bytes_max : options_.limits.body_bytes_max;
    if (request.body.size() > bytes_max)
        return Refusal{Cause::too_large, 413, "the body is too large; send less"};
    return std::nullopt;
}

// The document of a JSON body, absent for others; or why the body is not what it says.
bus::Result<Value> Door::check_body(const RequestView& request, const SourceGate& gate) {
    switch (body_form(request, gate.kind->topic)) {
        case BodyForm::json:
            return parser_.parse(request.body, options_.limits.json);
        case BodyForm::form:
            return check_form(request.body, options_.limits.form_pairs_max);
        case BodyForm::query:
            return check_form(request.query, options_.limits.form_pairs_max);
        case BodyForm::mail:
        case BodyForm::multipart:
            if (request.body.empty())
                return bus::fail(bus::ErrorCode::invalid_input, "the body is empty");
            return Value{};
        case BodyForm::unsupported:
            break;
    }
    return Value{};
}

Decision Door::refuse_unusable() {
    probe_.unusable_source();
    return Answered{problem(503, "source_unusable",
                            "this source cannot receive at the moment; send it again later"),
                    {}};
}

Decision Door::refuse(const RequestView& request, const PathEntry& path, SourceGate* gate,
                      const Refusal& refusal) {
    probe_.refused(refusal.cause);
    auto response = problem(refusal.status, code_of(refusal.cause), refusal.detail);
    if (refusal.cause == Cause::method_not_allowed && gate)
        response.headers.emplace_back("Allow", joined(gate->methods()));
    TokenBucket& rate = gate ? gate->rejected_rate : unknown_rejected_rate_;
    if (!refusal.verified && !rate.take(now_)) {
        probe_.not_recorded();
        return Answered{std::move(response), {}};
    }
    return Rejected{
        std::move(response),
        rejected_record(request, path, gate, refusal, {now_, ports_.ids.next_event_id(now_)},
                        options_.partitions, options_.limits.rejected_body_bytes_max),
        refusal.verified};
}

bool Door::tenant_active(bus::TenantId id) const {
    const auto tenant = ports_.registry.tenant(id);
    return tenant && tenant->status == "active";
}

// A clock that was set back would else hold everything up until it is there again.
bool Door::has_passed(bus::milliseconds interval, bus::Timestamp since) const {
    return now_ < since || now_ - since >= interval;
}

void Door::catch_up() {
    if (!ports_.catch_up || !has_passed(options_.limits.catch_up_interval, caught_up_at_)) return;
    caught_up_at_ = now_;
    ports_.catch_up();
}

SourceGate& Door::gate_of(const SourcePtr& source) {
    auto& gate = gates_[source->id];
    const bool retry = gate && gate->fault_may_pass &&
                       has_passed(options_.limits.secret_retry_interval, gate->made_at);
    if (gate && gate->source == source && !retry) return *gate;
    auto fresh = make_gate(source, ports_.registry.provider(source->kind), ports_.secrets,
                           options_.partitions, options_.limits);
    fresh->made_at = now_;
    if (!fresh->fault.empty() && !(retry && fresh->fault == gate->fault))
        bus::logging::error("source_unusable", {{"source", to_string(source->id)},
                                                {"tenant", fresh->tenant_text},
                                                {"reason", fresh->fault}});
    if (gate) {  // an edit must not refill the buckets
        fresh->rate = gate->rate;
        fresh->rejected_rate = gate->rejected_rate;
        remembered_.clear();  // it may point to the old gate
    }
    gate = std::move(fresh);
    return *gate;
}

}  // namespace producers
