// A log whose readers give nothing, as one that has gone away after it told its end. They give all
// of it in the end, so that a test of somebody who waits for ever fails.
#pragma once

#include "tests/support/polled_log.hpp"

namespace tests {

class SilentLog final : public PolledLog {
public:
    using PolledLog::PolledLog;

private:
    Poll poll_of(const bus::ReaderOptions&) override {
        using Clock = std::chrono::steady_clock;
        return [until = Clock::now() + std::chrono::seconds{5}](
                   bus::Reader& reader, std::size_t records, std::size_t bytes) -> Polled {
            if (Clock::now() > until) return reader.poll(records, bytes);
            return bus::RecordBatch{};
        };
    }
};

}  // namespace tests
