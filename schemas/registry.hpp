// Tenants, sources, API keys and mappings: the in-memory fold of `.control`, shared read-only by
// the door, the API and the projector.
//
// Facts carry what they rely on (versions, absence of unique keys) and apply only while that holds,
// so codes, slugs, tokens and account ids are unique in the installation, decided by the log alone.
// Threads: any reader; one writer (the follower of `.control`). Objects handed out are immutable.
#pragma once

#include "bus/log.hpp"
#include "schemas/erasures.hpp"
#include "schemas/generations.hpp"
#include "schemas/interned.hpp"
#include "schemas/mapping.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace schemas {

struct Tenant {
    bus::TenantId id;
    std::string code;  // unique, lower case
    std::string name;
    std::string status = "active";  // provisioning, active, suspended, deleting, deleted
    std::string legal_hold{};       // why nothing of it may be erased; "" = it may
    std::string country;
    std::string time_zone = "UTC";
    bus::Timestamp created_at{};
    std::string data_key_id;  // key of its record in `.keys`; a tombstone there shreds
    std::string
        wrapped_data_key;  // that record's value, sealed under the master key; "" = shredded
    bus::Timestamp updated_at{};
    std::uint64_t version = 0;
};

struct ApiKey {
    std::string id;  // "key_..."
    bus::TenantId tenant;
    std::string hash;  // SHA-256 of the key, hex; the key itself is shown once and never kept
    std::string label;
    bool revoked = false;
    bus::Timestamp created_at{};
};

// A secret of a source: sealed under the tenant's data key; `id` is what records name.
struct SealedSecret {
    std::string id;      // "sec_..."
    std::string sealed;  // bytes
    std::string last4;
    bus::Timestamp rotated_at{};
    std::optional<bus::Timestamp> valid_until;  // of an old secret during rotation
};

// How a source proves who it is. `kind` "scheme" = the kind's own scheme from its provider file.
struct Verification {
    std::string kind;  // hmac, header, query, basic, meta, standard_webhooks, none
    // hmac
    std::string algorithm = "sha256";  // sha1, sha256
    std::string header;            // header with the signature, or with the secret (kind header)
    std::string encoding = "hex";  // hex, base64
    std::string prefix;            // "sha256="
    std::string signed_text = "{body}";  // template over {body} {timestamp} {id}
    std::string timestamp_header;        // when not inside the signature header
    std::string timestamp_unit = "s";    // s, ms, iso
    std::string id_header;
    bool key_value_list = false;        // "t=...,v1=..." in one header of pairs
    std::string signature_name = "v1";  // name of the signature in such a list
    std::int64_t tolerance_s = 0;       // 0 = no time stamp is checked
    std::string parameter;              // kind query: name of the query parameter
    std::string user;                   // kind basic
    bool operator==(const Verification&) const = default;
};

struct Source {
    bus::SourceId id;
    bus::TenantId tenant;
    std::string slug;  // unique in the installation
    std::string kind;  // the name of a provider file, or generic
    std::string label;
    std::string token_hash;  // SHA-256 hex of the token in urls without a slug; unique; the token
                             // itself is derived from the master key and never stored
    bus::Topic topic = bus::Topic::web;  // its channel
    bool enabled = true;
    Interned<Verification> verification;
    std::vector<SealedSecret> secrets;
    std::string verify_token_hash;         // Meta handshake: SHA-256 hex
    std::vector<std::string> account_ids;  // "<kind>:<account id>", unique
    std::vector<std::string>
        default_paths;  // legacy fixed paths this source answers when nothing else does
    Interned<SourceSettings> settings;
    Interned<std::vector<std::string>> dedup_paths;  // PRODUCT section 2
    std::int64_t dedup_window_s = 7 * 24 * 3600;
    Interned<std::vector<std::string>> methods;  // POST, GET
    std::string mapping_name;                    // of a tenant's own mapping; "" = the kind's
    std::string stamp;                           // of its bound mapping; "" = the kind has none
    bus::Timestamp created_at{};
    bus::Timestamp updated_at{};
    std::uint64_t version = 0;
    bool deleted = false;
};

// How the provider lays out what it lets people download, for `tributary import`.
struct ExportLayout {
    std::string name;  // of the format: "acme-events"
    std::string list;  // member of a document that holds the records; "" = a document is a record
    std::string item;  // member of an element that is the record; "" = the element itself
    std::string wrap;  // the webhook that an element makes, with {item} in it; "" = as it is
};

// A provider of the schemas/providers files, compiled into the program: defaults of its kind.
struct ProviderKind {
    std::string kind;
    std::string label;
    bus::Topic topic = bus::Topic::web;
    std::vector<std::string> paths;  // fixed legacy paths, first; patterns with :slug or :token
    std::string url_path;            // pattern of the answered url, with {slug} or {token}
    std::vector<std::string> methods = {"POST"};
    Verification verification;              // kind "" = none of its own: the source must say
    std::vector<std::string> kept_headers;  // that a signature or the mapping needs, lower case
    std::vector<std::string> dedup_paths;
    bool body_is_query = false;                 // GET: the query string is the value
    std::vector<std::string> account_id_paths;  // where the payload names the account
    bool handshake_meta = false;
    std::vector<ExportLayout> exports;
    std::string response_content_type = "application/json";
    std::string response_body;  // "" = the standard acceptance
    std::string mapping_text;   // YAML
    std::shared_ptr<const Mapping> mapping;
    bool mapping_required = false;  // kind generic: the source brings its own
};

// A mapping that a tenant brought (PUT /v1/mappings/:name).
struct NamedMapping {
    bus::TenantId tenant;
    std::string name;
    Interned<std::string> text;  // YAML
    bus::Timestamp updated_at{};
    std::uint64_t version = 0;
};

