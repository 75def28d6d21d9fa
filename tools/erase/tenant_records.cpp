#include "tools/erase/tenant_records.hpp"

#include "bus/read_wait.hpp"

namespace tools::erase {

using bus::Done;
using bus::Result;

namespace {

constexpr std::size_t step_records = 512;
constexpr std::size_t step_bytes = 4u << 20;

struct Extent {
    bus::Position start, end;
};

Result<Extent> extent_of(bus::Log& log, bus::PartitionId partition) {
    Extent extent;
    for (std::size_t i = 0; i < bus::partitioned_topics; ++i) {
        const auto start = log.start_offset({bus::topic_at(i), partition});
        if (!start) return start.error();
        extent.start.next[i] = *start;
    }
    const auto end = log.end_position(partition);
    if (!end) return end.error();
    extent.end = *end;
    return extent;
}

bool has_reached(const bus::Position& now, const bus::Position& end) {
    for (std::size_t i = 0; i < bus::partitioned_topics; ++i)
        if (now.next[i] < end.next[i]) return false;
    return true;
}

}  // namespace

bus::PartitionId partition_of(const bus::Log& log, bus::TenantId tenant) {
    return bus::partition_of(bus::to_string(tenant), log.partitions());
}

Result<std::uint64_t> records_to_read(bus::Log& log, bus::TenantId tenant) {
    const auto extent = extent_of(log, partition_of(log, tenant));
    if (!extent) return extent.error();
    std::uint64_t records = 0;
    for (std::size_t i = 0; i < bus::partitioned_topics; ++i)
        records += extent->end.next[i] - extent->start.next[i];
    return records;
}

Result<Done> visit_tenant_records(
    bus::Log& log, bus::TenantId tenant, jobs::JobRun& run,
    const std::function<Result<Done>(const bus::RecordView&)>& visit) {
    const bus::PartitionId partition = partition_of(log, tenant);
    const std::string key = bus::to_string(tenant);
    const auto extent = extent_of(log, partition);
    if (!extent) return extent.error();
    bus::Signal more;
    const auto reader =
        log.open_reader({.partition = partition,
                         .topics = bus::partitioned_topic_set(),
                         .from =
                             [&] {
                                 std::array<bus::Offset, bus::topic_count> from{};
                                 for (std::size_t i = 0; i < bus::partitioned_topics; ++i)
                                     from[i] = extent->start.next[i];
                                 return from;
                             }(),
                         .signal = &more});
    if (!reader) return reader.error();
    bus::Position now = extent->start;
    bus::ReadWait waiting(log, {.go_on = [&run] { return run.go_on(); }});
    while (!has_reached(now, extent->end)) {
        if (!run.go_on()) return bus::fail(bus::ErrorCode::cancelled, "stopped");
        const auto seen = more.count();
        const auto batch = (*reader)->poll(step_records, step_bytes);
        if (!batch) return batch.error();
        for (const bus::RecordView& record : batch->records) {
            now.advance(record.address);
            if (record.key != key) continue;
            if (auto visited = visit(record); !visited) return visited;
        }
        run.advance(batch->records.size());
        if (!batch->empty()) {
            waiting.came();
        } else if (auto waited = waiting.wait(more, seen); !waited) {
            return waited;
        }
    }
    return Done{};
}

}  // namespace tools::erase
