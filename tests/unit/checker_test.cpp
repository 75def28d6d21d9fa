// The checker notices each kind of fault: a truthful view passes, each doctored one is named.
#include "tests/support/checker.hpp"

#include "bus/position.hpp"
#include "tests/support/checked_model.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <functional>

using namespace tests::checker;

namespace {

constexpr int events_per_source = 6;

std::string position(bus::Offset chat) {
    bus::Position at;
    at[bus::Topic::chat] = chat;
    return bus::to_token(at);
}

Told told_of(std::size_t tenant, Kind kind, int number) {
    const std::string name =
        fmt::format("t{}-{}-{}", tenant, kind == Kind::call ? "c" : "m", number);
    return {.tenant = tenant,
            .source = kind == Kind::call ? "calls" : "chat",
            .number = number,
            .kind = kind,
            .id = name,
            .customer = fmt::format("+9198{}{:07}", tenant, number % 2),
            .text = kind == Kind::call ? (number % 2 ? "ANSWER" : "NOANSWER") : "text of " + name,
            .at_s = 1'772'359'200 + number * 37 % 100,
            .body = "body of " + name,
            .acknowledged = true,
            .event_id = "event " + name,
            .position = position(number + 1)};
}

// What a product that does everything right would show, written down event by event.
void show(SeenTenant& seen, const Told& told) {
    seen.requests.push_back({.event_id = told.event_id,
                             .source = told.source,
                             .address = fmt::format("chat/0/{}", told.number),
                             .body = told.body});
    if (told.kind == Kind::call) {
        seen.calls.push_back(
            {told.id, told.source, told.customer, call_status(told.text), iso(told.at_s)});
        return;
    }
    const std::string conversation = "conversation with " + told.customer;
    seen.messages.push_back(
        {told.id, told.source, told.text, iso(told.at_s), conversation, conversation});
    for (SeenConversation& row : seen.conversations) {
        if (row.customer != told.customer) continue;
        ++row.messages, ++row.unread;
        if (iso(told.at_s) >= row.last_at) row.last_at = iso(told.at_s), row.last_text = told.text;
        return;
    }
    seen.conversations.push_back({.id = conversation,
                                  .source = told.source,
                                  .customer = told.customer,
                                  .last_at = iso(told.at_s),
                                  .last_text = told.text,
                                  .messages = 1,
                                  .unread = 1});
}

template <class Row>
void sort_newest_first(std::vector<Row>& rows, std::string Row::*at) {
    std::stable_sort(rows.begin(), rows.end(),
                     [&](const Row& a, const Row& b) { return a.*at > b.*at; });
}

struct World {
    World() {
        seen.tenants.resize(2);
        for (std::size_t tenant = 0; tenant < 2; ++tenant)
            for (const Kind kind : {Kind::message, Kind::call})
                for (int number = 0; number < events_per_source; ++number) {
                    told.push_back(told_of(tenant, kind, number));
                    show(seen.tenants[tenant], told.back());
                }
        for (SeenTenant& tenant : seen.tenants) {
            sort_newest_first(tenant.conversations, &SeenConversation::last_at);
            sort_newest_first(tenant.messages, &SeenMessage::at);
            sort_newest_first(tenant.calls, &SeenCall::at);
        }
        seen.moments = {{0, position(1), 1}, {1, position(1), 1}, {0, position(4), 4}};
    }
    Verdict judged(const Rules& rules = {}) const { return judge(told, seen, rules); }
    std::vector<Told> told;
    Seen seen;
};

void check_noticed(std::size_t Verdict::*count, const std::function<void(World&)>& doctor) {
    World world;
    doctor(world);
    const Verdict verdict = world.judged();
    CHECK_MESSAGE(verdict.*count > 0, to_string(verdict));
    CHECK_FALSE(verdict.examples.empty());
}

}  // namespace

TEST_CASE("checker: what a correct product shows passes") {
    const Verdict verdict = World().judged();
    CHECK(verdict.faults() == 0);
    CHECK(verdict.checked == 2 * 2 * events_per_source);
}

