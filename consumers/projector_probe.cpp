#include "consumers/projector_probe.hpp"

#include <fmt/format.h>

namespace consumers {

namespace {
std::string label(bus::PartitionId partition) {
    return fmt::format("partition=\"{}\"", partition);
}
}  // namespace

using namespace bus::metrics;

ProjectorProbe::ProjectorProbe(bus::PartitionId partition)
    : records_(counter("consumer_committed_records_total", label(partition),
                       "Records whose rows and checkpoint were written.")),
      dead_letters_(counter("consumer_dead_letters_total", label(partition),
                            "Events that could not be mapped and became dead letters.")),
      duplicates_(counter("consumer_duplicates_total", label(partition),
                          "Records skipped as a copy of an earlier one (Kafka only).")),
      failures_(counter("consumer_step_failures_total", label(partition),
                        "Steps that failed and were undone.")),
      rebuilds_(counter("consumer_store_rebuilds_total", label(partition),
                        "Damaged stores that were set aside and rebuilt.")),
      lag_(gauge("consumer_lag_records", label(partition),
                 "Records between the checkpoint and the log's end.")),
      lag_known_(gauge("consumer_lag_known", label(partition),
                       "0 while the log does not tell its end: the lag is an old one.")),
      commit_(histogram("store_commit_seconds", label(partition), "Time of one store write.")) {}

void ProjectorProbe::committed(std::size_t records, std::chrono::nanoseconds commit_took) {
    records_.add(records);
    commit_.observe_seconds(std::chrono::duration<double>(commit_took).count());
}

}  // namespace consumers
