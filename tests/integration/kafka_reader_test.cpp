// What a reader says of an offset that a broker does not reach, or no longer has.
#include "bus/kafka/mark_check.hpp"
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

ErrorCode read_failure(const bus::kafka::KafkaOptions& options, Offset from,
                       const bus::kafka::Bounds& bounds) {
    auto reader = PartitionReader::open(options, {{where, from}}, nullptr, bounds);
    REQUIRE(reader);
    std::optional<bus::Error> failure;
    REQUIRE(tests::eventually([&] {
        const auto batch = (*reader)->poll(1, 1);
        if (!batch) failure = batch.error();
        return failure.has_value();
    }));
    return failure->code;
}

ErrorCode read_where_nothing_is(Told& told) {
    tests::MockCluster cluster;
    const auto options = tests::kafka_options(cluster.brokers(), "reader.");
    cluster.make_topic(bus::kafka::topic_name(options, where.topic));
    return read_failure(options, wanted, [&](bus::TopicPartition) { return told.next(); });
}

bus::EventId id(std::uint8_t number) {
    bus::EventId id;
    id.bytes[0] = number;
    return id;
}

// Of a reader that has read up to offset 3, whose newest record was `read`; the topic had lost two
// and has records 0 to 6 by the time that its bounds are asked for.
ErrorCode read_where_others_grew(bus::EventId read) {
    tests::MockCluster cluster;
    const auto options = tests::kafka_options(cluster.brokers(), "reader.");
    for (std::size_t i = 0; i < bus::topic_count; ++i)
        cluster.make_topic(bus::kafka::topic_name(options, bus::topic_at(i)));
    const std::string topic = bus::kafka::topic_name(options, where.topic);
    bus::kafka::MarkCheck marks(options);
    marks.read.moved({where.topic, where.partition, 2}, read);
    auto lookup = bus::kafka::Lookup::open(options);
    REQUIRE(lookup);
    cluster.append(topic, bus::to_string(id(0)));
    return read_failure(options, 3, [&, grown = false](bus::TopicPartition asked) mutable {
        for (std::uint8_t i = 1; !grown && i < 7; ++i) cluster.append(topic, bus::to_string(id(i)));
        grown = true;
        return marks.bounds(**lookup, asked);
    });
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

TEST_CASE("kafka reader: an end that has grown again passes only with the record that was read") {
    CHECK(read_where_others_grew(id(2)) == ErrorCode::unavailable);
    CHECK(read_where_others_grew(id(200)) == ErrorCode::corrupt);
}

TEST_CASE("kafka reader: what retention has dropped is gone") {
    Told told{.bounds = {{wanted + 1, wanted + 10}}};
    CHECK(read_where_nothing_is(told) == ErrorCode::gone);
}
