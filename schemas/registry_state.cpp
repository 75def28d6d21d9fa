#include "schemas/registry_state.hpp"

#include "bus/crypto/digest.hpp"

#include <algorithm>

namespace schemas {

const Registry::Outcome* OutcomeMemory::find(std::string_view command) const {
    const auto found = outcomes_.find(command);
    return found == outcomes_.end() ? nullptr : &found->second;
}

void OutcomeMemory::add(std::string command, bus::Timestamp time, Registry::Outcome outcome) {
    outcomes_.emplace(command, std::move(outcome));
    order_.push_back({std::move(command), time});
    while (order_.size() > kept_min && order_.front().time + kept_for < time) {
        outcomes_.erase(order_.front().command);
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
    const auto found = source_by_key.find(unique_key);
    if (found == source_by_key.end()) return std::nullopt;
    return bus::to_string(found->second->id);
}

std::optional<bus::Error> RegistryState::refusal(const ControlFact& fact) const {
    for (const auto& [id, version] : fact.requirements.versions) {
        const auto found = versions.find(id);
        const std::uint64_t now = found == versions.end() ? 0 : found->second;
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

std::uint64_t RegistryState::next_version(const std::string& id) {
    return ++versions[id];
}

void RegistryState::put(Tenant tenant) {
    if (const auto wrapped = wrapped_data_keys.find(tenant.data_key_id);
        wrapped != wrapped_data_keys.end())
        tenant.wrapped_data_key = wrapped->second;
    if (const auto old = tenants.find(tenant.id); old != tenants.end())
        tenant_by_code.erase(old->second->code);
    tenant.version = next_version(bus::to_string(tenant.id));
    tenant_by_code[tenant.code] = tenant.id;
    tenant_by_data_key[tenant.data_key_id] = tenant.id;
    tenants[tenant.id] = std::make_shared<const Tenant>(std::move(tenant));
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
    for (const std::string& key : unique_keys(source)) {
        const auto found = source_by_key.find(key);
        if (found != source_by_key.end() && found->second->id == source.id)
            source_by_key.erase(found);
    }
}

void RegistryState::put(Source source, bus::Timestamp updated_at) {
    if (const auto old = sources.find(source.id); old != sources.end()) forget_keys(*old->second);
    source.version = next_version(bus::to_string(source.id));
    source.updated_at = updated_at;
    remember_stamp(source);
    auto shared = std::make_shared<const Source>(std::move(source));
    sources[shared->id] = shared;
    sources_of[{shared->tenant, shared->id}] = true;
    for (const std::string& key : unique_keys(*shared)) source_by_key[key] = shared;
}

void RegistryState::remove(bus::SourceId id, bus::Timestamp at) {
    const auto found = sources.find(id);
    if (found == sources.end()) return;
    Source gone = *found->second;
    forget_keys(gone);
    sources_of.erase({gone.tenant, gone.id});
    gone.deleted = true;
    gone.updated_at = at;
    gone.version = next_version(bus::to_string(id));
    found->second = std::make_shared<const Source>(std::move(gone));
}

void RegistryState::remember_stamp(const Source& source) {
    if (source.stamp.empty()) return;
    std::vector<std::string>& stamps = stamps_of[source.id];
    if (std::find(stamps.begin(), stamps.end(), source.stamp) == stamps.end())
        stamps.push_back(source.stamp);
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
    std::vector<bus::SourceId> open;
    for (auto one = sources_of.lower_bound({id, bus::SourceId{}});
         one != sources_of.end() && one->first.first == id; ++one)
        open.push_back(one->first.second);
    for (const bus::SourceId source : open) remove(source, at);
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
        auto ranges = known_ranges ? *known_ranges : std::vector<RecordRange>{};
        ranges.insert(ranges.end(), customer->records.begin(), customer->records.end());
        std::sort(ranges.begin(), ranges.end());
        known_ranges = std::make_shared<const std::vector<RecordRange>>(std::move(ranges));
    } else if (const auto* completed = std::get_if<ErasureCompleted>(&fact.body)) {
        if (const auto found = known(completed->erasure); found != erasures.end())
            found->completed = true;
    } else {
        return false;
    }
    return true;
}

void RegistryState::put_body(ControlFact& fact, bus::Offset offset, Compiled compiled) {
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
                         .text = mapping->text,
                         .mapping = std::move(compiled.mapping),
                         .updated_at = fact.time,
                         .version = version});
    } else if (auto* binding = std::get_if<MappingBound>(&fact.body)) {
        bound.try_emplace(binding->stamp, std::move(compiled.bound));
    }
}

void RegistryState::apply(ControlFact fact, bus::Offset offset, Compiled compiled) {
    if (!fact.command.empty() && outcomes.find(fact.command)) return;  // a copy: the first decided
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
        put_body(fact, offset, std::move(compiled));
        outcome.applied = true;
        const auto version = versions.find(id);
        outcome.version = version == versions.end() ? 0 : version->second;
    }
    if (!command.empty()) outcomes.add(command, time, std::move(outcome));
}

void RegistryState::apply_data_key(std::string_view data_key_id, std::string_view wrapped) {
    wrapped_data_keys[std::string(data_key_id)] = wrapped;
    const auto owner = tenant_by_data_key.find(data_key_id);
    if (owner == tenant_by_data_key.end()) return;
    Tenant tenant = *tenants.at(owner->second);
    tenant.wrapped_data_key = wrapped;
    tenants[tenant.id] = std::make_shared<const Tenant>(std::move(tenant));
}

}  // namespace schemas
