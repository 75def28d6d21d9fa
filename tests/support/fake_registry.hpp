// A registry filled by hand, for tests of what reads one.
#pragma once

#include "bus/crypto/digest.hpp"
#include "bus/text.hpp"
#include "schemas/registry.hpp"

#include <algorithm>
#include <functional>

namespace tests {

class FakeRegistry final : public schemas::Registry {
public:
    using Source = schemas::Source;
    template <class T>
    using Shared = std::shared_ptr<const T>;

    static std::string hash_of(std::string_view text) {
        return bus::to_hex(bus::crypto::view(bus::crypto::sha256(text)));
    }

    void add_kind(schemas::ProviderKind kind) { kinds_.push_back(std::move(kind)); }
    bus::TenantId add_tenant(std::string code) {
        schemas::Tenant tenant;
        tenant.id = bus::TenantId{tenants_.size() + 1};
        tenant.code = std::move(code);
        tenants_.push_back(std::make_shared<schemas::Tenant>(tenant));
        return tenant.id;
    }
    void set_tenant_status(bus::TenantId id, const std::string& status) {
        ++applied_;
        for (auto& tenant : tenants_) {
            if (tenant->id != id) continue;
            schemas::Tenant changed = *tenant;
            changed.status = status;
            tenant = std::make_shared<schemas::Tenant>(changed);
        }
    }
    void add_key(bus::TenantId tenant, std::string_view key) {
        schemas::ApiKey made;
        made.id = "key_" + std::to_string(keys_.size() + 1);
        made.tenant = tenant;
        made.hash = hash_of(key);
        keys_.push_back(std::make_shared<schemas::ApiKey>(made));
    }
    // Adds, or replaces the source of the same id.
    void put(Source source) {
        ++applied_;
        if (source.id.value == 0) source.id = bus::SourceId{sources_.size() + 1};
        auto made = std::make_shared<Source>(std::move(source));
        for (auto& known : sources_) {
            if (known->id == made->id) {
                known = made;
                return;
            }
        }
        sources_.push_back(made);
    }

    Shared<schemas::Tenant> tenant(bus::TenantId id) const override {
        return find(tenants_, [&](const auto& t) { return t.id == id; });
    }
    Shared<schemas::Tenant> tenant_by_code(std::string_view code) const override {
        return find(tenants_, [&](const auto& t) { return t.code == code; });
    }
    std::vector<Shared<schemas::Tenant>> tenants() const override { return tenants_; }
    Shared<Source> source(bus::SourceId id) const override {
        return find(sources_, [&](const auto& s) { return s.id == id; });
    }
    Shared<Source> source_by_slug(std::string_view slug) const override {
        return find(sources_, [&](const auto& s) { return s.slug == slug; });
    }
    Shared<Source> source_by_token(std::string_view token) const override {
        const std::string hash = hash_of(token);
        return find(sources_, [&](const auto& s) { return s.token_hash == hash; });
    }
    Shared<Source> source_by_account(std::string_view account) const override {
        auto found =
            find(sources_, [&](const auto& s) { return contains(s.account_ids, account); });
        if (after_account_look_up) after_account_look_up();
        return found;
    }
    std::function<void()> after_account_look_up;  // what `.control` shows in between
    std::vector<Shared<Source>> sources_by_verify_token(std::string_view kind,
                                                        std::string_view hash) const override {
        std::vector<Shared<Source>> out;
        for (const auto& source : sources_) {
            if (source->kind == kind && source->verify_token_hash == hash && source->enabled)
                out.push_back(source);
        }
        return out;
    }
    Shared<Source> default_source(std::string_view path) const override {
        return find(sources_, [&](const auto& s) { return contains(s.default_paths, path); });
    }
    std::vector<Shared<Source>> sources(bus::TenantId tenant) const override {
        std::vector<Shared<Source>> out;
        for (const auto& source : sources_) {
            if (source->tenant == tenant) out.push_back(source);
        }
        return out;
    }
    std::vector<Shared<Source>> sources_of_kind(bus::TenantId tenant,
                                                std::string_view kind) const override {
        std::vector<Shared<Source>> out = sources(tenant);
        std::erase_if(out,
                      [&](const auto& source) { return source->kind != kind || source->deleted; });
        return out;
    }
    Shared<schemas::ApiKey> api_key_by_hash(std::string_view hash) const override {
        return find(keys_, [&](const auto& k) { return k.hash == hash; });
    }
    std::vector<Shared<schemas::ApiKey>> api_keys(bus::TenantId) const override { return keys_; }
    Shared<schemas::BoundMapping> bound_mapping(std::string_view) const override { return {}; }
    Shared<schemas::NamedMapping> named_mapping(bus::TenantId, std::string_view) const override {
        return {};
    }
    std::vector<Shared<schemas::NamedMapping>> named_mappings(bus::TenantId) const override {
        return {};
    }
    Shared<schemas::Mapping> compiled(const schemas::NamedMapping&) const override { return {}; }
    std::vector<std::string> stamps(bus::SourceId) const override { return {}; }
    Shared<schemas::GenerationTable> generations() const override {
        return std::make_shared<const schemas::GenerationTable>();
    }
    const schemas::ProviderKind* provider(std::string_view kind) const override {
        for (const auto& known : kinds_) {
            if (known.kind == kind) return &known;
        }
        return nullptr;
    }
    std::vector<const schemas::ProviderKind*> providers() const override {
        std::vector<const schemas::ProviderKind*> out;
        for (const auto& kind : kinds_) out.push_back(&kind);
        return out;
    }
    std::optional<Outcome> outcome(std::string_view) const override { return {}; }
    bus::Offset applied() const override { return applied_; }
    bool wait_applied(bus::Offset, bus::milliseconds) const override { return true; }
    bus::Result<bus::Done> apply(const bus::RecordView&) override { return bus::Done{}; }

private:
    template <class T, class Wanted>
    static Shared<T> find(const std::vector<Shared<T>>& all, Wanted wanted) {
        for (const auto& one : all) {
            if (wanted(*one)) return one;
        }
        return nullptr;
    }
    static bool contains(const std::vector<std::string>& all, std::string_view one) {
        return std::find(all.begin(), all.end(), one) != all.end();
    }

    bus::Offset applied_ = 0;  // moves with every change
    std::vector<schemas::ProviderKind> kinds_;
    std::vector<Shared<schemas::Tenant>> tenants_;
    std::vector<Shared<Source>> sources_;
    std::vector<Shared<schemas::ApiKey>> keys_;
};

}  // namespace tests
