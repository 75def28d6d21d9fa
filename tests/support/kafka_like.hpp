// A log that says it is Kafka, where duplicates reach the fold; it may have expired records, and
// not tell its offsets.
#pragma once

#include "bus/log.hpp"

#include <atomic>
#include <thread>

namespace tests {

class KafkaLike final : public bus::Log {
public:
    explicit KafkaLike(bus::Log& log) : log_(log) {}
    bus::PartitionId partitions() const override { return log_.partitions(); }
    std::string_view engine() const override { return "kafka"; }
    void append(bus::NewRecord record, bus::AppendDone done) override {
        log_.append(std::move(record), std::move(done));
    }
    bus::Result<std::unique_ptr<bus::Reader>> open_reader(
        const bus::ReaderOptions& options) override {
        return log_.open_reader(options);
    }
    bus::Result<bus::OwnedRecord> read_at(const bus::Address& address) override {
        return log_.read_at(address);
    }
    bus::Result<bus::Offset> start_offset(bus::TopicPartition where) override {
        if (auto refused = refuse()) return *refused;
        return expired ? log_.end_offset(where) : log_.start_offset(where);
    }
    bus::Result<bus::Offset> end_offset(bus::TopicPartition where) override {
        if (auto refused = refuse()) return *refused;
        return log_.end_offset(where);
    }
    bus::LogStatus status() const override { return log_.status(); }
    void close() override {}

    std::atomic<bool> offsets_away{false};
    std::atomic<bool> asked_by_maker{false};
    bool expired = false;  // every record

private:
    std::optional<bus::Error> refuse() {
        if (std::this_thread::get_id() == maker_) asked_by_maker = true;
        if (!offsets_away) return std::nullopt;
        return bus::fail(bus::ErrorCode::unavailable, "no broker");
    }

    bus::Log& log_;
    const std::thread::id maker_ = std::this_thread::get_id();
};

}  // namespace tests
