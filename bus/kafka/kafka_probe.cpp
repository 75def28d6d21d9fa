#include "bus/kafka/kafka_probe.hpp"

#include "bus/kafka/statistics_scan.hpp"
#include "bus/logging.hpp"
#include "bus/metrics.hpp"

#include <algorithm>

namespace bus::kafka {
namespace {

metrics::Gauge& gauge(std::string_view name, std::string_view help) {
    return metrics::gauge(name, "", help);
}

// Over all brokers: the sum, or for times the largest.
struct BrokerTotals {
    double rtt_p99_us = 0;
    double int_latency_p99_us = 0;
    double waiting_requests = 0;
    double request_timeouts = 0;
    double retries = 0;

    void add(std::string_view path, double value) {
        if (path.ends_with("/rtt/p99")) rtt_p99_us = std::max(rtt_p99_us, value);
        if (path.ends_with("/int_latency/p99")) {
            int_latency_p99_us = std::max(int_latency_p99_us, value);
        }
        if (path.ends_with("/outbuf_cnt")) waiting_requests += value;
        if (path.ends_with("/req_timeouts")) request_timeouts += value;
        if (path.ends_with("/txretries")) retries += value;
    }
};

void publish(const BrokerTotals& totals) {
    gauge("kafka_rtt_p99_seconds", "Round trip to the slowest broker, 99th percentile")
        .set(totals.rtt_p99_us / 1e6);
    gauge("kafka_linger_p99_seconds", "Time a record waits in the producer, 99th percentile")
        .set(totals.int_latency_p99_us / 1e6);
    gauge("kafka_waiting_requests", "Requests waiting to be sent").set(totals.waiting_requests);
    gauge("kafka_request_timeouts", "Requests timed out since the client was made")
        .set(totals.request_timeouts);
    gauge("kafka_request_retries", "Requests sent again since the client was made")
        .set(totals.retries);
}

}  // namespace

void KafkaProbe::statistics(std::string_view json) {
    BrokerTotals totals;
    scan_numbers(json, [&](std::string_view path, double value) {
        if (path.starts_with("brokers/")) return totals.add(path, value);
        if (path == "msg_cnt") gauge("kafka_waiting_records", "Records in the producer").set(value);
        if (path == "msg_size") gauge("kafka_waiting_bytes", "Bytes in the producer").set(value);
        if (path == "txmsgs") {
            gauge("kafka_sent_records", "Records sent since the client was made").set(value);
        }
    });
    publish(totals);
}

void KafkaProbe::reachable(bool now, std::string_view brokers) {
    gauge("kafka_reachable", "1 while a broker answers").set(now ? 1 : 0);
    if (now) {
        logging::info("kafka_back", {{"brokers", brokers}});
    } else {
        logging::warn("kafka_away", {{"brokers", brokers}});
    }
}

void KafkaProbe::producer_replaced() {
    metrics::counter("kafka_producers_replaced_total", "",
                     "Producers made anew after a fatal error of the idempotent protocol")
        .add();
    logging::warn("kafka_producer_replaced");
}

}  // namespace bus::kafka
