// What becomes of records that a cluster has left unanswered when their producer is closed.
#include "bus/kafka/producer.hpp"

#include "tests/support/kafka_records.hpp"
#include "tests/support/mock_cluster.hpp"

using bus::kafka::Pending;
using bus::kafka::Producer;

TEST_CASE("kafka producer: who is to close at once gives up what is on its way, and says so") {
    tests::MockCluster cluster;
    auto options = tests::kafka_options(cluster.brokers(), "producer.");
    options.message_timeout = bus::milliseconds{20'000};
    options.close_wait_max = bus::milliseconds{0};
    cluster.make_topic(bus::kafka::topic_name(options, bus::Topic::chat));
    std::optional<bus::Result<bus::Offset>> answer;
    auto producer =
        Producer::start(options, [&](const std::unique_ptr<Pending>&,
                                     const bus::Result<bus::Offset>& offset) { answer = offset; });
    REQUIRE(producer);
    cluster.stop_answering();
    auto pending = std::make_unique<Pending>();
    pending->record = tests::new_record(bus::Topic::chat, 0, "one");
    REQUIRE((*producer)->send(pending));
    (*producer)->close();
    REQUIRE(answer);
    REQUIRE_FALSE(*answer);
    CHECK(answer->error().code == bus::ErrorCode::unavailable);
    CHECK_MESSAGE(answer->error().message.find("Purged") != std::string::npos,
                  answer->error().message);  // it did not wait for the time-out
}
