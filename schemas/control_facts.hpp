// What `.control` holds: facts about tenants, keys, sources and mappings, as JSON values with the
// envelope in the headers (ce_type names the fact, tr_command the command behind it).
//
//   value    := {"v":1, "command"?, "request"?, "requires":{"versions":{id:n}, "free":[key]}, body}
//   body     := "client": {...}, "api_key": {...}, "source": {...}   platform.tenant.created
//             | "client": {...}                                     platform.tenant.updated
//             | "api_key": {...}                                    platform.api_key.created
//             | "api_key_id": text                                  platform.api_key.revoked
//             | "source": {...}                                     ingest.source.created, .updated
//             | "source_id": text                                   ingest.source.deleted
//             | "mapping": {"name", "text"}                         platform.mapping.changed
//             | "bound": {"stamp", "file", "text", "settings": {}}  platform.mapping.bound
//             | "generations": [{"projection", "number"}], "spec": {"tenant"?, "latest", "source"?,
//               "from"?, "to"?, "types", "stamps": [[source, from, to]]}
//                                                      platform.projection.rebuild_started
//             | "generations": [...]                   platform.projection.switched, .rolled_back,
//                                                      .dropped
//             | "erasure": text                                     platform.tenant.erased,
//                                                                 platform.erasure.completed
//             | "erasure": text, "records": [text]                  platform.customer.erased
//   key      := "code:" c | "slug:" s | "token:" hash | "account:" id | "path:" p
//
// `.keys` holds one record per tenant: key = "dk_...", value = data key sealed under the master
// key. No secret, token or API key stands in either topic in clear.
#pragma once

#include "bus/log.hpp"
#include "schemas/generations.hpp"
#include "schemas/registry.hpp"

#include <map>
#include <string>
#include <variant>
#include <vector>

namespace schemas {

inline constexpr int control_fact_version = 1;

// With the first API key and the implicit source of the tenant's own programs: all or nothing.
struct TenantCreated {
    static constexpr std::string_view type = "platform.tenant.created";
    Tenant tenant;
    ApiKey api_key;
    Source source;
};
struct TenantUpdated {
    static constexpr std::string_view type = "platform.tenant.updated";
    Tenant tenant;
};
struct ApiKeyCreated {
    static constexpr std::string_view type = "platform.api_key.created";
    ApiKey api_key;
};
struct ApiKeyRevoked {
    static constexpr std::string_view type = "platform.api_key.revoked";
    std::string key_id;
};
struct SourceCreated {
    static constexpr std::string_view type = "ingest.source.created";
    Source source;
};
struct SourceUpdated {
    static constexpr std::string_view type = "ingest.source.updated";
    Source source;
};
struct SourceDeleted {
    static constexpr std::string_view type = "ingest.source.deleted";
    bus::SourceId source;
};
struct MappingChanged {
    static constexpr std::string_view type = "platform.mapping.changed";
    std::string name;
    std::string text;
};
// Applies whatever went before: the same stamp always means the same.
struct MappingBound {
    static constexpr std::string_view type = "platform.mapping.bound";
    std::string stamp;
    std::string file;  // for messages
    std::string text;
    SourceSettings settings;
};
// The next generations of some projections are being built. The spec says what is taken anew now;
// each goes on from what its live ones took anew.
struct RebuildStarted {
    static constexpr std::string_view type = "platform.projection.rebuild_started";
    std::vector<GenerationName> generations;
    std::shared_ptr<const ReplaySpec> spec;  // shared: every reader of the registry keeps it
};
// All at once: a reader never sees some of them.
struct GenerationsSwitched {
    static constexpr std::string_view type = "platform.projection.switched";
    std::vector<GenerationName> generations;
};
struct GenerationsRolledBack {
    static constexpr std::string_view type = "platform.projection.rolled_back";
    std::vector<GenerationName> generations;  // that were live and are candidates again
};
struct GenerationsDropped {
    static constexpr std::string_view type = "platform.projection.dropped";
    std::vector<GenerationName> generations;
};
// Everything of the fact's tenant goes: nothing comes in for it from here on.
struct TenantErased {
    static constexpr std::string_view type = "platform.tenant.erased";
    std::string erasure;  // id
};
// Records of a person of the fact's tenant. Several facts of one erasure add up.
struct CustomerErased {
    static constexpr std::string_view type = "platform.customer.erased";
    std::string erasure;
    std::vector<bus::RecordRange> records;
};
// What the two decided has been done.
struct ErasureCompleted {
    static constexpr std::string_view type = "platform.erasure.completed";
    std::string erasure;
};
using ControlBody =
    std::variant<TenantCreated, TenantUpdated, ApiKeyCreated, ApiKeyRevoked, SourceCreated,
                 SourceUpdated, SourceDeleted, MappingChanged, MappingBound, RebuildStarted,
                 GenerationsSwitched, GenerationsRolledBack, GenerationsDropped, TenantErased,
                 CustomerErased, ErasureCompleted>;

// What a fact relies on. It applies only while this holds.
struct Requirements {
    std::map<std::string, std::uint64_t> versions;  // object id -> version it was validated at
    std::vector<std::string> free;  // unique keys that no object but this fact's own may hold
    bool operator==(const Requirements&) const = default;
};

struct ControlFact {
    bus::EventId id;
    bus::TenantId tenant;
    bus::Timestamp time{};
    std::string command;       // "" = decided by nobody, no outcome is kept
    std::string request_hash;  // of the request behind the command
    Requirements requirements;
    ControlBody body;
};

std::string_view type_name(const ControlBody& body);

// Every unique key that a source or a code stands for, in the spelling of `free`.
std::vector<std::string> unique_keys(const Source& source);
std::vector<std::string> other_unique_keys(const Source& source);  // than its slug and its token
std::string unique_code(std::string_view code);

bus::NewRecord encode(const ControlFact& fact);

// nullopt for a type this build does not know. corrupt: not what encode() writes, or of a later
// version than this build reads.
bus::Result<std::optional<ControlFact>> decode_control(const bus::RecordView& record);

}  // namespace schemas
