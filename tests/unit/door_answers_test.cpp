#include "producers/decision.hpp"

#include <doctest/doctest.h>

using bus::Durability;
using producers::EventOutcome;

namespace {

EventOutcome outcome(std::string id, Durability durability) {
    bus::Appended appended;
    appended.durability = durability;
    return {.sender_id = std::move(id), .detail = {}, .appended = appended};
}

bool has_position(const bus::http::Response& response) {
    for (const auto& [name, value] : response.headers) {
        if (name == "X-Position") return true;
    }
    return false;
}

}  // namespace

TEST_CASE("door: events have positions once the log has them, each for itself") {
    const EventOutcome in_log = outcome("1", Durability::fsynced);
    const EventOutcome aside = outcome("2", Durability::local);
    for (const bool batch : {false, true}) {
        CAPTURE(batch);
        const auto kept = producers::events_answer({in_log}, 0, batch);
        CHECK(has_position(kept));
        CHECK(kept.body.find(R"("position":)") != std::string::npos);
        CHECK(kept.body.find(R"("durability":"fsynced")") != std::string::npos);
        const auto waits = producers::events_answer({aside}, 0, batch);
        CHECK_FALSE(has_position(waits));
        CHECK(waits.body.find(R"("position":)") == std::string::npos);
        CHECK(waits.body.find(R"("durability":"local")") != std::string::npos);
        CHECK(waits.status == 202);
    }
    const auto mixed = producers::events_answer({in_log, aside}, 0, true);
    CHECK_FALSE(has_position(mixed));
    const std::string& body = mixed.body;
    CHECK(body.find(R"("position":)") != std::string::npos);
    CHECK(body.find(R"("position":)") == body.rfind(R"("position":)"));
}
