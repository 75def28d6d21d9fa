#include "schemas/registry.hpp"

#include "bus/crypto/digest.hpp"
#include "bus/logging.hpp"
#include "bus/text.hpp"
#include "schemas/compiled_mappings.hpp"
#include "schemas/registry_state.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>

namespace schemas {
namespace {

// Order of creation, ids break ties, so that lists read the same on every node.
template <class T>
void sort_by_creation(std::vector<Shared<T>>& objects) {
    std::sort(objects.begin(), objects.end(), [](const Shared<T>& a, const Shared<T>& b) {
        return std::tie(a->created_at, a->id) < std::tie(b->created_at, b->id);
    });
}

template <class Map, class Key>
auto look_up(const Map& map, const Key& key) -> typename Map::mapped_type {
    const auto found = map.find(key);
    return found == map.end() ? typename Map::mapped_type{} : found->second;
}

std::vector<Shared<Mapping>> mappings_of(const std::vector<ProviderKind>& providers) {
    std::vector<Shared<Mapping>> mappings;
    for (const ProviderKind& provider : providers)
        if (provider.mapping) mappings.push_back(provider.mapping);
    return mappings;
}

class RegistryFold final : public Registry {
public:
    RegistryFold(std::vector<ProviderKind> providers, std::size_t compiled_bytes)
        : providers_(std::move(providers)), compiled_(mappings_of(providers_), compiled_bytes) {}

    Shared<Tenant> tenant(bus::TenantId id) const override {
        const std::shared_lock lock(mutex_);
        return look_up(state_.tenants, id);
    }
    Shared<Tenant> tenant_by_code(std::string_view code) const override {
        const std::shared_lock lock(mutex_);
        const auto found = state_.tenant_by_code.find(code);
        if (found == state_.tenant_by_code.end()) return nullptr;
        return look_up(state_.tenants, found->second);
    }
    std::vector<Shared<Tenant>> tenants() const override {
        std::vector<Shared<Tenant>> out;
        const std::shared_lock lock(mutex_);
        for (const auto& [id, tenant] : state_.tenants) out.push_back(tenant);
        sort_by_creation(out);
        return out;
    }

    Shared<Source> source(bus::SourceId id) const override {
        const std::shared_lock lock(mutex_);
        return look_up(state_.sources, id);
    }
    Shared<Source> source_by_slug(std::string_view slug) const override {
        return source_in(state_.source_by_slug, slug);
    }
    Shared<Source> source_by_token(std::string_view token) const override {
        return source_in(state_.source_by_token_hash,
                         bus::to_hex(bus::crypto::view(bus::crypto::sha256(token))));
    }
    Shared<Source> source_by_account(std::string_view account_id) const override {
        return source_by_key("account:", account_id);
    }
    std::vector<Shared<Source>> sources_by_verify_token(
        std::string_view kind, std::string_view token_hash) const override {
        std::vector<Shared<Source>> out;
        const std::shared_lock lock(mutex_);
        const auto& all = state_.sources_by_verify_token;
        for (auto at = all.lower_bound(OrderOfVerifyTokens::Key{kind, token_hash});
             at != all.end() && (*at)->kind == kind && (*at)->verify_token_hash == token_hash &&
             out.size() < verify_token_sources_max;
             ++at)
            out.push_back(*at);
        return out;
    }
    Shared<Source> default_source(std::string_view path) const override {
        return source_by_key("path:", path);
    }
    std::vector<Shared<Source>> sources(bus::TenantId tenant) const override {
        std::vector<Shared<Source>> out;
        {
            const std::shared_lock lock(mutex_);
            out = state_.sources_of(tenant);
        }
        sort_by_creation(out);
        return out;
    }
    std::vector<Shared<Source>> sources_of_kind(bus::TenantId tenant,
                                                std::string_view kind) const override {
        const std::shared_lock lock(mutex_);
        return state_.sources_of(tenant, kind);
    }

    Shared<ApiKey> api_key_by_hash(std::string_view hash) const override {
        const std::shared_lock lock(mutex_);
        return look_up(state_.key_by_hash, hash);
    }
    std::vector<Shared<ApiKey>> api_keys(bus::TenantId tenant) const override {
        std::vector<Shared<ApiKey>> out;
        const std::shared_lock lock(mutex_);
        for (const auto& id : look_up(state_.keys_of, tenant))
            out.push_back(look_up(state_.key_by_id, id));
        return out;
    }

    Shared<BoundMapping> bound_mapping(std::string_view stamp) const override {
        const auto known = stamped(stamp);
        if (!known) return nullptr;
        auto bound = compiled_.bind(stamp, *known->text, known->settings, stamp);
        BUS_ASSERT(bound.has_value(), "it was bound before its fact was applied");
        return *std::move(bound);
    }
    bool has_mapping(std::string_view stamp) const override {
        const std::shared_lock lock(mutex_);
        return state_.bound.contains(stamp);
    }
    Shared<Mapping> compiled(const NamedMapping& mapping) const override {
        auto compiled = compiled_.compile(*mapping.text, mapping.name);
        return compiled ? *std::move(compiled) : nullptr;
    }
    Shared<NamedMapping> named_mapping(bus::TenantId tenant, std::string_view name) const override {
        const std::shared_lock lock(mutex_);
        return look_up(state_.named, std::pair{tenant, std::string(name)});
    }
    std::vector<Shared<NamedMapping>> named_mappings(bus::TenantId tenant) const override {
        std::vector<Shared<NamedMapping>> out;
        const std::shared_lock lock(mutex_);
        for (auto at = state_.named.lower_bound(std::pair{tenant, std::string()});
             at != state_.named.end() && at->first.first == tenant; ++at)
            out.push_back(at->second);
        return out;
    }

