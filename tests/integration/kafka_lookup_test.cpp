// What librdkafka answers of offsets while leaders move and right after topics were made: said by
// this file in its place, since no cluster says it when asked to.
#include "bus/kafka/lookup.hpp"

#include "tests/support/kafka_records.hpp"

#include <doctest/doctest.h>

#include <deque>

using bus::Topic;
using bus::kafka::Lookup;

namespace {

struct Answer {
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;  // of each partition
    std::int64_t offset = RD_KAFKA_OFFSET_INVALID;           // left out
};
std::deque<Answer> answers;  // the last one stays

constexpr std::int64_t end = 7;

std::unique_ptr<Lookup> lookup_that_hears(std::deque<Answer> said) {
    answers = std::move(said);
    auto lookup = Lookup::open(tests::kafka_options("127.0.0.1:1", "none."));
    REQUIRE(lookup);
    return *std::move(lookup);
}

}  // namespace

rd_kafka_resp_err_t rd_kafka_offsets_for_times(rd_kafka_t*, rd_kafka_topic_partition_list_t* asked,
                                               int) {
    const Answer answer = answers.front();
    if (answers.size() > 1) answers.pop_front();
    for (int i = 0; i < asked->cnt; ++i) {
        asked->elems[i].err = answer.error;
        asked->elems[i].offset = answer.offset;
    }
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
