// A log whose readers give nothing, as one that has gone away after it told its end. They give all
// of it in the end, so that a test of somebody who waits for ever fails.
#pragma once

#include "tests/support/forwarding_log.hpp"

namespace tests {

class SilentLog final : public ForwardingLog {
public:
    using ForwardingLog::ForwardingLog;

    bus::Result<std::unique_ptr<bus::Reader>> open_reader(
        const bus::ReaderOptions& options) override {
        auto reader = ForwardingLog::open_reader(options);
        if (!reader) return reader.error();
        return std::unique_ptr<bus::Reader>(std::make_unique<SilentReader>(*std::move(reader)));
    }

private:
    class SilentReader final : public bus::Reader {
    public:
        explicit SilentReader(std::unique_ptr<bus::Reader> reader) : reader_(std::move(reader)) {}
        bus::Result<bus::RecordBatch> poll(std::size_t records, std::size_t bytes) override {
            if (std::chrono::steady_clock::now() > until_) return reader_->poll(records, bytes);
            return bus::RecordBatch{};
        }

    private:
        const std::unique_ptr<bus::Reader> reader_;
        const std::chrono::steady_clock::time_point until_ =
            std::chrono::steady_clock::now() + std::chrono::seconds{5};
    };
};

}  // namespace tests