TEST_CASE("checker: an acknowledged event that is not in the log is lost") {
    check_noticed(&Verdict::lost, [](World& w) { w.seen.tenants[1].requests.pop_back(); });
    check_noticed(&Verdict::lost,
                  [](World& w) { w.seen.tenants[0].requests[2].event_id = "another"; });
}

TEST_CASE("checker: an event that was not acknowledged may be there or not, but as a whole") {
    World world;
    world.told.push_back(told_of(0, Kind::message, events_per_source));
    world.told.back().acknowledged = false;
    CHECK(world.judged().faults() == 0);
    world.seen.tenants[0].requests.push_back({.event_id = "e",
                                              .source = "chat",
                                              .address = "chat/0/99",
                                              .body = world.told.back().body});
    CHECK(world.judged().wrong_rows > 0);  // in the log without its rows
}

TEST_CASE("checker: a record or a row that is there twice is double") {
    const auto record = [](World& w) {
        w.seen.tenants[0].requests.push_back(w.seen.tenants[0].requests[0]);
    };
    check_noticed(&Verdict::doubled, record);
    check_noticed(&Verdict::doubled, [](World& w) {
        w.seen.tenants[0].messages.push_back(w.seen.tenants[0].messages[3]);
    });
    check_noticed(&Verdict::doubled,
                  [](World& w) { w.seen.tenants[1].calls.push_back(w.seen.tenants[1].calls[0]); });
    World world;
    record(world);
    CHECK(world.judged({.log_may_repeat = true}).faults() == 0);
}

TEST_CASE("checker: a list that is not newest first is out of order") {
    check_noticed(&Verdict::out_of_order, [](World& w) {
        auto& messages = w.seen.tenants[0].messages;
        std::reverse(messages.begin(), messages.end());
    });
    check_noticed(&Verdict::out_of_order, [](World& w) {
        std::swap(w.seen.tenants[1].calls.front(), w.seen.tenants[1].calls.back());
    });
    check_noticed(&Verdict::out_of_order, [](World& w) {
        auto& conversations = w.seen.tenants[1].conversations;
        std::reverse(conversations.begin(), conversations.end());
    });
}

TEST_CASE("checker: two events of one source that changed places are out of order") {
    check_noticed(&Verdict::out_of_order, [](World& w) {
        auto& requests = w.seen.tenants[0].requests;
        std::swap(requests[1].address, requests[4].address);
    });
}

TEST_CASE("checker: a row that is missing, invented or says something else is wrong") {
    check_noticed(&Verdict::wrong_rows, [](World& w) { w.seen.tenants[0].messages.pop_back(); });
    check_noticed(&Verdict::wrong_rows, [](World& w) { w.seen.tenants[0].calls.pop_back(); });
    check_noticed(&Verdict::wrong_rows,
                  [](World& w) { w.seen.tenants[0].conversations.pop_back(); });
    check_noticed(&Verdict::wrong_rows,
                  [](World& w) { w.seen.tenants[0].messages[0].text += "."; });
    check_noticed(&Verdict::wrong_rows,
                  [](World& w) { w.seen.tenants[0].messages[0].at = iso(0); });
    check_noticed(&Verdict::wrong_rows, [](World& w) { w.seen.tenants[0].calls[0].status = "x"; });
    check_noticed(&Verdict::wrong_rows,
                  [](World& w) { ++w.seen.tenants[1].conversations[0].messages; });
    check_noticed(&Verdict::wrong_rows,
                  [](World& w) { --w.seen.tenants[1].conversations[0].unread; });
    check_noticed(&Verdict::wrong_rows,
                  [](World& w) { w.seen.tenants[1].conversations[0].last_text = ""; });
    check_noticed(&Verdict::wrong_rows,
                  [](World& w) { w.seen.tenants[0].messages[0].id = "invented"; });
    check_noticed(&Verdict::wrong_rows,
                  [](World& w) { w.seen.tenants[0].requests[0].body = "invented"; });
    check_noticed(&Verdict::wrong_rows,
                  [](World& w) { w.seen.tenants[0].requests[0].source = "calls"; });
    check_noticed(&Verdict::wrong_rows, [](World& w) {
        auto& messages = w.seen.tenants[0].messages;
        std::swap(messages[0].conversation, messages[1].conversation);
    });
    check_noticed(&Verdict::wrong_rows, [](World& w) {  // each under the other's customer
        auto& messages = w.seen.tenants[0].messages;
        std::swap(messages[0].listed_in, messages[1].listed_in);
    });
}

