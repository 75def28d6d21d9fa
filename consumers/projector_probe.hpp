// What happened in a partition's projector, as metrics.
#pragma once

#include "bus/metrics.hpp"
#include "bus/topic.hpp"

#include <chrono>

namespace consumers {

class ProjectorProbe {
public:
    explicit ProjectorProbe(bus::PartitionId partition);

    void committed(std::size_t records, std::chrono::nanoseconds commit_took);
    void dead_lettered(std::size_t failures) { dead_letters_.add(failures); }
    void duplicate_skipped() { duplicates_.add(); }
    void failed() { failures_.add(); }
    void rebuilt() { rebuilds_.add(); }
    void lagging(std::uint64_t records, bool known) {
        lag_.set(static_cast<double>(records));
        lag_known_.set(known ? 1 : 0);
    }

private:
    bus::metrics::Counter& records_;
    bus::metrics::Counter& dead_letters_;
    bus::metrics::Counter& duplicates_;
    bus::metrics::Counter& failures_;
    bus::metrics::Counter& rebuilds_;
    bus::metrics::Gauge& lag_;
    bus::metrics::Gauge& lag_known_;
    bus::metrics::Histogram& commit_;
};

}  // namespace consumers
