#include "projections/calls/call_row.hpp"
#include "projections/calls/calls_fold.hpp"
#include "projections/calls/calls_reads.hpp"
#include "schemas/json/json.hpp"
#include "tests/support/folding.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace projections;
using schemas::Field;
using tests::FoldedRows;
using tests::TestEvent;

namespace {

constexpr std::uint64_t seeds = 80;
const CallsFold fold;

class Random {
public:
    explicit Random(std::uint64_t seed) : engine_(seed) {}
    std::size_t below(std::size_t bound) { return engine_() % bound; }
    bool chance(std::size_t percent) { return below(100) < percent; }
    std::mt19937_64& engine() { return engine_; }

private:
    std::mt19937_64 engine_;
};

const std::vector<std::string> words = {"ringing", "in_progress", "answered",  "completed",
                                        "missed",  "hangup",      "busy",      "no_answer",
                                        "failed",  "voicemail",   "on-a-boat", "unknown"};

bus::Timestamp at_second(std::size_t second) {
    return bus::Timestamp{bus::seconds{1'700'000'000 + static_cast<std::int64_t>(second)}};
}

TestEvent random_report(Random& random, std::size_t serial) {
    TestEvent event;
    event.type = random.chance(85) ? "ivr.call.reported" : "voice.call.ended";
    event.id = tests::event_id(1000 + random.below(10'000) * 1000 + serial);
    event.source = bus::SourceId{1 + random.below(2)};
    event.slug = "ivr-" + std::to_string(event.source.value);
    event.time = at_second(random.below(12));  // ties happen
    event.ingest_time = at_second(serial);
    if (random.chance(90)) event.texts[Field::call_id] = "c" + std::to_string(random.below(6));
    if (random.chance(85)) event.texts[Field::status] = words[random.below(words.size())];
    for (const Field field : {Field::department, Field::agent, Field::customer_phone, Field::caller,
                              Field::custom_ref}) {
        if (random.chance(40)) event.texts[field] = "+91" + std::to_string(random.below(4));
    }
    if (random.chance(50))
        event.texts[Field::leg] = std::to_string(100 + random.below(calls::legs_max + 8));
    if (random.chance(50)) event.numbers[Field::talk_s] = static_cast<std::int64_t>(serial);
    if (random.chance(50))
        event.numbers[Field::started_at] = at_second(random.below(50)).time_since_epoch().count();
    return event;
}

std::vector<TestEvent> random_reports(Random& random) {
    std::vector<TestEvent> events;
    const std::size_t count = 1 + random.below(random.chance(10) ? 400 : 60);
    for (std::size_t i = 0; i < count; ++i) events.push_back(random_report(random, i));
    return events;
}

// The lattice read plainly: the furthest state, of the latest report that told one as far.
struct ModelCall {
    std::tuple<int, bus::Timestamp, bus::EventId> standing{-1, {}, {}};
    std::string status = "unknown";
    std::pair<bus::Timestamp, bus::EventId> department_of;
    std::string department = "none";
    std::optional<std::int64_t> started;
    bus::Timestamp first = bus::Timestamp::max();

    void take(const TestEvent& event) {
        const auto told = event.texts.find(Field::status);
        std::string word = told == event.texts.end() ? "unknown" : told->second;
        int far = 0;
        if (word == "ringing") far = 1;
        if (word == "in_progress") far = 2;
        if (word == "answered") far = 3;
        if (far == 0 && word != "unknown" && word != "on-a-boat") far = 4;
        if (far == 0) word = "unknown";
        const std::tuple candidate{far, event.time, event.id};
        if (candidate > standing) standing = candidate, status = word;
        const auto place = event.texts.find(Field::department);
        if (place != event.texts.end() && department_of < std::pair{event.time, event.id}) {
            department_of = {event.time, event.id};
            department = place->second;
        }
        const auto start = event.numbers.find(Field::started_at);
        if (start != event.numbers.end())
            started = std::min(started.value_or(start->second), start->second);
        first = std::min(first, event.time);
    }
};

std::map<std::string, ModelCall> model_of(const std::vector<TestEvent>& events) {
    std::map<std::string, ModelCall> model;
    for (const TestEvent& event : events) {
        const auto id = event.texts.find(Field::call_id);
        if (id == event.texts.end() && event.type != "ivr.call.reported") continue;
        model[calls::call_id(id == event.texts.end() ? calls::call_key_of_event(event.id)
                                                     : calls::call_key(event.source, id->second))]
            .take(event);
    }
    return model;
}

}  // namespace

TEST_CASE("calls: any order of reports, repeats and batch sizes give the same bytes") {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        CAPTURE(seed);
        Random random{seed};
        const std::vector<TestEvent> events = random_reports(random);
        FoldedRows reference{{&fold}};
        reference.fold(events);
        for (int variant = 0; variant < 4; ++variant) {
            std::vector<TestEvent> other = events;
            for (std::size_t i = 0; i < events.size() / 3; ++i)
                other.push_back(events[random.below(events.size())]);
            std::shuffle(other.begin(), other.end(), random.engine());
            FoldedRows rows{{&fold}};
            rows.fold(other, 1 + random.below(40), random.chance(50) ? random.below(5) : 1000);
            for (std::size_t table = 0; table < table_count; ++table)
                REQUIRE(reference.rows().rows(Table{static_cast<std::uint8_t>(table)}) ==
                        rows.rows().rows(Table{static_cast<std::uint8_t>(table)}));
        }
    }
}

TEST_CASE("calls: state, department, start and badges are those of a plain model") {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        CAPTURE(seed);
        Random random{seed + 1000};
        const std::vector<TestEvent> events = random_reports(random);
        FoldedRows folded{{&fold}};
        folded.fold(events, 1 + random.below(20));
        schemas::json::Parser parser;
        std::map<std::string, std::int64_t> hung_up;
        const auto model = model_of(events);
        for (const auto& [id, expected] : model) {
            const auto shown = get_call(folded.view(0), id);
            REQUIRE(shown);
            const auto call = *parser.parse(*shown);
            CHECK(call["status"].text() == expected.status);
            if (expected.department != "none")
                CHECK(call["department"].text() == expected.department);
            const bus::Timestamp at = expected.started
                                          ? bus::Timestamp{bus::microseconds{*expected.started}}
                                          : expected.first;
            CHECK(call["at"].text() == bus::to_iso(at));
            if (expected.status == "hangup")
                hung_up[expected.department == "none" ? "unknown" : expected.department] += 1;
        }
        CHECK(list_calls(folded.view(0), {})->total == model.size());
        const std::string counted = count_calls(folded.view(0), "");
        const auto counts = *parser.parse(counted);
        CHECK(counts["hangup"].size() == hung_up.size());
        for (const auto& [department, count] : hung_up)
            CHECK(counts["hangup"][department].integer() == count);
    }
}
