// What a log acknowledged, kept outside of it, and the comparison with what it holds afterwards.
#pragma once

#include "bus/envelope.hpp"
#include "bus/log.hpp"

#include <map>
#include <set>

namespace tests::crash {

// Record number n: its value, id and dedup key all say n.
inline bus::NewRecord numbered_record(std::uint64_t number, bus::PartitionId partitions) {
    bus::NewRecord record;
    record.topic = bus::topic_at(number % 3);
    record.partition = static_cast<bus::PartitionId>(number / 3 % partitions);
    record.key = "tnt_x";
    bus::EventId id;
    __builtin_memcpy(id.bytes.data(), &number, sizeof number);
    record.headers.add(bus::header::id, to_string(id));
    record.value = std::to_string(number) + ":" + std::string(number * 37 % 3000, 'b');
    record.dedup.emplace();
    const std::uint64_t spread = number * 0x9E3779B97F4A7C15u;
    __builtin_memcpy(record.dedup->bytes.data(), &spread, sizeof spread);
    __builtin_memcpy(record.dedup->bytes.data() + 8, &spread, sizeof spread);
    record.ingest_time = bus::Timestamp{bus::seconds{1'760'000'000}};
    return record;
}

struct Verdict {
    std::size_t records = 0, lost = 0, doubled = 0, out_of_order = 0, changed = 0;
    bool clean() const { return lost + doubled + out_of_order + changed == 0; }
};

using Acknowledged = std::map<std::uint64_t, bus::Address>;

// Numbers of one topic partition must rise (one thread appended them) unless `retried`.
inline bus::Result<Verdict> compare(bus::Log& log, const Acknowledged& acknowledged,
                                    const std::set<std::uint64_t>& retried = {}) {
    Verdict verdict;
    std::map<std::uint64_t, bus::Address> found;
    for (bus::PartitionId partition = 0; partition < log.partitions(); ++partition) {
        bus::TopicSet topics = bus::partitioned_topic_set();
        auto reader = log.open_reader({.partition = partition, .topics = topics});
        if (!reader) return reader.error();
        std::map<bus::Topic, std::pair<bus::Offset, std::uint64_t>> last;
        while (true) {
            auto batch = (*reader)->poll(500, 1u << 20);
            if (!batch) return batch.error();
            if (batch->empty()) break;
            for (const bus::RecordView& view : batch->records) {
                ++verdict.records;
                const std::uint64_t number = std::stoull(std::string(view.value.substr(0, 20)));
                auto& [offset, previous] = last[view.address.topic];
                if (view.address.offset != offset++) ++verdict.out_of_order;
                if (retried.count(number) == 0) {
                    if (number < previous) ++verdict.out_of_order;
                    previous = number;
                }
                if (!found.emplace(number, view.address).second) ++verdict.doubled;
                if (view.value != numbered_record(number, log.partitions()).value)
                    ++verdict.changed;
            }
        }
    }
    for (const auto& [number, address] : acknowledged) {
        auto there = found.find(number);
        if (there == found.end() || there->second != address) ++verdict.lost;
    }
    return verdict;
}

}  // namespace tests::crash
