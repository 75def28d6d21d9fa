#include "bus/spool/spool_probe.hpp"

#include "bus/logging.hpp"
#include "bus/metrics.hpp"

namespace bus::spool {
namespace {

metrics::Gauge& resting_partitions() {
    return metrics::gauge("spool_resting_partitions", "",
                          "Topic partitions whose next record the log does not take");
}

}  // namespace

void SpoolProbe::began(std::uint64_t left_by_earlier_process) {
    if (left_by_earlier_process > 0)
        logging::info("spool_found", {{"records", left_by_earlier_process}});
}

void SpoolProbe::kept() {
    static metrics::Counter& kept = metrics::counter(
        "spool_kept_total", "", "Records kept on the local disk while the log was away");
    kept.add();
}

void SpoolProbe::holds(std::uint64_t records, std::uint64_t bytes) {
    static metrics::Gauge& waiting =
        metrics::gauge("spool_records", "", "Records that wait on the local disk for the log");
    static metrics::Gauge& used = metrics::gauge(
        "spool_bytes", "", "Bytes of the spool's pieces that are not forwarded whole");
    waiting.set(static_cast<double>(records));
    used.set(static_cast<double>(bytes));
}

void SpoolProbe::forwarding_failed(const Error& error, std::uint64_t waiting) {
    logging::warn("spool_not_forwarded", {{"waiting", waiting}, {"error", error.message}});
}

void SpoolProbe::rests(TopicPartition where, const Error& error) {
    logging::warn(
        "spool_partition_rests",
        {{"topic", name(where.topic)}, {"partition", where.partition}, {"error", error.message}});
}

void SpoolProbe::refused(std::size_t resting) {
    static metrics::Counter& refused = metrics::counter(
        "spool_refused_total", "", "Times that a record of the spool was refused by itself");
    refused.add();
    resting_partitions().set(static_cast<double>(resting));
}

void SpoolProbe::goes_on(TopicPartition where, std::size_t resting) {
    resting_partitions().set(static_cast<double>(resting));
    logging::info("spool_partition_goes_on",
                  {{"topic", name(where.topic)}, {"partition", where.partition}});
}

void SpoolProbe::forwarded_all(std::uint64_t records) {
    logging::info("spool_forwarded", {{"records", records}});
}

}  // namespace bus::spool
