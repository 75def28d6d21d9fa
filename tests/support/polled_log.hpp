// A log double that changes what polling its readers gives: everything else goes to a real log.
#pragma once

#include "tests/support/forwarding_log.hpp"

namespace tests {

class PolledLog : public ForwardingLog {
public:
    using ForwardingLog::ForwardingLog;

    bus::Result<std::unique_ptr<bus::Reader>> open_reader(
        const bus::ReaderOptions& options) override {
        auto reader = ForwardingLog::open_reader(options);
        if (!reader) return reader.error();
        return std::unique_ptr<bus::Reader>(
            std::make_unique<PolledReader>(*std::move(reader), poll_of(options)));
    }

protected:
    using Polled = bus::Result<bus::RecordBatch>;
    // What poll() of one reader does, instead of the real reader that it is given. The function
    // lives as long as its reader, whose state it may keep; &bus::Reader::poll changes nothing.
    using Poll =
        std::function<Polled(bus::Reader&, std::size_t records_max, std::size_t bytes_max)>;

    // Called once for each reader that the real log has opened.
    virtual Poll poll_of(const bus::ReaderOptions& options) = 0;

private:
    class PolledReader final : public bus::Reader {
    public:
        PolledReader(std::unique_ptr<bus::Reader> reader, Poll poll)
            : reader_(std::move(reader)), poll_(std::move(poll)) {}
        Polled poll(std::size_t records_max, std::size_t bytes_max) override {
            return poll_(*reader_, records_max, bytes_max);
        }

    private:
        const std::unique_ptr<bus::Reader> reader_;
        const Poll poll_;
    };
};

}  // namespace tests
