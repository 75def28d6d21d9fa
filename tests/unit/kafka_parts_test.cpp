#include "bus/kafka/dedup_window.hpp"
#include "bus/kafka/statistics_scan.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <map>

using bus::kafka::DedupWindow;
using bus::kafka::Seen;
using namespace std::chrono_literals;

namespace {

bus::DedupKey key_of(std::uint64_t number) {
    bus::DedupKey key;
    const std::uint64_t bits = number * 0x9E3779B97F4A7C15u;
    std::memcpy(key.bytes.data(), &bits, 8);
    key.bytes[15] = static_cast<std::uint8_t>(number);
    return key;
}

Seen seen_at(bus::Offset offset, std::chrono::seconds time = 0s) {
    return {
        .address = {bus::Topic::chat, 0, offset}, .id = {}, .ingest_time = bus::Timestamp{time}};
}

bus::AppendDone counting(int& answers) {
    return [&answers](const bus::Result<bus::Appended>&) { ++answers; };
}

DedupWindow::Outcome begin(DedupWindow& window, std::uint64_t number,
                           std::chrono::seconds time = 0s) {
    bus::AppendDone done = [](const bus::Result<bus::Appended>&) {};
    return window.begin(key_of(number), bus::Timestamp{time}, 60s, done);
}

bool is_fresh(const DedupWindow::Outcome& outcome) {
    return std::holds_alternative<DedupWindow::Fresh>(outcome);
}

}  // namespace

TEST_CASE("kafka dedup: a copy of a record on its way waits and comes back with its result") {
    DedupWindow window(1000);
    int answers = 0;
    CHECK(is_fresh(begin(window, 1)));
    auto done = counting(answers);
    CHECK(std::holds_alternative<DedupWindow::Queued>(
        window.begin(key_of(1), bus::Timestamp{}, 60s, done)));
    const auto waiting = window.settle(key_of(1), seen_at(7));
    REQUIRE(waiting.size() == 1);
    waiting[0](bus::Appended{});
    CHECK(answers == 1);
    const auto copy = begin(window, 1);
    REQUIRE(std::holds_alternative<Seen>(copy));
    CHECK(std::get<Seen>(copy).address.offset == 7);
}

TEST_CASE("kafka dedup: a record that was refused is not remembered") {
    DedupWindow window(1000);
    CHECK(is_fresh(begin(window, 1)));
    CHECK(window.forget(key_of(1)).empty());
    CHECK(is_fresh(begin(window, 1)));
}

TEST_CASE("kafka dedup: past its window a key is fresh again and counts from there") {
    DedupWindow window(1000);
    window.remember(key_of(1), seen_at(1, 0s));
    CHECK_FALSE(is_fresh(begin(window, 1, 59s)));
    CHECK(is_fresh(begin(window, 1, 60s)));
    window.settle(key_of(1), seen_at(2, 60s));
    CHECK_FALSE(is_fresh(begin(window, 1, 119s)));
}

TEST_CASE("kafka dedup: of many keys the latest half at least is known, and no more than asked") {
    constexpr std::uint64_t keys_max = 32'000, keys = 200'000;
    DedupWindow window(keys_max);
    for (std::uint64_t i = 0; i < keys; ++i) window.remember(key_of(i), seen_at(i));
    std::uint64_t known = 0;
    for (std::uint64_t i = 0; i < keys; ++i) known += !is_fresh(begin(window, i));
    CHECK(known <= keys_max);
    CHECK(known >= keys_max / 3);
    const auto latest = begin(window, keys - 1);
    REQUIRE(std::holds_alternative<Seen>(latest));
    CHECK(std::get<Seen>(latest).address.offset == keys - 1);
}

TEST_CASE("kafka statistics: numbers are found by path, foreign text yields none") {
    std::map<std::string, double, std::less<>> numbers;
    const auto collect = [&](std::string_view path, double value) {
        numbers[std::string(path)] = value;
    };
    bus::kafka::scan_numbers(
        R"({ "name": "a\"b", "msg_cnt":3, "brokers":{ "h:1/1": { "rtt": {"p99":1250, "avg":-2}, )"
        R"("toppars":{ "x-0": {"partition":0} } }, "h:2/2": {"outbuf_cnt":4} }, "txmsgs":12 } )",
        collect);
    CHECK(numbers["msg_cnt"] == 3);
    CHECK(numbers["brokers/h:1/1/rtt/p99"] == 1250);
    CHECK(numbers["brokers/h:1/1/rtt/avg"] == -2);
    CHECK(numbers["brokers/h:2/2/outbuf_cnt"] == 4);
    CHECK(numbers["txmsgs"] == 12);
    numbers.clear();
    for (const char* text : {"", "}}}", "\"", "\"\\", "[[[", "{\"a", "{\"a\":", "-"}) {
        bus::kafka::scan_numbers(text, collect);
    }
    CHECK(numbers.empty());
}

TEST_CASE("kafka: murmur2 gives what the Java client gives") {
    // Vectors of Kafka's own UtilsTest.testMurmur2.
    const std::map<std::string, std::int32_t> vectors = {
        {"21", -973932308},
        {"foobar", -790332482},
        {"a-little-bit-long-string", -985981536},
        {"a-little-bit-longer-string", -1486304829},
        {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
        {"abc", 479470107},
    };
    for (const auto& one : vectors) {
        CHECK_MESSAGE(static_cast<std::int32_t>(bus::murmur2(one.first)) == one.second, one.first);
    }
}
