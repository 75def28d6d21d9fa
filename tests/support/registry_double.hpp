// A registry that holds what a test puts in: sources and bound mappings, at once.
#pragma once

#include "schemas/registry.hpp"

#include <functional>
#include <map>
#include <mutex>

namespace support {

// Every record is one event with the record's value as its text; the value "bad" does not map.
class TextMapping : public schemas::BoundMapping {
public:
    explicit TextMapping(std::string stamp, std::size_t memory_bytes = 1'000)
        : stamp_(std::move(stamp)), memory_bytes_(memory_bytes) {}

    const std::string& stamp() const override { return stamp_; }
    const schemas::Mapping& mapping() const override { std::abort(); }
    const schemas::SourceSettings& settings() const override { std::abort(); }
    std::size_t memory_bytes() const override { return memory_bytes_; }
    bool may_emit(std::string_view) const override { return true; }
    const schemas::Mapped& map(const bus::RecordView& record, const bus::Envelope& envelope,
                               std::string_view source_slug, schemas::Scratch&) const override {
        thread_local schemas::Mapped mapped;
        mapped = {};
        if (record.value == "bad") {
            mapped.failures.push_back({.emit_index = 0, .path = "text", .reason = "it is bad"});
            return mapped;
        }
        schemas::Event& event = mapped.events.emplace_back();
        event.id = envelope.id;
        event.raw_id = envelope.id;
        event.type_name = "test.said";
        event.tenant = envelope.tenant;
        event.source = envelope.source;
        event.source_slug = source_slug;
        event.time = envelope.time;
        event.ingest_time = envelope.ingest_time;
        event.address = record.address;
        event.fields.push_back(
            {schemas::Field::text, {schemas::FieldValue::Kind::text, record.value, 0}});
        return mapped;
    }

private:
    const std::string stamp_;
    const std::size_t memory_bytes_;
};

class RegistryDouble final : public schemas::Registry {
public:
    void add_source(bus::SourceId id, std::string slug) {
        auto source = std::make_shared<schemas::Source>();
        source->id = id;
        source->slug = std::move(slug);
        const std::lock_guard lock(mutex_);
        sources_[id] = std::move(source);
    }
    void add_mapping(const std::string& stamp) {
        const std::lock_guard lock(mutex_);
        mappings_[stamp] = std::make_shared<TextMapping>(stamp);
    }
    void add_mapping(std::shared_ptr<const schemas::BoundMapping> mapping) {
        const std::lock_guard lock(mutex_);
        mappings_[mapping->stamp()] = std::move(mapping);
    }

    std::shared_ptr<const schemas::Source> source(bus::SourceId id) const override {
        const std::lock_guard lock(mutex_);
        const auto found = sources_.find(id);
        return found == sources_.end() ? nullptr : found->second;
    }
    std::shared_ptr<const schemas::BoundMapping> bound_mapping(
        std::string_view stamp) const override {
        const std::lock_guard lock(mutex_);
        const auto found = mappings_.find(std::string{stamp});
        return found == mappings_.end() ? nullptr : found->second;
    }
    // As a decision of `.control` would; the log is not asked.
    void erase(bus::TenantId tenant, const bus::Address& address) {
        const std::lock_guard lock(mutex_);
        erased_[tenant] =
            std::make_shared<const std::vector<bus::RecordRange>>(bus::ranges_of({address}));
    }
    std::shared_ptr<const std::vector<bus::RecordRange>> erased_records(
        bus::TenantId tenant) const override {
        const std::lock_guard lock(mutex_);
        const auto found = erased_.find(tenant);
        return found == erased_.end() ? nullptr : found->second;
    }
    // As facts of `.control` would.
    void change_generations(const std::function<void(schemas::GenerationTable&)>& change) {
        const std::lock_guard lock(mutex_);
        auto table = std::make_shared<schemas::GenerationTable>(*generations_);
        change(*table);
        generations_ = std::move(table);
    }
    bool wait_applied(bus::Offset, bus::milliseconds) const override { return true; }

    // Erased as a whole. No other tenant is known.
    void close(bus::TenantId tenant) {
        auto closed = std::make_shared<schemas::Tenant>();
        closed->id = tenant;
        closed->status = "deleted";
        const std::lock_guard lock(mutex_);
        closed_[tenant] = std::move(closed);
    }
    std::shared_ptr<const schemas::Tenant> tenant(bus::TenantId id) const override {
        const std::lock_guard lock(mutex_);
        const auto found = closed_.find(id);
        return found == closed_.end() ? nullptr : found->second;
    }
    std::shared_ptr<const schemas::Tenant> tenant_by_code(std::string_view) const override {
        return {};
    }
    std::vector<std::shared_ptr<const schemas::Tenant>> tenants() const override { return {}; }
    std::shared_ptr<const schemas::Source> source_by_slug(std::string_view) const override {
        return {};
    }
    std::shared_ptr<const schemas::Source> source_by_token(std::string_view) const override {
        return {};
    }
    std::shared_ptr<const schemas::Source> source_by_account(std::string_view) const override {
        return {};
    }
    std::vector<std::shared_ptr<const schemas::Source>> sources_by_verify_token(
        std::string_view, std::string_view) const override {
        return {};
    }
    std::shared_ptr<const schemas::Source> default_source(std::string_view) const override {
        return {};
    }
    std::vector<std::shared_ptr<const schemas::Source>> sources(bus::TenantId) const override {
        return {};
    }
    std::vector<std::shared_ptr<const schemas::Source>> sources_of_kind(
        bus::TenantId, std::string_view) const override {
        return {};
    }
    std::shared_ptr<const schemas::ApiKey> api_key_by_hash(std::string_view) const override {
        return {};
    }
    std::vector<std::shared_ptr<const schemas::ApiKey>> api_keys(bus::TenantId) const override {
        return {};
    }
    std::shared_ptr<const schemas::NamedMapping> named_mapping(bus::TenantId,
                                                               std::string_view) const override {
        return {};
    }
    std::vector<std::shared_ptr<const schemas::NamedMapping>> named_mappings(
        bus::TenantId) const override {
        return {};
    }
    std::shared_ptr<const schemas::Mapping> compiled(const schemas::NamedMapping&) const override {
        return {};
    }
    std::vector<std::string> stamps(bus::SourceId) const override { return {}; }
    std::shared_ptr<const schemas::GenerationTable> generations() const override {
        const std::lock_guard lock(mutex_);
        return generations_;
    }
    const schemas::ProviderKind* provider(std::string_view) const override { return nullptr; }
    std::vector<const schemas::ProviderKind*> providers() const override { return {}; }
    std::optional<Outcome> outcome(std::string_view) const override { return {}; }
    bus::Offset applied() const override { return 0; }
    bus::Result<bus::Done> apply(const bus::RecordView&) override { return bus::Done{}; }

private:
    mutable std::mutex mutex_;
    std::map<bus::SourceId, std::shared_ptr<const schemas::Source>> sources_;  // guarded by mutex_
    std::map<std::string, std::shared_ptr<const schemas::BoundMapping>> mappings_;  // as well
    std::map<bus::TenantId, std::shared_ptr<const std::vector<bus::RecordRange>>>
        erased_;                                                              // as well
    std::map<bus::TenantId, std::shared_ptr<const schemas::Tenant>> closed_;  // as well
    std::shared_ptr<const schemas::GenerationTable> generations_ =            // as well
        std::make_shared<const schemas::GenerationTable>();
};

}  // namespace support