class Registry {
public:
    static constexpr std::size_t verify_token_sources_max = 64;

    virtual ~Registry() = default;

    virtual std::shared_ptr<const Tenant> tenant(bus::TenantId id) const = 0;
    virtual std::shared_ptr<const Tenant> tenant_by_code(std::string_view code) const = 0;
    virtual std::vector<std::shared_ptr<const Tenant>> tenants() const = 0;

    virtual std::shared_ptr<const Source> source(bus::SourceId id) const = 0;
    virtual std::shared_ptr<const Source> source_by_slug(std::string_view slug) const = 0;
    // By the token as it stands in the path; hashed here.
    virtual std::shared_ptr<const Source> source_by_token(std::string_view token) const = 0;
    virtual std::shared_ptr<const Source> source_by_account(std::string_view account_id) const = 0;
    // The enabled ones of a kind that a provider's handshake may mean, by the SHA-256 hex of its
    // verify token. Tokens need not be unique; of many with the same, verify_token_sources_max
    // come.
    virtual std::vector<std::shared_ptr<const Source>> sources_by_verify_token(
        std::string_view kind, std::string_view token_hash) const = 0;
    virtual std::shared_ptr<const Source> default_source(std::string_view path) const = 0;
    // Oldest first, without the deleted.
    virtual std::vector<std::shared_ptr<const Source>> sources(bus::TenantId tenant) const = 0;
    // Those of one kind: a client may have thousands, and doors ask at each request.
    virtual std::vector<std::shared_ptr<const Source>> sources_of_kind(
        bus::TenantId tenant, std::string_view kind) const = 0;

    virtual std::shared_ptr<const ApiKey> api_key_by_hash(std::string_view hash) const = 0;
    virtual std::vector<std::shared_ptr<const ApiKey>> api_keys(bus::TenantId tenant) const = 0;

    // The bound mapping that a record is stamped with; null when `.control` has not shown it yet.
    // Made when it is asked for and kept while it is used (schemas/compiled_mappings.hpp): hold it.
    virtual std::shared_ptr<const BoundMapping> bound_mapping(std::string_view stamp) const = 0;
    // The same without making it.
    virtual bool has_mapping(std::string_view stamp) const {
        return bound_mapping(stamp) != nullptr;
    }
    // The newest named mapping of a tenant (PUT /v1/mappings/:name); null when there is none.
    virtual std::shared_ptr<const NamedMapping> named_mapping(bus::TenantId tenant,
                                                              std::string_view name) const = 0;
    virtual std::vector<std::shared_ptr<const NamedMapping>> named_mappings(
        bus::TenantId tenant) const = 0;
    // To be bound. Null when this build cannot compile the text.
    virtual std::shared_ptr<const Mapping> compiled(const NamedMapping& mapping) const = 0;

    // Every stamp that the source has had, oldest first, each once; its present one is in the
    // source.
    virtual std::vector<std::string> stamps(bus::SourceId source) const = 0;
    // What `.control` has decided about the generations of projections. Never null.
    virtual std::shared_ptr<const GenerationTable> generations() const = 0;

    virtual const ProviderKind* provider(std::string_view kind) const = 0;
    virtual std::vector<const ProviderKind*> providers() const = 0;

    // Every erasure that was ever decided, in the log's order.
    virtual std::vector<Erasure> erasures() const { return {}; }
    // Records of a tenant whose meaning is gone, sorted; null when there are none.
    virtual std::shared_ptr<const std::vector<bus::RecordRange>> erased_records(
        bus::TenantId) const {
        return nullptr;
    }

    // What became of a command's fact: nothing yet, applied (version of the object), or refused.
    struct Outcome {
        bool applied = false;
        bus::Error refusal;
        std::uint64_t version = 0;
        std::string object_id;
        std::string request_hash;  // of the command's request: the same command must mean the same
        bus::Offset offset = 0;    // of the fact in `.control` that decided
    };
    virtual std::optional<Outcome> outcome(std::string_view command_id) const = 0;
    // Next offset of `.control` to apply; wait until it has reached `offset` (false = not in time).
    virtual bus::Offset applied() const = 0;
    virtual bool wait_applied(bus::Offset offset, bus::milliseconds wait_max) const = 0;

    // The only writer (ControlFollower). Takes records of `.control`, in the log's order, and of
    // `.keys`; between the two any interleaving gives the same. corrupt = stop.
    virtual bus::Result<bus::Done> apply(const bus::RecordView& record) = 0;
};

// What was decided to be gone of one tenant, looked up once for many of its records. The log may
// have no way to take the bytes out; what they meant is gone all the same.
class TenantErasures {
public:
    TenantErasures() = default;
    TenantErasures(const Registry& registry, bus::TenantId tenant);

    bool all() const { return all_; }
    bool cover(const bus::Address& address) const;

private:
    bool all_ = false;
    std::shared_ptr<const std::vector<bus::RecordRange>> records_;
};

// `record` is a RecordView or an OwnedRecord of the tenant.
bool is_erased(const Registry& registry, bus::TenantId tenant, const auto& record) {
    return record.erased || TenantErasures(registry, tenant).cover(record.address);
}

inline constexpr std::size_t compiled_bytes_max = std::size_t{256} << 20;

// `providers` are the compiled built-in kinds (schemas/providers/built_in.hpp). Of compiled
// mappings at most so many bytes are kept that nobody holds.
std::unique_ptr<Registry> make_registry(std::vector<ProviderKind> providers,
                                        std::size_t compiled_bytes = compiled_bytes_max);

}  // namespace schemas