TEST_CASE("checker: a position or a count that is smaller than before went back in time") {
    check_noticed(&Verdict::back_in_time, [](World& w) {
        w.seen.moments.push_back({0, position(3), 4});
    });
    check_noticed(&Verdict::back_in_time, [](World& w) {
        w.seen.moments.push_back({0, position(4), 3});
    });
}

TEST_CASE("checker: what belongs to another tenant has leaked, in the log or in rows") {
    check_noticed(&Verdict::leaked, [](World& w) {
        w.seen.tenants[0].requests.push_back(w.seen.tenants[1].requests[0]);
    });
    check_noticed(&Verdict::leaked, [](World& w) {
        w.seen.tenants[0].messages.push_back(w.seen.tenants[1].messages[0]);
    });
    check_noticed(&Verdict::leaked, [](World& w) {
        w.seen.tenants[1].conversations.push_back(w.seen.tenants[0].conversations[0]);
    });
}

// The log has lost the first two records of chat/0; their rows stay, and name the events.
struct WorldWithLoss : World {
    WorldWithLoss() {
        for (SeenTenant& tenant : seen.tenants)
            for (SeenRequest& request : tenant.requests)
                if (request.address == "chat/0/0" || request.address == "chat/0/1")
                    request.body.clear(), request.is_gone = true;
    }
    Verdict judged() const { return World::judged({.kept_from = {{"chat/0", 2}}}); }
};

TEST_CASE("checker: only the bodies that the log has lost are gone, and nothing but these") {
    CHECK(WorldWithLoss().judged().faults() == 0);
    const auto check_wrong = [](std::size_t Verdict::*count, const auto& doctor) {
        WorldWithLoss world;
        doctor(world.seen.tenants[0]);
        CHECK_MESSAGE(world.judged().*count > 0, to_string(world.judged()));
    };
    check_wrong(&Verdict::wrong_rows, [](SeenTenant& seen) {
        seen.requests[2].is_gone = true;  // which the log has
    });
    check_wrong(&Verdict::wrong_rows, [](SeenTenant& seen) {
        seen.requests[1].is_gone = false;  // shown, from wherever
        seen.requests[1].body = "body of t0-m-1";
    });
    check_wrong(&Verdict::wrong_rows,
                [](SeenTenant& seen) { seen.requests[0].event_id = "another"; });
    check_wrong(&Verdict::wrong_rows, [](SeenTenant& seen) { seen.requests[0].source = "calls"; });
    check_wrong(&Verdict::lost,
                [](SeenTenant& seen) { seen.requests.erase(seen.requests.begin()); });
    CHECK_MESSAGE(World().judged({.kept_from = {{"chat/0", 2}}}).wrong_rows > 0,
                  "bodies are there");
}

TEST_CASE("checker: an event that may be missing is there as a whole or not at all") {
    const Rules rules{.may_be_missing = [](const Told& told) { return told.id == "t0-m-5"; }};
    World world;
    CHECK(world.judged(rules).faults() == 0);
    const auto is_it = [](const auto& row) { return row.event_id == "event t0-m-5"; };
    std::erase_if(world.seen.tenants[0].requests, is_it);
    CHECK(world.judged(rules).wrong_rows > 0);  // rows of nothing
    std::erase_if(world.seen.tenants[0].messages,
                  [](const auto& row) { return row.id == "t0-m-5"; });
    CHECK(world.judged(rules).lost == 0);
    CHECK(world.judged().lost > 0);
}

TEST_CASE("checker: a log that is not proven is a fault") {
    check_noticed(&Verdict::unproven, [](World& w) { w.seen.unproven = "1 damaged record"; });
}
