// What librdkafka answers of offsets and records while leaders move and right after topics were
// made: said by this file in its place, since no cluster says it when asked to.
#include "bus/kafka/mark_check.hpp"

#include "tests/support/kafka_records.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <optional>
#include <thread>

using bus::Topic;
using bus::kafka::Lookup;

namespace {

struct Answer {
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;  // of each partition
    std::int64_t offset = RD_KAFKA_OFFSET_INVALID;           // left out
};
std::deque<Answer> answers;         // the last one stays
std::optional<std::int64_t> start;  // none: of the answers too

constexpr std::int64_t end = 7;

// Of a record that is fetched: refused as past the end, upon which other answers follow, or there.
struct Fetched {
    bool refused = false;
    std::deque<Answer> answers_then;
};
std::deque<Fetched> fetched;  // none: nothing comes
bus::EventId id_there;

std::unique_ptr<Lookup> lookup_that_hears(std::deque<Answer> said) {
    answers = std::move(said);
    auto lookup = Lookup::open(tests::kafka_options("127.0.0.1:1", "none."));
    REQUIRE(lookup);
    return *std::move(lookup);
}

}  // namespace

rd_kafka_resp_err_t rd_kafka_offsets_for_times(rd_kafka_t*, rd_kafka_topic_partition_list_t* asked,
                                               int) {
    const bool asks_start = start && asked->elems[0].offset == RD_KAFKA_OFFSET_BEGINNING;
    const Answer answer = asks_start ? Answer{.offset = *start} : answers.front();
    if (!asks_start && answers.size() > 1) answers.pop_front();
    for (int i = 0; i < asked->cnt; ++i) {
        asked->elems[i].err = answer.error;
        asked->elems[i].offset = answer.offset;
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

int rd_kafka_consume_start(rd_kafka_topic_t*, std::int32_t, std::int64_t) {
    return 0;
}
int rd_kafka_consume_stop(rd_kafka_topic_t*, std::int32_t) {
    return 0;
}

rd_kafka_message_t* rd_kafka_consume(rd_kafka_topic_t*, std::int32_t, int wait_ms) {
    if (fetched.empty()) std::this_thread::sleep_for(bus::milliseconds{wait_ms});
    if (fetched.empty()) return nullptr;
    auto* message = new rd_kafka_message_t{};
    message->offset = end - 1;
    if (fetched.front().refused) message->err = RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET;
    if (!fetched.front().answers_then.empty()) answers = fetched.front().answers_then;
    fetched.pop_front();
    return message;
}
void rd_kafka_message_destroy(rd_kafka_message_t* message) {
    delete message;
}

rd_kafka_resp_err_t rd_kafka_message_headers(const rd_kafka_message_t*,
                                             rd_kafka_headers_t** found) {
    static const bus::kafka::KafkaHeaders headers{rd_kafka_headers_new(1)};
    const std::string id = bus::to_string(id_there);
    rd_kafka_header_remove(headers.get(), "ce_id");
    rd_kafka_header_add(headers.get(), "ce_id", -1, id.data(), static_cast<ssize_t>(id.size()));
    *found = headers.get();
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

TEST_CASE("kafka lookup: an offset that was left out is asked for again, and no end of the log") {
    auto lookup = lookup_that_hears({{}, {}, {.offset = end}});
    CHECK(lookup->end_offset({Topic::chat, 0}).value_or(0) == end);
    lookup = lookup_that_hears({{}, {.offset = end}});
    CHECK(lookup->end_offset_now({Topic::chat, 0}).value_or(0) == end);
    lookup = lookup_that_hears({{}, {.offset = end}});
    CHECK(lookup->start_offset({Topic::chat, 0}).value_or(0) == end);
}

TEST_CASE("kafka lookup: right after topics were made a broker that knows none is asked again") {
    for (const auto error :
         {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,
          RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION}) {
        auto lookup = lookup_that_hears({{.error = error}, {.offset = end}});
        const auto found = lookup->end_offset({Topic::chat, 1});
        CHECK_MESSAGE(found.value_or(0) == end, std::string(rd_kafka_err2name(error)));
    }
}

TEST_CASE("kafka lookup: what does not pass by itself is told") {
    auto lookup = lookup_that_hears({{.error = RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED}});
    CHECK(lookup->end_offset({Topic::chat, 0}).error().code == bus::ErrorCode::unavailable);
}

TEST_CASE("kafka lookup: a record that came since the end was asked for is not past it") {
    const bus::Address address{Topic::chat, 0, end};
    auto lookup = lookup_that_hears({{.offset = end}, {.offset = end + 1}});
    REQUIRE(lookup->end_offset({Topic::chat, 0}).value_or(0) == end);
    CHECK(lookup->read_at(address).error().code == bus::ErrorCode::unavailable);  // no broker
    lookup = lookup_that_hears({{.offset = end}});
    CHECK(lookup->read_at(address).error().code == bus::ErrorCode::not_found);
}

TEST_CASE("kafka lookup: a broker that lags for a moment takes no mark away, one for good does") {
    const bus::TopicPartition where{Topic::chat, 0};
    const Answer behind{.offset = end - 2}, whole{.offset = end};
    bus::kafka::MarkCheck marks(tests::kafka_options("127.0.0.1:1", "none."));
    start = 0;
    id_there.bytes[0] = 7;
    marks.read.moved({where.topic, where.partition, end - 1}, id_there);
    auto lookup = lookup_that_hears({whole});
    fetched = {{.refused = true, .answers_then = {behind, whole}}, {}};
    const auto same = marks.check(*lookup, where);
    CHECK_MESSAGE(same, (same ? "" : same.error().message));
    CHECK(fetched.empty());

    lookup = lookup_that_hears({whole});
    fetched = {{.refused = true, .answers_then = {behind}}};
    const auto lost = marks.check(*lookup, where);
    REQUIRE_FALSE(lost);
    CHECK(lost.error().code == bus::ErrorCode::corrupt);
    start.reset();
}
