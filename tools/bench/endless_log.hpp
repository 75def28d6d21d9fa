// A log whose records are made when they are read, so that any number of them needs no memory and
// no disk. One thread; read from the beginning only; nothing can be written to it.
#pragma once

#include "bus/log.hpp"
#include "tools/bench/fold_events.hpp"

namespace bench {

class EndlessLog final : public bus::Log {
public:
    EndlessLog(const FoldWorld& world, bus::PartitionId partitions)
        : world_(world), partitions_(partitions), end_(world.first()) {}

    void let_through(std::size_t records) { end_ += records; }
    std::size_t made() const { return made_; }
    std::size_t messages_made() const { return messages_made_; }
    std::size_t body_bytes() const { return body_bytes_; }
    double making_cpu_us() const { return making_cpu_us_; }  // so far, of the reading thread

    bus::PartitionId partitions() const override { return partitions_; }
    std::string_view engine() const override { return "memory"; }
    void append(bus::NewRecord record, bus::AppendDone done) override;
    bus::Result<std::unique_ptr<bus::Reader>> open_reader(const bus::ReaderOptions&) override;
    bus::Result<bus::OwnedRecord> read_at(const bus::Address& address) override;
    bus::Result<bus::Offset> start_offset(bus::TopicPartition) override { return 0; }
    bus::Result<bus::Offset> end_offset(bus::TopicPartition) override { return 0; }
    bus::LogStatus status() const override { return {.accepting = false, .detail = "made up"}; }
    void close() override {}

private:
    class EndlessReader;

    const FoldWorld& world_;
    const bus::PartitionId partitions_;
    std::size_t end_;
    std::size_t made_ = 0, messages_made_ = 0, body_bytes_ = 0;
    double making_cpu_us_ = 0;
};

}  // namespace bench
