// What a reader says of an offset that a broker does not reach, or no longer has.
#include "bus/kafka/partition_reader.hpp"

#include "tests/support/eventually.hpp"
#include "tests/support/kafka_records.hpp"
#include "tests/support/mock_cluster.hpp"

#include <deque>

using bus::ErrorCode;
using bus::Offset;
using bus::kafka::PartitionReader;

namespace {

constexpr bus::TopicPartition where{bus::Topic::chat, 0};
constexpr Offset wanted = 200;  // the topic is empty

// What the brokers say of the topic partition; the last answer stays.
struct Told {
    std::deque<std::pair<Offset, Offset>> bounds;
    int asked = 0;

    bus::Result<std::pair<Offset, Offset>> next() {
        ++asked;
        const auto answer = bounds.front();
        if (bounds.size() > 1) bounds.pop_front();
        return answer;
    }
};

ErrorCode read_where_nothing_is(Told& told) {
    tests::MockCluster cluster;
    const auto options = tests::kafka_options(cluster.brokers(), "reader.");
    cluster.make_topic(bus::kafka::topic_name(options, where.topic));
    auto reader = PartitionReader::open(options, {{where, wanted}}, nullptr,
                                        [&](bus::TopicPartition) { return told.next(); });
    REQUIRE(reader);
    std::optional<bus::Error> failure;
    REQUIRE(tests::eventually([&] {
        const auto batch = (*reader)->poll(1, 1);
        if (!batch) failure = batch.error();
        return failure.has_value();
    }));
    return failure->code;
}

}  // namespace

TEST_CASE("kafka reader: an offset within what the brokers have passes by itself") {
    Told told{.bounds = {{0, wanted + 10}}};
    CHECK(read_where_nothing_is(told) == ErrorCode::unavailable);
    told.bounds = {{wanted, wanted}};
    CHECK(read_where_nothing_is(told) == ErrorCode::unavailable);
}

TEST_CASE("kafka reader: an end that lies behind is believed once it has stayed there") {
    Told moment{.bounds = {{0, wanted - 50}, {0, wanted}}};
    CHECK(read_where_nothing_is(moment) == ErrorCode::unavailable);
    Told for_good{.bounds = {{0, wanted - 50}}};
    CHECK(read_where_nothing_is(for_good) == ErrorCode::corrupt);
    CHECK(for_good.asked > 1);
}

TEST_CASE("kafka reader: what retention has dropped is gone") {
    Told told{.bounds = {{wanted + 1, wanted + 10}}};
    CHECK(read_where_nothing_is(told) == ErrorCode::gone);
}
