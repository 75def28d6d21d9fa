// The text of a range stands in facts and notes on the disk: it names the first and the last.
#include "bus/record_range.hpp"

#include <doctest/doctest.h>

using namespace bus;

namespace {

constexpr TopicPartition here{Topic::chat, 3};

void check_text(const RecordRange& range, std::string_view text) {
    CHECK(to_string(range) == text);
    const auto parsed = parse_record_range(text);
    REQUIRE(parsed);
    CHECK(*parsed == range);
}

}  // namespace

TEST_CASE("record range: its text names the first and the last, or the one there is") {
    check_text({here, 4711, 4712}, "chat/3/4711");
    check_text({here, 4711, 4721}, "chat/3/4711-4720");
    check_text({here, 0, 2}, "chat/3/0-1");
    check_text({here, 0, ~Offset{0}}, "chat/3/0-18446744073709551614");
    CHECK(*parse_record_range("chat/3/7-7") == RecordRange{here, 7, 8});
}

TEST_CASE("record range: what names no records is refused") {
    for (const std::string_view text :
         {"", "-", "chat/3", "chat/3/", "chat/3/-4", "chat/3/4-", "chat/3/5-4", "chat/3/4-5x",
          "chat/3/4-5-6", "chat/3/18446744073709551615", "chat/3/0-18446744073709551615"})
        CHECK_MESSAGE(!parse_record_range(text), text);
}

TEST_CASE("record range: neighbours are joined, and come apart as they were") {
    const TopicPartition other{Topic::chat, 4};
    const std::vector<Address> sorted = {
        {Topic::chat, 3, 0}, {Topic::chat, 3, 1}, {Topic::chat, 3, 3}, {Topic::chat, 4, 4}};
    const auto ranges = ranges_of({sorted[2], sorted[1], sorted[3], sorted[0], sorted[1]});
    CHECK(ranges == std::vector<RecordRange>{{here, 0, 2}, {here, 3, 4}, {other, 4, 5}});
    CHECK(addresses_of(ranges) == sorted);
}

TEST_CASE("record range: sorted ones have what one of them has, an earlier and longer one too") {
    const std::vector<RecordRange> ranges = {{here, 2, 9}, {here, 4, 5}};
    for (Offset offset = 0; offset < 12; ++offset)
        CHECK(contains(ranges, {Topic::chat, 3, offset}) == (2 <= offset && offset < 9));
    CHECK_FALSE(contains(ranges, {Topic::chat, 2, 4}));
    CHECK_FALSE(contains(ranges, {Topic::voice, 3, 4}));
}