    std::vector<std::string> stamps(bus::SourceId source) const override {
        const std::shared_lock lock(mutex_);
        return state_.stamps(source);
    }
    Shared<GenerationTable> generations() const override {
        const std::shared_lock lock(mutex_);
        return state_.generations;
    }

    std::vector<Erasure> erasures() const override {
        const std::shared_lock lock(mutex_);
        return state_.erasures;
    }
    Shared<std::vector<bus::RecordRange>> erased_records(bus::TenantId tenant) const override {
        const std::shared_lock lock(mutex_);
        return look_up(state_.erased_records, tenant);
    }

    const ProviderKind* provider(std::string_view kind) const override {
        for (const ProviderKind& provider : providers_) {
            if (provider.kind == kind) return &provider;
        }
        return nullptr;
    }
    std::vector<const ProviderKind*> providers() const override {
        std::vector<const ProviderKind*> out;
        for (const ProviderKind& provider : providers_) out.push_back(&provider);
        return out;
    }

    std::optional<Outcome> outcome(std::string_view command_id) const override {
        const std::shared_lock lock(mutex_);
        return state_.outcomes.find(command_id);
    }

    bus::Offset applied() const override { return applied_.load(std::memory_order_acquire); }

    bool wait_applied(bus::Offset offset, bus::milliseconds wait_max) const override {
        std::unique_lock lock(progress_mutex_);
        return progressed_.wait_for(lock, wait_max, [&] { return applied() >= offset; });
    }

    bus::Result<bus::Done> apply(const bus::RecordView& record) override {
        if (record.address.topic == bus::Topic::keys) return apply_data_key(record);
        BUS_ASSERT(record.address.topic == bus::Topic::control, "the registry folds .control");
        if (record.address.offset < applied()) return bus::Done{};  // read again after a restart
        auto fact = decode_control(record);
        if (!fact) return fact.error();
        if (*fact) {
            if (auto sound = check(**fact, record.address); !sound) return sound;
            const std::unique_lock lock(mutex_);
            state_.apply(**std::move(fact), record.address.offset);
        } else {
            bus::logging::warn("control_fact_ignored",
                               {{"type", record.headers.get(bus::header::type)},
                                {"address", bus::to_string(record.address)}});
        }
        progress_to(record.address.offset + 1);
        return bus::Done{};
    }

private:
    std::optional<StampedMapping> stamped(std::string_view stamp) const {
        const std::shared_lock lock(mutex_);
        const auto found = state_.bound.find(stamp);
        if (found == state_.bound.end()) return std::nullopt;
        return found->second;
    }
    template <class Sources>
    Shared<Source> source_in(const Sources& sources, std::string_view text) const {
        const std::shared_lock lock(mutex_);
        const auto found = sources.find(text);
        return found == sources.end() ? nullptr : *found;
    }
    Shared<Source> source_by_key(std::string_view kind, std::string_view value) const {
        std::string key;
        key.reserve(kind.size() + value.size());
        key.append(kind).append(value);
        const std::shared_lock lock(mutex_);
        return look_up(state_.source_by_key, key);
    }

    bus::Result<bus::Done> apply_data_key(const bus::RecordView& record) {
        const std::unique_lock lock(mutex_);
        state_.apply_data_key(record.key, record.tombstone ? "" : record.value);
        return bus::Done{};
    }

    // Only the writer's thread comes here, so it may look at its own rows without a lock. A fact
    // that does not bind is not to be applied; whether a named text compiles shows when it is to be
    // bound.
    bus::Result<bus::Done> check(const ControlFact& fact, const bus::Address& address) {
        const auto* binding = std::get_if<MappingBound>(&fact.body);
        if (!binding || state_.bound.contains(binding->stamp)) return bus::Done{};
        const auto bound =
            compiled_.bind(binding->stamp, binding->text, binding->settings, binding->file);
        if (bound) return bus::Done{};
        return bus::fail(bus::ErrorCode::corrupt, "{}: mapping {} does not bind: {}",
                         bus::to_string(address), binding->stamp, bound.error().message);
    }

    void progress_to(bus::Offset next) {
        {
            const std::lock_guard lock(progress_mutex_);
            applied_.store(next, std::memory_order_release);
        }
        progressed_.notify_all();
    }

    const std::vector<ProviderKind> providers_;

    mutable CompiledMappings compiled_;  // never used while mutex_ is held

    mutable std::shared_mutex mutex_;
    RegistryState state_;  // guarded by mutex_

    std::atomic<bus::Offset> applied_{0};
    mutable std::mutex progress_mutex_;  // never held together with mutex_
    mutable std::condition_variable progressed_;
};

}  // namespace

TenantErasures::TenantErasures(const Registry& registry, bus::TenantId tenant)
    : records_(registry.erased_records(tenant)) {
    const auto owner = registry.tenant(tenant);
    all_ = owner && owner->status == "deleted";
}

bool TenantErasures::cover(const bus::Address& address) const {
    return all_ || (records_ && contains(*records_, address));
}

std::unique_ptr<Registry> make_registry(std::vector<ProviderKind> providers,
                                        std::size_t compiled_bytes) {
    return std::make_unique<RegistryFold>(std::move(providers), compiled_bytes);
}

}  // namespace schemas
