#include "bus/kafka/kafka_log.hpp"
#include "tests/conformance/log_conformance.hpp"
#include "tests/support/kafka_records.hpp"
#include "tests/support/local_broker.hpp"

using namespace tests::conformance;
using bus::kafka::KafkaLog;
using bus::kafka::KafkaOptions;
using tests::LocalBroker;

namespace {

std::unique_ptr<Log> open_log(const KafkaOptions& options) {
    auto log = KafkaLog::open(options);
    REQUIRE_MESSAGE(log.has_value(), (log ? "" : log.error().message));
    return std::move(*log);
}

}  // namespace

// Duplicates are best effort across processes; within one, and after its restart, they are exact.
TEST_CASE("the log on Kafka keeps the promises of a log") {
    auto options = tests::kafka_options(LocalBroker::instance().bootstrap(), "");
    options.partitions = 4;
    run_all({.create =
                 [&] {
                     options.topic_prefix = LocalBroker::fresh_prefix();
                     return open_log(options);
                 },
             .reopen =
                 [&](std::unique_ptr<Log> log) {
                     log.reset();
                     return open_log(options);
                 },
             .create_small = nullptr,
             .erases = false,
             .durability = Durability::one_broker,
             .wait_max = 20s});
}
