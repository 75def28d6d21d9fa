#include "schemas/registry_state.hpp"

#include "bus/text.hpp"

#include <algorithm>

namespace schemas {

namespace {

std::size_t mixed(std::size_t hash, std::string_view text) {
    constexpr std::size_t spread = 0x9e3779b97f4a7c15;  // 2^64 over the golden ratio
    return (hash ^ std::hash<std::string_view>{}(text)) * spread;
}

std::size_t mixed(std::size_t hash, const std::map<std::string, std::string>& words) {
    for (const auto& [name, value] : words) hash = mixed(mixed(hash, name), value);
    return mixed(hash, "");
}

}  // namespace

std::size_t ContentHash::operator()(const Verification& verification) const {
    std::size_t hash = mixed(0, verification.kind);
    for (const auto* text : {&verification.header, &verification.prefix, &verification.signed_text,
                             &verification.parameter, &verification.user})
        hash = mixed(hash, *text);
    return hash;
}

std::size_t ContentHash::operator()(const SourceSettings& settings) const {
    std::size_t hash = mixed(0, settings.time_format);
    for (const auto* text : {&settings.time_zone, &settings.country}) hash = mixed(hash, *text);
    for (const auto* words : {&settings.field_mapping, &settings.status_mapping, &settings.extra})
        hash = mixed(hash, *words);
    return hash;
}

std::size_t ContentHash::operator()(const std::vector<std::string>& texts) const {
    std::size_t hash = 0;
    for (const std::string& text : texts) hash = mixed(hash, text);
    return hash;
}

std::optional<Registry::Outcome> OutcomeMemory::find(std::string_view command) const {
    const auto found = outcomes_.find(command);
    if (found == outcomes_.end()) return std::nullopt;
    const Kept& kept = found->second;
    return Registry::Outcome{
        .applied = kept.refusal == nullptr,
        .refusal = kept.refusal ? *kept.refusal : bus::Error{},
        .version = kept.version,
        .object_id = kept.object_id,
        .request_hash = kept.hash_was_hex ? bus::to_hex(kept.request_hash) : kept.request_hash,
        .offset = kept.offset};
}

void OutcomeMemory::add(std::string command, bus::Timestamp time, Registry::Outcome outcome) {
    const auto [kept, is_new] = outcomes_.try_emplace(std::move(command));
    BUS_ASSERT(is_new, "a command is decided once");
    auto bytes = bus::from_hex(outcome.request_hash);
    const bool is_hex = bytes && bus::to_hex(*bytes) == outcome.request_hash;
    kept->second = {.object_id = std::move(outcome.object_id),
                    .request_hash = is_hex ? std::move(*bytes) : std::move(outcome.request_hash),
                    .refusal = outcome.applied
                                   ? nullptr
                                   : std::make_unique<bus::Error>(std::move(outcome.refusal)),
                    .version = outcome.version,
                    .offset = outcome.offset,
                    .hash_was_hex = is_hex};
    order_.push_back({&kept->first, time});
    while (order_.size() > kept_min && order_.front().time + kept_for < time) {
        outcomes_.erase(outcomes_.find(*order_.front().command));
        order_.pop_front();
    }
}

std::string mapping_object_id(bus::TenantId tenant, std::string_view name) {
    return fmt::format("map_{}/{}", bus::to_string(tenant), name);
}

std::string projection_object_id(std::string_view projection) {
    return fmt::format("prj_{}", projection);
}

namespace {

// Of the facts about generations; null for all others.
const std::vector<GenerationName>* generations_of(const ControlBody& body) {
    if (const auto* fact = std::get_if<RebuildStarted>(&body)) return &fact->generations;
    if (const auto* fact = std::get_if<GenerationsSwitched>(&body)) return &fact->generations;
    if (const auto* fact = std::get_if<GenerationsRolledBack>(&body)) return &fact->generations;
    if (const auto* fact = std::get_if<GenerationsDropped>(&body)) return &fact->generations;
    return nullptr;
}

void apply_to(GenerationTable& table, const std::vector<GenerationName>& names,
              const ControlFact& fact) {
    if (std::holds_alternative<GenerationsSwitched>(fact.body)) return table.make_live(names);
    for (const GenerationName& name : names) {
        if (const auto* started = std::get_if<RebuildStarted>(&fact.body))
            table.start(name, started->spec, fact.time);
        else if (std::holds_alternative<GenerationsRolledBack>(fact.body))
            table.take_back(name);
        else
            table.drop(name);
    }
}

}  // namespace

std::string object_id(const ControlFact& fact) {
    if (const auto* created = std::get_if<TenantCreated>(&fact.body))
        return bus::to_string(created->tenant.id);
    if (const auto* updated = std::get_if<TenantUpdated>(&fact.body))
        return bus::to_string(updated->tenant.id);
    if (const auto* key = std::get_if<ApiKeyCreated>(&fact.body)) return key->api_key.id;
    if (const auto* key = std::get_if<ApiKeyRevoked>(&fact.body)) return key->key_id;
    if (const auto* source = std::get_if<SourceCreated>(&fact.body))
        return bus::to_string(source->source.id);
    if (const auto* source = std::get_if<SourceUpdated>(&fact.body))
        return bus::to_string(source->source.id);
    if (const auto* source = std::get_if<SourceDeleted>(&fact.body))
        return bus::to_string(source->source);
    if (const auto* mapping = std::get_if<MappingChanged>(&fact.body))
        return mapping_object_id(fact.tenant, mapping->name);
    if (const auto* names = generations_of(fact.body))
        return projection_object_id(names->empty() ? "" : names->front().projection);
    if (const auto* erased = std::get_if<TenantErased>(&fact.body)) return erased->erasure;
    if (const auto* erased = std::get_if<CustomerErased>(&fact.body)) return erased->erasure;
    if (const auto* done = std::get_if<ErasureCompleted>(&fact.body)) return done->erasure;
    return std::get<MappingBound>(fact.body).stamp;
}

std::optional<std::string> RegistryState::holder(std::string_view unique_key) const {
    if (unique_key.starts_with("code:")) {
        const auto found = tenant_by_code.find(unique_key.substr(5));
        if (found == tenant_by_code.end()) return std::nullopt;
        return bus::to_string(found->second);
    }
    const auto source = holder_of(unique_key);
    return source ? std::optional{bus::to_string(source->id)} : std::nullopt;
}

Shared<Source> RegistryState::holder_of(std::string_view unique_key) const {
    const auto in = [](const auto& held, std::string_view text) {
        const auto found = held.find(text);
        return found == held.end() ? nullptr : *found;
    };
    if (unique_key.starts_with("slug:")) return in(source_by_slug, unique_key.substr(5));
    if (unique_key.starts_with("token:")) return in(source_by_token_hash, unique_key.substr(6));
    const auto found = source_by_key.find(unique_key);
    return found == source_by_key.end() ? nullptr : found->second;
}

std::optional<bus::Error> RegistryState::refusal(const ControlFact& fact) const {
    for (const auto& [id, version] : fact.requirements.versions) {
        const std::uint64_t now = version_of(id);
        if (now != version) {
            return bus::fail(bus::ErrorCode::conflict,
                             "{} has version {}, the command relied on {}", id, now, version);
        }
    }
    // A fact may keep what its own objects hold.
    const auto* created = std::get_if<TenantCreated>(&fact.body);
    const std::string own = created ? bus::to_string(created->source.id) : object_id(fact);
    for (const std::string& key : fact.requirements.free) {
        const auto held_by = holder(key);
        if (held_by && *held_by != own)
            return bus::fail(bus::ErrorCode::conflict, "{} is taken", key);
    }
    return std::nullopt;
}

std::uint64_t RegistryState::version_of(const std::string& id) const {
    if (const auto tenant = bus::parse_tenant_id(id)) {
        const auto found = tenants.find(*tenant);
        return found == tenants.end() ? 0 : found->second->version;
    }
    if (const auto source = bus::parse_source_id(id)) {
        const auto found = sources.find(*source);
        return found == sources.end() ? 0 : found->second->version;
    }
    const auto found = versions.find(id);
    return found == versions.end() ? 0 : found->second;
}

std::uint64_t RegistryState::next_version(const std::string& id) {
    return ++versions[id];
}

void RegistryState::put(Tenant tenant) {
    if (const auto wrapped = wrapped_data_keys.find(tenant.data_key_id);
        wrapped != wrapped_data_keys.end())
        tenant.wrapped_data_key = wrapped->second;
    tenant.version = 1;
    if (const auto old = tenants.find(tenant.id); old != tenants.end()) {
        tenant_by_code.erase(old->second->code);
        tenant.version = old->second->version + 1;
    }
    const bus::TenantId id = tenant.id;
    tenant_by_code[tenant.code] = id;
    tenant_by_data_key[tenant.data_key_id] = id;
    tenants[id] = std::make_shared<const Tenant>(std::move(tenant));
}

void RegistryState::put(ApiKey key) {
    next_version(key.id);
    auto shared = std::make_shared<const ApiKey>(std::move(key));
    key_by_hash[shared->hash] = shared;
    key_by_id[shared->id] = shared;
    keys_of[shared->tenant].push_back(shared->id);
}

void RegistryState::revoke(const std::string& key_id) {
    const auto found = key_by_id.find(key_id);
    if (found == key_by_id.end()) return;
    next_version(key_id);
    ApiKey revoked = *found->second;
    revoked.revoked = true;
    auto shared = std::make_shared<const ApiKey>(std::move(revoked));
    key_by_hash[shared->hash] = shared;
    found->second = shared;
}

void RegistryState::forget_keys(const Source& source) {
    const auto forget = [&](auto& sources_by, const auto& key, const auto& holder) {
        const auto found = sources_by.find(key);
        if (found != sources_by.end() && holder(*found)->id == source.id) sources_by.erase(found);
    };
    const auto itself = [](const Shared<Source>& held) { return held; };
    const auto second = [](const auto& entry) { return entry.second; };
    forget(source_by_slug, std::string_view(source.slug), itself);
    forget(source_by_token_hash, std::string_view(source.token_hash), itself);
    for (const std::string& key : other_unique_keys(source)) forget(source_by_key, key, second);
    const auto of_token = sources_by_verify_token.find(
        OrderOfVerifyTokens::Key{source.kind, source.verify_token_hash, source.id});
    if (of_token != sources_by_verify_token.end()) sources_by_verify_token.erase(of_token);
    const auto of_kind = sources_by_kind.find(
        OrderOfKinds::Key{source.tenant, source.kind, source.created_at, source.id});
    if (of_kind != sources_by_kind.end()) sources_by_kind.erase(of_kind);
}

void RegistryState::hold_keys(const Shared<Source>& source) {
    const auto hold = [&](auto& sources_by, const std::string& text) {
        if (text.empty()) return;
        sources_by.erase(source);  // the fact that says so decides
        sources_by.insert(source);
    };
    hold(source_by_slug, source->slug);
    hold(source_by_token_hash, source->token_hash);
    for (const std::string& key : other_unique_keys(*source)) source_by_key[key] = source;
    if (source->enabled && !source->verify_token_hash.empty())
        sources_by_verify_token.insert(source);
    sources_by_kind.insert(source);
}

std::vector<Shared<Source>> RegistryState::sources_of(bus::TenantId tenant) const {
    std::vector<Shared<Source>> found;
    for (auto at = sources_by_kind.lower_bound(OrderOfKinds::Key{tenant});
         at != sources_by_kind.end() && (*at)->tenant == tenant; ++at)
        found.push_back(*at);
    return found;
}

std::vector<Shared<Source>> RegistryState::sources_of(bus::TenantId tenant,
                                                      std::string_view kind) const {
    std::vector<Shared<Source>> found;
    for (auto at = sources_by_kind.lower_bound(OrderOfKinds::Key{tenant, kind});
         at != sources_by_kind.end() && (*at)->tenant == tenant && (*at)->kind == kind; ++at)
        found.push_back(*at);
    return found;
}

// What many sources have in common is kept once.
void RegistryState::share_values(Source& source) {
    source.verification = verifications_.kept(source.verification);
    source.settings = settings_.kept(source.settings);
    source.dedup_paths = lists_.kept(source.dedup_paths);
    source.methods = lists_.kept(source.methods);
}

void RegistryState::put(Source source, bus::Timestamp updated_at) {
    remember_stamp(source);
    source.version = 1;
    if (const auto old = sources.find(source.id); old != sources.end()) {
        forget_keys(*old->second);
        source.version = old->second->version + 1;
    }
    source.updated_at = updated_at;
    share_values(source);
    auto shared = std::make_shared<const Source>(std::move(source));
    sources[shared->id] = shared;
    hold_keys(shared);
}

void RegistryState::remove(bus::SourceId id, bus::Timestamp at) {
    const auto found = sources.find(id);
    if (found == sources.end()) return;
    Source gone = *found->second;
    forget_keys(gone);
    gone.deleted = true;
    gone.updated_at = at;
    gone.version += 1;
    found->second = std::make_shared<const Source>(std::move(gone));
}

// Before the source takes the place of what it was.
void RegistryState::remember_stamp(const Source& source) {
    std::vector<std::string> known = stamps(source.id);
    const bool is_new =
        !source.stamp.empty() && std::find(known.begin(), known.end(), source.stamp) == known.end();
    if (is_new) known.push_back(source.stamp);
    if (!known.empty() && known != std::vector{source.stamp})
        stamps_of[source.id] = std::move(known);
}

std::vector<std::string> RegistryState::stamps(bus::SourceId id) const {
    if (const auto several = stamps_of.find(id); several != stamps_of.end()) return several->second;
    const auto source = sources.find(id);
    if (source == sources.end() || source->second->stamp.empty()) return {};
    return {source->second->stamp};
}

// False when the fact is about something else.
bool RegistryState::put_generations(const ControlFact& fact) {
    const std::vector<GenerationName>* names = generations_of(fact.body);
    if (!names) return false;
    auto changed = std::make_shared<GenerationTable>(*generations);
    apply_to(*changed, *names, fact);
    for (const GenerationName& name : *names)
        changed->set_version(name.projection, next_version(projection_object_id(name.projection)));
    generations = std::move(changed);
    return true;
}

// Nothing comes in for it any more; its code stays taken.
void RegistryState::close_tenant(bus::TenantId id, bus::Timestamp at) {
    const auto found = tenants.find(id);
    if (found == tenants.end()) return;
    for (const auto& open : sources_of(id)) remove(open->id, at);
    if (const auto keys = keys_of.find(id); keys != keys_of.end())
        for (const std::string& key : keys->second) revoke(key);
    Tenant closed = *found->second;
    closed.status = "deleted";
    closed.updated_at = at;
    put(std::move(closed));
}

// False when the fact is about something else. A person's records may come in several facts.
bool RegistryState::put_erasure(const ControlFact& fact, bus::Offset offset) {
    const auto known = [&](const std::string& id) {
        return std::find_if(erasures.begin(), erasures.end(),
                            [&](const Erasure& erasure) { return erasure.id == id; });
    };
    const auto begin = [&](const std::string& id) -> Erasure& {
        if (const auto found = known(id); found != erasures.end()) return *found;
        return erasures.emplace_back(Erasure{.id = id,
                                             .tenant = fact.tenant,
                                             .records = {},
                                             .decided_at = fact.time,
                                             .decided_by = offset});
    };
    if (const auto* tenant = std::get_if<TenantErased>(&fact.body)) {
        begin(tenant->erasure).whole_tenant = true;
        close_tenant(fact.tenant, fact.time);
    } else if (const auto* customer = std::get_if<CustomerErased>(&fact.body)) {
        Erasure& erasure = begin(customer->erasure);
        erasure.records.insert(erasure.records.end(), customer->records.begin(),
                               customer->records.end());
        auto& known_ranges = erased_records[fact.tenant];
        auto ranges = known_ranges ? *known_ranges : std::vector<bus::RecordRange>{};
        ranges.insert(ranges.end(), customer->records.begin(), customer->records.end());
        std::sort(ranges.begin(), ranges.end());
        known_ranges = std::make_shared<const std::vector<bus::RecordRange>>(std::move(ranges));
    } else if (const auto* completed = std::get_if<ErasureCompleted>(&fact.body)) {
        if (const auto found = known(completed->erasure); found != erasures.end())
            found->completed = true;
    } else {
        return false;
    }
    return true;
}

void RegistryState::put_body(ControlFact& fact, bus::Offset offset) {
    if (put_generations(fact) || put_erasure(fact, offset)) return;
    if (auto* created = std::get_if<TenantCreated>(&fact.body)) {
        created->tenant.updated_at = fact.time;
        put(std::move(created->tenant));
        put(std::move(created->api_key));
        put(std::move(created->source), fact.time);
    } else if (auto* updated = std::get_if<TenantUpdated>(&fact.body)) {
        updated->tenant.updated_at = fact.time;
        put(std::move(updated->tenant));
    } else if (auto* key = std::get_if<ApiKeyCreated>(&fact.body)) {
        put(std::move(key->api_key));
    } else if (auto* revoked = std::get_if<ApiKeyRevoked>(&fact.body)) {
        revoke(revoked->key_id);
    } else if (auto* source = std::get_if<SourceCreated>(&fact.body)) {
        put(std::move(source->source), fact.time);
    } else if (auto* changed = std::get_if<SourceUpdated>(&fact.body)) {
        put(std::move(changed->source), fact.time);
    } else if (auto* deleted = std::get_if<SourceDeleted>(&fact.body)) {
        remove(deleted->source, fact.time);
    } else if (auto* mapping = std::get_if<MappingChanged>(&fact.body)) {
        const auto version = next_version(mapping_object_id(fact.tenant, mapping->name));
        named[{fact.tenant, mapping->name}] = std::make_shared<const NamedMapping>(
            NamedMapping{.tenant = fact.tenant,
                         .name = mapping->name,
                         .text = texts_.kept(std::move(mapping->text)),
                         .updated_at = fact.time,
                         .version = version});
    } else if (auto* binding = std::get_if<MappingBound>(&fact.body)) {
        if (!bound.contains(binding->stamp))
            bound.emplace(binding->stamp,
                          StampedMapping{.text = texts_.kept(std::move(binding->text)),
                                         .settings = settings_.kept(std::move(binding->settings))});
    }
}

void RegistryState::apply(ControlFact fact, bus::Offset offset) {
    if (!fact.command.empty() && outcomes.contains(fact.command))
        return;  // a copy: the first decided
    const std::string id = object_id(fact);
    Registry::Outcome outcome{.applied = false,
                              .refusal = {},
                              .version = 0,
                              .object_id = id,
                              .request_hash = fact.request_hash,
                              .offset = offset};
    const std::string command = fact.command;
    const bus::Timestamp time = fact.time;
    if (auto refused = refusal(fact)) {
        outcome.refusal = *std::move(refused);
    } else {
        put_body(fact, offset);
        outcome.applied = true;
        outcome.version = version_of(id);
    }
    if (!command.empty()) outcomes.add(command, time, std::move(outcome));
}

void RegistryState::apply_data_key(std::string_view data_key_id, std::string_view wrapped) {
    wrapped_data_keys[std::string(data_key_id)] = wrapped;
    const auto owner = tenant_by_data_key.find(data_key_id);
    if (owner == tenant_by_data_key.end()) return;
    auto& owner_now = tenants.at(owner->second);
    Tenant tenant = *owner_now;
    tenant.wrapped_data_key = wrapped;
    owner_now = std::make_shared<const Tenant>(std::move(tenant));
}

}  // namespace schemas
