// Records of received and refused requests. No credential reaches them: path tokens stand as the
// path's pattern, credential parameters as the id of the secret that matched.
#pragma once

#include "bus/clock.hpp"
#include "bus/crypto/digest.hpp"
#include "producers/path_table.hpp"
#include "producers/source_gate.hpp"

namespace producers {

struct RecordTime {
    bus::Timestamp now;
    bus::EventId id;
};

// What differs for a record that an import brings: nobody signed it, and it is remembered for good.
struct ImportMarks {
    std::string_view by;   // the key that brought it: "admin" or "key_..."
    std::string_view key;  // what makes it the same record; "" = as for a request
};

// Everything that is known about a request once it was let in.
struct Admitted {
    const RequestView& request;
    const SourceGate& gate;
    const PathEntry& path;
    std::string_view secret_id;
    schemas::json::Value document;          // absent unless the body is JSON
    const ImportMarks* imported = nullptr;  // of a record that did not come through the door
    // The request's body is a part of one with this SHA-256, in hex; "" = it is the whole.
    std::string_view whole = {};
};

bus::NewRecord raw_record(const Admitted& admitted, const RecordTime& when,
                          const bus::crypto::HmacKey& dedup_key);

// Says that a record's value is a part, and of what.
void mark_part(std::string_view whole, bus::Headers& headers);

enum class Cause : std::uint8_t {
    source_disabled,
    verification_failed,
    method_not_allowed,
    type_not_supported,
    too_large,
    unparsable,
    rate_limited,
    unknown_source,
    several_tenants,  // in a body that cannot be split among them: beyond the bounds
};
std::string_view name(Cause cause);

struct Refusal {
    Cause cause;
    int status;
    std::string_view detail;
    bool verified = false;  // then the whole body is kept
    std::string_view secret_id = {};
    // The source only claims what it was found by, and nothing proves that the request is meant for
    // it: neither body nor query is kept where its client may read them.
    bool by_claim = false;
};

// `gate` null = no known source: the record goes to the reserved tenant.
bus::NewRecord rejected_record(const RequestView& request, const PathEntry& path,
                               const SourceGate* gate, const Refusal& refusal,
                               const RecordTime& when, bus::PartitionId partitions,
                               std::size_t body_bytes_max);

// Fingerprint of (tenant, source, length-prefixed parts).
bus::DedupKey fingerprint(const bus::crypto::HmacKey& key, bus::TenantId tenant,
                          bus::SourceId source, char kind, std::span<const std::string_view> parts);

// The query with the value of `parameter` replaced.
std::string redact_query(std::string_view query, std::string_view parameter,
                         std::string_view replacement);

}  // namespace producers
