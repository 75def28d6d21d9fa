// The rows of the registry and the pure fold over `.control` and `.keys`: no locks, no log, no
// clock. registry.cpp puts the lock around it.
#pragma once

#include "schemas/control_facts.hpp"

#include <deque>
#include <memory>
#include <set>
#include <unordered_map>
#include <unordered_set>

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

// Sources by one of their texts, which stands in the source alone.
template <std::string Source::*text>
struct TextOfSource {
    using is_transparent = void;
    static std::string_view of(std::string_view value) { return value; }
    static std::string_view of(const Shared<Source>& source) { return (*source).*text; }

    std::size_t operator()(const auto& value) const {
        return std::hash<std::string_view>{}(of(value));
    }
    bool operator()(const auto& left, const auto& right) const { return of(left) == of(right); }
};
template <std::string Source::*text>
using SourcesBy = std::unordered_set<Shared<Source>, TextOfSource<text>, TextOfSource<text>>;

// Enabled sources by kind and verify token, which several may share.
struct OrderOfVerifyTokens {
    struct Key {
        std::string_view kind;
        std::string_view token_hash;
        bus::SourceId id{};
        auto operator<=>(const Key&) const = default;
    };
    using is_transparent = void;
    static Key of(const Key& key) { return key; }
    static Key of(const Shared<Source>& source) {
        return {source->kind, source->verify_token_hash, source->id};
    }
    bool operator()(const auto& left, const auto& right) const { return of(left) < of(right); }
};
using SourcesByVerifyToken = std::set<Shared<Source>, OrderOfVerifyTokens>;

// Sources that are not deleted, by client and kind, oldest first.
struct OrderOfKinds {
    struct Key {
        bus::TenantId tenant;
        std::string_view kind{};
        bus::Timestamp created_at = bus::Timestamp::min();
        bus::SourceId id{};
        auto operator<=>(const Key&) const = default;
    };
    using is_transparent = void;
    static Key of(const Key& key) { return key; }
    static Key of(const Shared<Source>& source) {
        return {source->tenant, source->kind, source->created_at, source->id};
    }
    bool operator()(const auto& left, const auto& right) const { return of(left) < of(right); }
};
using SourcesByKind = std::set<Shared<Source>, OrderOfKinds>;

struct ContentHash {
    std::size_t operator()(const Verification& verification) const;
    std::size_t operator()(const SourceSettings& settings) const;
    std::size_t operator()(const std::vector<std::string>& texts) const;
};

// What became of commands: the newest `kept_min`, and all that are younger than `kept_for`. Time is
// that of the facts, so every node forgets the same.
class OutcomeMemory {
public:
    static constexpr std::size_t kept_min = 100'000;
    static constexpr bus::seconds kept_for{7 * 24 * 3600};

    bool contains(std::string_view command) const { return outcomes_.contains(command); }
    std::optional<Registry::Outcome> find(std::string_view command) const;
    void add(std::string command, bus::Timestamp time, Registry::Outcome outcome);

private:
    // An outcome in few bytes: there is one for each command of a week.
    struct Kept {
        std::string object_id;
        std::string request_hash;             // as bytes when it is hex
        std::unique_ptr<bus::Error> refusal;  // null = applied
        std::uint64_t version = 0;
        bus::Offset offset = 0;
        bool hash_was_hex = false;
    };
    struct Entry {
        const std::string* command = nullptr;  // in outcomes_, whose elements stay where they are
        bus::Timestamp time{};
    };
    ByText<Kept> outcomes_;
    std::deque<Entry> order_;
};

// What a stamp stands for. It compiles and has this stamp: that was seen before it was applied.
struct StampedMapping {
    Interned<std::string> text;  // YAML
    Interned<SourceSettings> settings;
};

struct RegistryState {
    std::unordered_map<bus::TenantId, Shared<Tenant>> tenants;
    ByText<bus::TenantId> tenant_by_code;
    ByText<bus::TenantId> tenant_by_data_key;
    ByText<std::string> wrapped_data_keys;  // by data key id; may come before or after its tenant

    std::vector<Erasure> erasures;  // in the log's order
    std::unordered_map<bus::TenantId, Shared<std::vector<bus::RecordRange>>> erased_records;

    std::unordered_map<bus::SourceId, Shared<Source>> sources;  // deleted ones too
    SourcesBy<&Source::slug> source_by_slug;
    SourcesBy<&Source::token_hash> source_by_token_hash;
    ByText<Shared<Source>> source_by_key;  // "account:..." and "path:..."
    SourcesByVerifyToken sources_by_verify_token;
    SourcesByKind sources_by_kind;

    ByText<Shared<ApiKey>> key_by_hash;
    ByText<Shared<ApiKey>> key_by_id;
    std::map<bus::TenantId, std::vector<std::string>> keys_of;  // ids in the order of creation

    ByText<StampedMapping> bound;  // by stamp; never forgotten, records are stamped with it
    std::map<std::pair<bus::TenantId, std::string>, Shared<NamedMapping>, std::less<>> named;

    // Oldest first, of the sources that have had others than their present one.
    std::unordered_map<bus::SourceId, std::vector<std::string>> stamps_of;

    Shared<GenerationTable> generations = std::make_shared<const GenerationTable>();  // replaced

    ByText<std::uint64_t> versions;  // by object id, of what is neither a tenant nor a source
    OutcomeMemory outcomes;

    void apply(ControlFact fact, bus::Offset offset);
    void apply_data_key(std::string_view data_key_id, std::string_view wrapped);

    // The source that holds it; null when none does.
    Shared<Source> holder_of(std::string_view unique_key) const;
    std::vector<std::string> stamps(bus::SourceId source) const;
    std::vector<Shared<Source>> sources_of(bus::TenantId tenant) const;  // kind by kind
    std::vector<Shared<Source>> sources_of(bus::TenantId tenant, std::string_view kind) const;

private:
    std::optional<bus::Error> refusal(const ControlFact& fact) const;
    std::optional<std::string> holder(std::string_view unique_key) const;
    std::uint64_t version_of(const std::string& object_id) const;  // 0 = it never was
    std::uint64_t next_version(const std::string& object_id);
    void put(Tenant tenant);
    void put(ApiKey key);
    void put(Source source, bus::Timestamp updated_at);
    void revoke(const std::string& key_id);
    void close_tenant(bus::TenantId id, bus::Timestamp at);
    bool put_erasure(const ControlFact& fact, bus::Offset offset);
    void remove(bus::SourceId id, bus::Timestamp at);
    void forget_keys(const Source& source);
    void hold_keys(const Shared<Source>& source);
    void remember_stamp(const Source& source);
    void share_values(Source& source);
    bool put_generations(const ControlFact& fact);
    void put_body(ControlFact& fact, bus::Offset offset);

    InternedValues<Verification, ContentHash> verifications_;
    InternedValues<SourceSettings, ContentHash> settings_;
    InternedValues<std::vector<std::string>, ContentHash> lists_;
    InternedValues<std::string, std::hash<std::string>> texts_;
};

// The id under which an object's version is kept.
std::string mapping_object_id(bus::TenantId tenant, std::string_view name);
std::string projection_object_id(std::string_view projection);
std::string object_id(const ControlFact& fact);

}  // namespace schemas
