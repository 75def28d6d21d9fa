// The rows of the registry and the pure fold over `.control` and `.keys`: no locks, no log, no
// clock. registry.cpp puts the lock around it.
#pragma once

#include "schemas/control_facts.hpp"

#include <deque>
#include <unordered_map>

namespace schemas {

struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
        return std::hash<std::string_view>{}(text);
    }
};
template <class T>
using ByText = std::unordered_map<std::string, T, TextHash, std::equal_to<>>;

template <class T>
using Shared = std::shared_ptr<const T>;  // handed out to readers, outlives its replacement

// What became of commands: the newest `kept_min`, and all that are younger than `kept_for`. Time is
// that of the facts, so every node forgets the same.
class OutcomeMemory {
public:
    static constexpr std::size_t kept_min = 100'000;
    static constexpr bus::seconds kept_for{7 * 24 * 3600};

    const Registry::Outcome* find(std::string_view command) const;
    void add(std::string command, bus::Timestamp time, Registry::Outcome outcome);

private:
    struct Entry {
        std::string command;
        bus::Timestamp time{};
    };
    ByText<Registry::Outcome> outcomes_;
    std::deque<Entry> order_;
};

// A mapping compiled before the rows are locked.
struct Compiled {
    Shared<Mapping> mapping;
    Shared<BoundMapping> bound;
};

struct RegistryState {
    std::unordered_map<bus::TenantId, Shared<Tenant>> tenants;
    ByText<bus::TenantId> tenant_by_code;
    ByText<bus::TenantId> tenant_by_data_key;
    ByText<std::string> wrapped_data_keys;  // by data key id; may come before or after its tenant

    std::vector<Erasure> erasures;  // in the log's order
    std::unordered_map<bus::TenantId, Shared<std::vector<RecordRange>>> erased_records;

    std::unordered_map<bus::SourceId, Shared<Source>> sources;  // deleted ones too
    ByText<Shared<Source>> source_by_key;                       // "slug:..." and so on
    std::map<std::pair<bus::TenantId, bus::SourceId>, bool> sources_of;

    ByText<Shared<ApiKey>> key_by_hash;
    ByText<Shared<ApiKey>> key_by_id;
    std::map<bus::TenantId, std::vector<std::string>> keys_of;  // ids in the order of creation

    ByText<Shared<BoundMapping>> bound;
    std::map<std::pair<bus::TenantId, std::string>, Shared<NamedMapping>, std::less<>> named;

    std::unordered_map<bus::SourceId, std::vector<std::string>> stamps_of;  // oldest first

    Shared<GenerationTable> generations = std::make_shared<const GenerationTable>();  // replaced

    ByText<std::uint64_t> versions;  // by object id
    OutcomeMemory outcomes;

    void apply(ControlFact fact, bus::Offset offset, Compiled compiled);
    void apply_data_key(std::string_view data_key_id, std::string_view wrapped);

private:
    std::optional<bus::Error> refusal(const ControlFact& fact) const;
    std::optional<std::string> holder(std::string_view unique_key) const;
    std::uint64_t next_version(const std::string& object_id);
    void put(Tenant tenant);
    void put(ApiKey key);
    void put(Source source, bus::Timestamp updated_at);
    void revoke(const std::string& key_id);
    void close_tenant(bus::TenantId id, bus::Timestamp at);
    bool put_erasure(const ControlFact& fact, bus::Offset offset);
    void remove(bus::SourceId id, bus::Timestamp at);
    void forget_keys(const Source& source);
    void remember_stamp(const Source& source);
    bool put_generations(const ControlFact& fact);
    void put_body(ControlFact& fact, bus::Offset offset, Compiled compiled);
};

// The id under which an object's version is kept.
std::string mapping_object_id(bus::TenantId tenant, std::string_view name);
std::string projection_object_id(std::string_view projection);
std::string object_id(const ControlFact& fact);

}  // namespace schemas
