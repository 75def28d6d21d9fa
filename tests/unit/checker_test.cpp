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
constexpr auto all_kinds = {Kind::message, Kind::call, Kind::mail, Kind::bill, Kind::unreadable};

std::string position(bus::Offset chat) {
    bus::Position at;
    at[bus::Topic::chat] = chat;
    return bus::to_token(at);
}

struct KindWords {
    const char *source, *letter;
};
KindWords words_of(Kind kind) {
    switch (kind) {
        case Kind::call:
            return {"calls", "c"};
        case Kind::mail:
            return {"mails", "e"};
        case Kind::bill:
            return {"bills", "b"};
        case Kind::unreadable:
            return {"chat", "u"};
        case Kind::message:
            break;
    }
    return {"chat", "m"};
}

bus::Timestamp told_at(int number) {
    return bus::Timestamp{bus::seconds{1'780'000'000 + number}};
}

std::string text_of(Kind kind, const std::string& name, int number) {
    if (kind == Kind::call) return number % 2 ? "ANSWER" : "NOANSWER";
    if (kind == Kind::mail) return "about the same";
    if (kind == Kind::bill) return number % 2 ? "active" : "paused";
    return "text of " + name;
}

// Unreadable ones are told behind the source's messages.
Told told_of(std::size_t tenant, Kind kind, int number) {
    const auto [source, letter] = words_of(kind);
    const std::string name = fmt::format("t{}-{}-{}", tenant, letter, number);
    const int place = kind == Kind::unreadable ? events_per_source + number : number;
    return {.tenant = tenant,
            .source = source,
            .number = place,
            .kind = kind,
            .id = name,
            .customer = kind == Kind::mail ? fmt::format("c{}.{}@shop.example", tenant, number % 2)
                                           : fmt::format("+9198{}{:07}", tenant, number % 2),
            .text = text_of(kind, name, number),
            .at_s = 1'772'359'200 + number * 37 % 100,
            .body = "body of " + name,
            .thread = fmt::format("t{}-e-{}", tenant, number % 2),
            .sent_at = told_at(number),
            .acknowledged = true,
            .answered_at = told_at(number) + bus::milliseconds{2},
            .event_id = "event " + name,
            .position = position(place + 1)};
}

// What a product that does everything right would show, written down event by event.
void show_message(SeenTenant& seen, const Told& told) {
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
void show_mail(SeenTenant& seen, const Told& told) {
    const std::string thread = "thread of " + told.thread;
    seen.mails.push_back({told.id, told.source, told.customer, told.text, iso(told.at_s), thread});
    for (SeenThread& row : seen.threads) {
        if (row.id != thread) continue;
        ++row.mails, ++row.unread;
        row.last_at = std::max(row.last_at, iso(told.at_s));
        return;
    }
    seen.threads.push_back({.id = thread,
                            .customer = told.customer,
                            .subject = told.text,
                            .last_at = iso(told.at_s),
                            .mails = 1,
                            .unread = 1});
}
void show_bill(SeenTenant& seen, const Told& told) {
    for (SeenAccount& row : seen.accounts) {
        if (row.customer != told.customer) continue;
        if (row.at < iso(told.at_s)) row.status = told.text, row.at = iso(told.at_s);
        return;
    }
    seen.accounts.push_back({told.customer, told.text, iso(told.at_s)});
}
void show(SeenTenant& seen, const Told& told) {
    seen.requests.push_back({.event_id = told.event_id,
                             .source = told.source,
                             .address = fmt::format("chat/0/{}", told.number),
                             .body = told.body,
                             .received_at = told.sent_at + bus::milliseconds{1}});
    if (told.kind == Kind::unreadable) {
        seen.letters.push_back({told.event_id, told.source, "message_id: required"});
        return;
    }
    const bool is_call = told.kind == Kind::call;
    seen.timelines[told.customer].push_back(
        {told.source, iso(told.at_s + (is_call ? call_seconds : 0))});
    if (is_call)
        seen.calls.push_back(
            {told.id, told.source, told.customer, call_status(told.text), iso(told.at_s)});
    if (told.kind == Kind::message) show_message(seen, told);
    if (told.kind == Kind::mail) show_mail(seen, told);
    if (told.kind == Kind::bill) show_bill(seen, told);
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
            for (const Kind kind : all_kinds)
                for (int number = 0; number < events_per_source; ++number) {
                    told.push_back(told_of(tenant, kind, number));
                    show(seen.tenants[tenant], told.back());
                }
        for (SeenTenant& tenant : seen.tenants) {
            sort_newest_first(tenant.conversations, &SeenConversation::last_at);
            sort_newest_first(tenant.messages, &SeenMessage::at);
            sort_newest_first(tenant.calls, &SeenCall::at);
            sort_newest_first(tenant.mails, &SeenMail::at);
            sort_newest_first(tenant.threads, &SeenThread::last_at);
            for (auto& [customer, lines] : tenant.timelines)
                sort_newest_first(lines, &SeenLine::at);
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
    CHECK(verdict.checked == 2 * all_kinds.size() * events_per_source);
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

TEST_CASE("checker: mails, threads, accounts, dead letters and timelines are judged likewise") {
    const auto noticed = [](std::size_t Verdict::*count, const auto& doctor) {
        check_noticed(count, [&](World& w) { doctor(w.seen.tenants[0], w.seen.tenants[1]); });
    };
    const auto wrong = &Verdict::wrong_rows;
    noticed(wrong, [](auto& seen, auto&) { seen.mails.pop_back(); });
    noticed(wrong, [](auto& seen, auto&) { seen.mails[0].subject = "another"; });
    noticed(wrong,
            [](auto& seen, auto&) { std::swap(seen.mails[0].thread, seen.mails[1].thread); });
    noticed(wrong, [](auto& seen, auto&) { seen.threads.pop_back(); });
    noticed(wrong, [](auto& seen, auto&) { ++seen.threads[0].mails; });
    noticed(wrong, [](auto& seen, auto&) { seen.threads[0].subject = "another"; });
    noticed(wrong, [](auto& seen, auto&) { --seen.threads[0].unread; });
    noticed(wrong, [](auto& seen, auto&) { seen.threads[0].customer = "x@shop.example"; });
    noticed(wrong, [](auto& seen, auto&) { seen.accounts.pop_back(); });
    noticed(wrong, [](auto& seen, auto&) { seen.accounts[0].status = "cancelled"; });
    noticed(wrong, [](auto& seen, auto&) { seen.accounts[0].at = iso(0); });
    noticed(wrong, [](auto& seen, auto&) { seen.letters.pop_back(); });
    noticed(wrong, [](auto& seen, auto&) { seen.letters[0].reason = "of another field"; });
    noticed(wrong, [](auto& seen, auto&) { seen.letters[0].event_id = "event t0-m-0"; });
    noticed(wrong, [](auto& seen, auto&) { seen.timelines.begin()->second.pop_back(); });
    noticed(wrong, [](auto& seen, auto&) { seen.timelines.begin()->second[0].source = "web"; });
    noticed(&Verdict::doubled, [](auto& seen, auto&) { seen.mails.push_back(seen.mails[0]); });
    noticed(&Verdict::doubled, [](auto& seen, auto&) { seen.letters.push_back(seen.letters[0]); });
    noticed(&Verdict::doubled, [](auto& seen, auto&) {
        auto& lines = seen.timelines.begin()->second;
        lines.push_back(lines[0]);
    });
    noticed(&Verdict::leaked, [](auto& a, auto& b) { a.mails.push_back(b.mails[0]); });
    noticed(&Verdict::leaked, [](auto& a, auto& b) { a.threads.push_back(b.threads[0]); });
    noticed(&Verdict::leaked, [](auto& a, auto& b) { a.accounts.push_back(b.accounts[0]); });
    noticed(&Verdict::leaked, [](auto& a, auto& b) { a.letters.push_back(b.letters[0]); });
    const auto late = &Verdict::out_of_order;
    noticed(late, [](auto& seen, auto&) { std::reverse(seen.mails.begin(), seen.mails.end()); });
    noticed(late,
            [](auto& seen, auto&) { std::reverse(seen.threads.begin(), seen.threads.end()); });
    noticed(late, [](auto& seen, auto&) {
        auto& lines = seen.timelines.begin()->second;
        std::reverse(lines.begin(), lines.end());
    });
}

TEST_CASE("checker: what was received before it was sent, or after its answer, is wrong") {
    for (const bus::milliseconds off : {bus::milliseconds{-2}, bus::milliseconds{2}}) {
        const auto move = [off](World& w) { w.seen.tenants[0].requests[2].received_at += off; };
        check_noticed(&Verdict::wrong_rows, move);
        World world;
        move(world);
        CHECK(world.judged({.clock_is_moved = true}).faults() == 0);
    }
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
