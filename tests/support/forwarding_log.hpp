// What a log double is that changes one thing about a real log: everything else goes to it.
#pragma once

#include "bus/log.hpp"

namespace tests {

class ForwardingLog : public bus::Log {
public:
    explicit ForwardingLog(bus::Log& log) : log_(log) {}

    bus::PartitionId partitions() const override { return log_.partitions(); }
    std::string_view engine() const override { return log_.engine(); }
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
        return log_.start_offset(where);
    }
    bus::Result<bus::Offset> end_offset(bus::TopicPartition where) override {
        return log_.end_offset(where);
    }
    bus::LogStatus status() const override { return log_.status(); }
    void close() override {}  // whoever owns the log closes it

private:
    bus::Log& log_;
};

}  // namespace tests
