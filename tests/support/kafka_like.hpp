// A log that says it is Kafka, where duplicates reach the fold; it may have expired records, not
// tell its offsets, and not let new readers pass.
#pragma once

#include "tests/support/forwarding_log.hpp"

#include <atomic>
#include <thread>

namespace tests {

class KafkaLike final : public ForwardingLog {
public:
    using ForwardingLog::ForwardingLog;

    std::string_view engine() const override { return "kafka"; }
    bus::Result<bus::Offset> start_offset(bus::TopicPartition where) override {
        if (auto refused = refuse()) return *refused;
        return expired || emptied == where.topic ? ForwardingLog::end_offset(where)
                                                 : ForwardingLog::start_offset(where);
    }
    bus::Result<std::unique_ptr<bus::Reader>> open_reader(
        const bus::ReaderOptions& options) override {
        if (damaged) return bus::fail(bus::ErrorCode::corrupt, "a damaged record");
        return ForwardingLog::open_reader(options);
    }
    bus::Result<bus::Offset> end_offset(bus::TopicPartition where) override {
        if (auto refused = refuse()) return *refused;
        return ForwardingLog::end_offset(where);
    }

    std::atomic<bool> offsets_away{false};
    std::atomic<bool> asked_by_maker{false};
    std::atomic<bool> expired{false};   // every record
    std::optional<bus::Topic> emptied;  // every record of this topic
    std::atomic<bool> damaged{false};   // whoever begins to read now meets it

private:
    std::optional<bus::Error> refuse() {
        if (std::this_thread::get_id() == maker_) asked_by_maker = true;
        if (!offsets_away) return std::nullopt;
        return bus::fail(bus::ErrorCode::unavailable, "no broker");
    }

    const std::thread::id maker_ = std::this_thread::get_id();
};

}  // namespace tests
