#include "bus/embedded/journal_reader.hpp"

#include "bus/erased_copy.hpp"

namespace bus::embedded {
namespace {

constexpr std::size_t look_up_records = 256;
constexpr std::uint64_t read_ahead_bytes_max = 8u << 20;

}  // namespace

JournalReader::JournalReader(SegmentList& segments, const TailCache& cache, ReaderSignals& signals,
                             const Slots& slots, const ReaderOptions& options)
    : segments_(segments), cache_(cache), signals_(signals), fetch_(cache) {
    std::vector<bool> wanted(slots.count());
    for (std::size_t t = 0; t < topic_count; ++t) {
        if (!options.topics[t]) continue;
        const Topic topic = topic_at(t);
        const PartitionId partition = is_partitioned(topic) ? options.partition : 0;
        const std::size_t slot = slots[{topic, partition}];
        wanted[slot] = true;
        cursors_.push_back({.topic = topic,
                            .partition = partition,
                            .slot = slot,
                            .next = options.from[t],
                            .run = {}});
    }
    if (options.signal) signals_.add(this, options.signal, std::move(wanted));
}

JournalReader::~JournalReader() {
    signals_.remove(this);
}

Result<Done> JournalReader::look_up(Cursor& cursor) {
    auto run = segments_.locate(cursor.slot, cursor.next, look_up_records);
    if (!run) return run.error();
    cursor.run = std::move(*run);
    cursor.used = 0;
    if (cursor.empty()) return Done{};
    const Segment& segment = *cursor.run.segment;
    const Place first = cursor.run.places.front(), last = cursor.run.places.back();
    if (!cache_.find(segment.id(), first)) {
        const std::uint64_t bytes = std::uint64_t{last.at} + last.bytes - first.at;
        segment.file().will_read(first.at, std::min(bytes, read_ahead_bytes_max));
    }
    return Done{};
}

JournalReader::Cursor* JournalReader::earliest() {
    Cursor* found = nullptr;
    for (Cursor& cursor : cursors_)
        if (!cursor.empty() && (!found || cursor.before(*found))) found = &cursor;
    return found;
}

Result<RecordView> JournalReader::take(Cursor& cursor, FetchStorage& storage) {
    const Address address{cursor.topic, cursor.partition, cursor.next};
    auto record = fetch_.get(*cursor.run.segment, cursor.place(), address, storage);
    if (!record) return record.error();
    cursor.used += 1;
    cursor.next += 1;
    const HeadersView headers(record->headers);
    return RecordView{
        .address = address,
        .key = record->key,
        .headers = headers,
        .value = record->body(),
        .tombstone = (record->meta.flags & Flags::tombstone) != 0,
        .erased = record->erased() || record->expired() || says_erased(record->body(), headers),
        .expired = record->expired() || says_expired(record->body(), headers)};
}

Result<RecordBatch> JournalReader::poll(std::size_t records_max, std::size_t bytes_max) {
    for (Cursor& cursor : cursors_) {
        if (!cursor.empty()) continue;
        if (auto looked = look_up(cursor); !looked) return looked.error();
    }
    auto storage = std::make_shared<FetchStorage>();
    RecordBatch batch;
    std::size_t bytes = 0;
    while (batch.records.size() < records_max && (batch.empty() || bytes < bytes_max)) {
        Cursor* const cursor = earliest();
        if (!cursor) break;
        auto record = take(*cursor, *storage);
        if (!record) {
            if (batch.empty()) return record.error();
            break;  // the next poll says it again
        }
        bytes += record->key.size() + record->headers.bytes().size() + record->value.size();
        batch.records.push_back(*record);
        if (!cursor->empty()) continue;
        if (auto looked = look_up(*cursor); !looked) break;  // likewise
    }
    batch.storage = std::move(storage);
    return batch;
}

}  // namespace bus::embedded
