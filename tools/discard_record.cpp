#include "tools/discard_record.hpp"

#include "bus/crypto/digest.hpp"
#include "bus/envelope.hpp"
#include "projections/dead_letters/dead_letter_id.hpp"
#include "projections/dead_letters/discard_fact.hpp"
#include "schemas/json/json.hpp"

namespace tools {
namespace {

constexpr std::string_view causation = "ce_causationid";
constexpr bus::seconds for_ever{100LL * 365 * 24 * 3600};
constexpr std::int64_t version = 1;

bus::DedupKey once(const Discard& discard, std::string_view tenant) {
    bus::DedupKey key;
    key.bytes = bus::crypto::hash_id({"discard", tenant, discard.dead_letter.view()}).bytes;
    return key;
}

}  // namespace

bus::NewRecord discard_record(const Discard& discard, bus::PartitionId partitions) {
    bus::NewRecord record;
    record.topic = bus::Topic::facts;
    record.key = to_string(discard.tenant);
    record.partition = bus::partition_of(record.key, partitions);
    record.ingest_time = discard.now;
    write_envelope({.id = discard.id,
                    .tenant = discard.tenant,
                    .source = {},
                    .type = projections::discarded_event_type,
                    .time = discard.now,
                    .ingest_time = discard.now,
                    .trace_parent = {},
                    .content_type = "application/json",
                    .mapping = {}},
                   record.headers);
    const std::string dead_letter = projections::dead_letter_id(discard.dead_letter);
    record.headers.add(projections::discard_subject_header, dead_letter);
    record.headers.add(causation, to_string(discard.raw_id));
    schemas::json::Writer writer{record.value};
    writer.begin_object().member("v", version).member("dead_letter", dead_letter);
    writer.member("reason", discard.reason).end_object();
    record.dedup = once(discard, record.key);
    record.dedup_window = for_ever;
    return record;
}

}  // namespace tools
