#include "bus/kafka/dedup_rebuild.hpp"

#include "bus/envelope.hpp"
#include "bus/kafka/partition_reader.hpp"
#include "bus/logging.hpp"
#include "bus/text.hpp"

#include <algorithm>
#include <cstring>

namespace bus::kafka {
namespace {

constexpr seconds rebuild_time_max{5};
constexpr std::size_t batch_records = 4096;
constexpr std::size_t batch_bytes = 4u << 20;

// Refusals at the door have no dedup key, compacted topics no use for one.
bool may_hold_keys(Topic topic) {
    return topic != Topic::rejected && topic != Topic::keys && topic != Topic::nodes;
}

struct Tail {
    TopicPartition where;
    Offset from = 0;
    Offset end = 0;
};

Result<std::vector<Tail>> filled_partitions(const KafkaOptions& options, Lookup& lookup) {
    std::vector<Tail> tails;
    const Slots slots(options.partitions);
    for (PartitionId partition = 0; partition < options.partitions; ++partition) {
        for (std::size_t i = 0; i < topic_count; ++i) {
            const TopicPartition where{topic_at(i), partition};
            if (!slots.contains(where) || !may_hold_keys(where.topic)) continue;
            const auto end = lookup.end_offset(where);
            if (!end) return end.error();
            if (*end > 0) tails.push_back({where, 0, *end});
        }
    }
    return tails;
}

Result<Done> shorten(std::vector<Tail>& tails, const KafkaOptions& options, Lookup& lookup) {
    if (tails.empty()) return Done{};
    const Offset share = options.dedup_rebuild_records_max / tails.size();
    for (Tail& tail : tails) {
        const auto start = lookup.start_offset(tail.where);
        if (!start) return start.error();
        tail.from = std::max(*start, tail.end - std::min(tail.end, share));
    }
    std::erase_if(tails, [](const Tail& tail) { return tail.from >= tail.end; });
    return Done{};
}

std::optional<DedupKey> dedup_key_of(const RecordView& record) {
    const auto text = record.headers.find(header::dedup);
    if (!text) return std::nullopt;
    const auto bytes = from_hex(*text);
    DedupKey key;
    if (!bytes || bytes->size() != key.bytes.size()) return std::nullopt;
    std::memcpy(key.bytes.data(), bytes->data(), key.bytes.size());
    return key;
}

void remember(const RecordView& record, DedupWindow& window) {
    const auto key = dedup_key_of(record);
    const auto id = parse_event_id(record.headers.get(header::id));
    const auto ingest_time = from_iso(record.headers.get(header::ingest_time));
    if (!key || !id || !ingest_time) return;
    window.remember(*key, {record.address, *id, *ingest_time});
}

}  // namespace

Result<Done> rebuild_dedup(const KafkaOptions& options, Lookup& lookup, DedupWindow& window) {
    auto tails = filled_partitions(options, lookup);
    if (!tails) return tails.error();
    if (auto cut = shorten(*tails, options, lookup); !cut) return cut;
    if (tails->empty()) return Done{};
    std::vector<PartitionReader::Start> starts;
    Offset left = 0;
    for (const Tail& tail : *tails) {
        starts.push_back({tail.where, tail.from});
        left += tail.end - tail.from;
    }
    Signal more;
    auto reader = PartitionReader::open(options, starts, &more, [](TopicPartition where) {
        return fail(ErrorCode::unavailable, "{} changed while it was read", name(where.topic));
    });
    if (!reader) return reader.error();
    const auto deadline = std::chrono::steady_clock::now() + rebuild_time_max;
    while (left > 0 && std::chrono::steady_clock::now() < deadline) {
        const auto seen = more.count();
        auto batch = (*reader)->poll(batch_records, batch_bytes);
        if (!batch) return batch.error();
        for (const RecordView& record : batch->records) remember(record, window);
        left -= std::min<Offset>(left, batch->records.size());
        if (batch->empty()) more.wait(seen, milliseconds{50});
    }
    if (left > 0) logging::warn("kafka_dedup_rebuild_cut_short", {{"unread_records", left}});
    return Done{};
}

}  // namespace bus::kafka
