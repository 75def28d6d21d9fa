// What is remembered of records that were read, and what a batch says that does not fit.
#include "bus/kafka/log_marks.hpp"

#include "bus/envelope.hpp"
#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

using bus::ErrorCode;
using bus::Offset;
using bus::kafka::LogMarks;

namespace {

constexpr bus::TopicPartition where{bus::Topic::chat, 1};

bus::EventId id(std::uint8_t life, Offset offset) {
    bus::EventId id;
    id.bytes[0] = life;
    id.bytes[15] = static_cast<std::uint8_t>(offset);
    return id;
}

// Of the offsets from `first` to before `end`; those of another life of the topic have other ids.
struct Batch {
    std::vector<bus::Headers> headers;
    std::vector<bus::RecordView> records;

    Batch(std::uint8_t life, Offset first, Offset end) {
        for (Offset at = first; at < end; ++at)
            headers.emplace_back().add(bus::header::id, bus::to_string(id(life, at)));
        for (Offset at = first; at < end; ++at)
            records.push_back({.address = {where.topic, where.partition, at},
                               .key = {},
                               .headers = headers[at - first].view(),
                               .value = {}});
    }
};

constexpr std::uint8_t first_life = 1, second_life = 2;

}  // namespace

TEST_CASE("kafka marks: a reader that passes a mark has to find its record there") {
    LogMarks marks("", "t.", 2);
    REQUIRE(marks.read(Batch(first_life, 0, 5).records));
    CHECK(marks.of(where) == LogMarks::Mark{where, 4, id(first_life, 4)});
    REQUIRE(marks.read(Batch(first_life, 1, 3).records));  // of one that is behind
    CHECK(marks.of(where)->offset == 4);
    REQUIRE(marks.read(Batch(first_life, 3, 8).records));
    CHECK(marks.of(where)->offset == 7);
    const auto other = marks.read(Batch(second_life, 5, 12).records);
    REQUIRE_FALSE(other);
    CHECK(other.error().code == ErrorCode::corrupt);
    CHECK(marks.of(where) == LogMarks::Mark{where, 7, id(first_life, 7)});
}

TEST_CASE("kafka marks: what was read is known when the program starts again") {
    const tests::TempDirectory folder;
    const auto file = bus::kafka::read_marks_file(folder.path() / "kafka-marks");
    {
        LogMarks marks(file, "t.", 2);
        REQUIRE(marks.read(Batch(first_life, 0, 5).records));
        REQUIRE(marks.read(Batch(first_life, 5, 9).records));
    }
    CHECK(LogMarks(file, "t.", 2).of(where) == LogMarks::Mark{where, 8, id(first_life, 8)});
    CHECK_FALSE(LogMarks(file, "u.", 2).of(where));
}
