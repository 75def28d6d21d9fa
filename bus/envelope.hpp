// The CloudEvents attributes of a record, carried as Kafka headers in binary mode.
//
// Sources: CloudEvents 1.0, Kafka protocol binding section 3.2 (header prefix ce_). A raw record
// has type `ingest.request.received` and time = the time of receipt: what kind of event it is, and
// when it happened, exist only after mapping. No header holds personal data or a credential.
#pragma once

#include "bus/headers.hpp"
#include "bus/ids.hpp"

namespace bus {

namespace header {
inline constexpr std::string_view spec_version = "ce_specversion";
inline constexpr std::string_view id = "ce_id";
inline constexpr std::string_view source = "ce_source";
inline constexpr std::string_view type = "ce_type";
inline constexpr std::string_view time = "ce_time";
inline constexpr std::string_view tenant = "ce_tenant";
inline constexpr std::string_view ingest_time = "ce_ingesttime";
inline constexpr std::string_view data_ref = "ce_dataref";  // body lives in the blob store
inline constexpr std::string_view trace_parent = "traceparent";
inline constexpr std::string_view content_type = "content-type";
inline constexpr std::string_view dedup = "tr_dedup";  // hex of the 128-bit keyed fingerprint
inline constexpr std::string_view dedup_kind = "tr_dedupkind";      // "paths" or "hash"
inline constexpr std::string_view dedup_window = "tr_dedupwindow";  // seconds
inline constexpr std::string_view mapping = "tr_mapping";           // stamp of the bound mapping
inline constexpr std::string_view verified = "tr_verified";  // scheme ":" id of the matching secret
inline constexpr std::string_view method = "tr_method";
inline constexpr std::string_view path = "tr_path";  // credentials replaced
inline constexpr std::string_view query =
    "tr_query";  // credentials replaced; absent if value is the query
inline constexpr std::string_view value_is = "tr_value";  // "body" (default), "query" or "part"
// Hex of the SHA-256 of the body, as it came, that a part was cut out of: it named several tenants.
// tr_verified is then about that body.
inline constexpr std::string_view whole = "tr_whole";
inline constexpr std::string_view cause = "tr_cause";      // of a rejection, PRODUCT 6.1
inline constexpr std::string_view status = "tr_status";    // HTTP status that a rejection answered
inline constexpr std::string_view detail = "tr_detail";    // of a rejection, in words
inline constexpr std::string_view command = "tr_command";  // id of the command behind a fact
inline constexpr std::string_view http_prefix = "h_";      // kept request headers, lower case
}  // namespace header

inline constexpr std::string_view raw_event_type = "ingest.request.received";
inline constexpr std::string_view rejected_event_type = "ingest.request.rejected";

inline constexpr std::string_view value_is_part = "part";

struct Envelope {
    EventId id;
    TenantId tenant;
    SourceId source;
    std::string_view type;  // views live as long as the headers they were read from
    Timestamp time{};
    Timestamp ingest_time{};
    std::string_view trace_parent;
    std::string_view content_type;
    std::string_view mapping;
};

void write_envelope(const Envelope& envelope, Headers& headers);

// corrupt when a required attribute is missing or malformed: we wrote it, so it is our fault.
Result<Envelope> read_envelope(HeadersView headers);

}  // namespace bus
