#include "projections/mails/mail_keys.hpp"
#include "projections/mails/mail_row.hpp"
#include "projections/mails/mails_fold.hpp"
#include "projections/mails/mails_reads.hpp"
#include "projections/mails/thread_row.hpp"
#include "schemas/json/json.hpp"
#include "tests/support/folding.hpp"

#include <doctest/doctest.h>

using namespace projections;
using schemas::Field;
using tests::event_id;
using tests::FoldedRows;
using tests::TestEvent;

namespace {

const MailsFold mails;
const std::string desk = "help@example.test";

bus::Timestamp at_second(std::int64_t second) {
    return bus::Timestamp{bus::seconds{1'700'000'000 + second}};
}

TestEvent mail_event(std::string word, const std::string& message_id, std::int64_t second,
                     const std::string& in_reply_to = "") {
    TestEvent event;
    event.type = "email.message." + word;
    event.id = event_id(static_cast<std::uint64_t>(second) + 1);
    event.slug = "support";
    event.time = event.ingest_time = at_second(second);
    event.texts[Field::mailbox] = desk;
    event.texts[Field::message_id] = message_id;
    event.texts[Field::subject] = "About " + message_id;
    event.texts[Field::from] = word == "sent" ? desk : "ada@example.test";
    event.texts[Field::team] = "refunds";
    if (!in_reply_to.empty()) event.texts[Field::in_reply_to] = in_reply_to;
    return event;
}

struct Folded {
    FoldedRows rows{{&mails}};
    schemas::json::Parser parser;
    std::string text;

    explicit Folded(const std::vector<TestEvent>& events) { rows.fold(events, 1); }
    schemas::json::Value parsed(std::optional<std::string> json) {
        REQUIRE(json);
        text = *json;
        const auto value = parser.parse(text);
        REQUIRE(value);
        return *value;
    }
    schemas::json::Value mail(std::string_view message_id) {
        return parsed(get_mail(rows.view(0), mail::mail_id(mail::mail_key(desk, message_id))));
    }
    schemas::json::Value thread_of(std::string_view message_id) {
        const std::string thread{mail(message_id)["thread_id"].text()};
        return parsed(get_thread(rows.view(0), thread));
    }
    std::int64_t unread() {
        return parsed(count_unread(rows.view(0), ""))["unread"].integer().value_or(-1);
    }
};

}  // namespace

TEST_CASE("a received mail is unread until one is sent later in its thread") {
    const auto question = mail_event("received", "a@x", 10);
    CHECK(Folded({question}).unread() == 1);
    CHECK(Folded({question, mail_event("sent", "b@x", 11, "a@x")}).unread() == 0);
    CHECK(Folded({question, mail_event("sent", "b@x", 10, "a@x")}).unread() == 1);  // a tie
    CHECK(Folded({question, mail_event("sent", "b@x", 11, "other@x")}).unread() == 1);
}

TEST_CASE("an automatic reply answers nobody") {
    const auto question = mail_event("received", "a@x", 10);
    auto automatic = mail_event("sent", "b@x", 11, "a@x");
    automatic.numbers[Field::auto_reply] = 1;
    Folded folded{{question, automatic}};
    CHECK(folded.unread() == 1);
    CHECK(folded.thread_of("a@x")["last_direction"].text() == "out");
    CHECK(folded.thread_of("a@x")["awaiting"].text() == "us");
    Folded answered{{question, automatic, mail_event("sent", "c@x", 12, "b@x")}};
    CHECK(answered.unread() == 0);
    CHECK(answered.thread_of("a@x")["awaiting"].text() == "customer");
    CHECK(Folded({automatic}).thread_of("b@x")["awaiting"].text() == "customer");
}

TEST_CASE("nobody waits for an answer to an automatic mail, which is unread like others") {
    const auto ours = mail_event("sent", "a@x", 10);
    auto away = mail_event("received", "b@x", 11, "a@x");
    away.numbers[Field::auto_reply] = 1;
    Folded folded{{ours, away}};
    CHECK(folded.thread_of("a@x")["awaiting"].text() == "customer");
    CHECK(folded.thread_of("a@x")["last_direction"].text() == "in");
    CHECK(folded.thread_of("a@x")["message_count"].integer() == 2);
    CHECK(folded.unread() == 1);
    CHECK(Folded({away}).thread_of("b@x")["awaiting"].text() == "customer");
    const auto question = mail_event("received", "c@x", 12, "a@x");
    CHECK(Folded({ours, question, away}).thread_of("a@x")["awaiting"].text() == "us");
    away.ingest_time = at_second(13);
    CHECK(Folded({ours, question, away}).thread_of("a@x")["awaiting"].text() == "us");
}

TEST_CASE("who waits goes by when mails were stored, and on a tie the customer does") {
    const auto awaiting = [](const TestEvent& received) {
        Folded folded{{mail_event("sent", "a@x", 10), received}};
        return std::string{folded.thread_of("a@x")["awaiting"].text()};
    };
    auto received = mail_event("received", "b@x", 20, "a@x");
    received.time = at_second(5);
    CHECK(awaiting(received) == "us");
    received.ingest_time = at_second(10);
    CHECK(awaiting(received) == "us");
    received.ingest_time = at_second(9);
    CHECK(awaiting(received) == "customer");
}

TEST_CASE("a mail is no later than when it was stored, whatever its sender's clock says") {
    auto ahead = mail_event("received", "a@x", 10);
    ahead.time += std::chrono::hours{24 * 3650};
    CHECK(Folded({ahead}).mail("a@x")["at"].text() == bus::to_iso(at_second(10)));
    auto past = mail_event("received", "a@x", 10);
    past.time = at_second(-1000);
    CHECK(Folded({past}).mail("a@x")["at"].text() == bus::to_iso(at_second(-1000)));
    auto bounce = mail_event("bounced", "dsn@x", 40, "b@x");
    bounce.time += std::chrono::hours{24 * 3650};
    CHECK(Folded({bounce, mail_event("sent", "b@x", 10)}).mail("b@x")["bounced_at"].text() ==
          bus::to_iso(at_second(40)));
}

namespace {

// How many threads the mails count (D-02).
std::int64_t counted_threads(const std::vector<TestEvent>& events) {
    FoldedRows rows{{&mails}};
    rows.fold(events, 1);
    std::int64_t threads = 0;
    for (const auto& entry : rows.rows().rows(Table::rows)) {
        mail::MailRow row;
        if (!row.decode(entry.second) || !row.content) continue;
        std::vector<MeasureValue> values;
        row.measure_values(values);
        threads += values[7].number;
    }
    return threads;
}

}  // namespace

TEST_CASE(
    "a thread is counted once, by its oldest mail, also where that names one that never came") {
    CHECK(counted_threads({mail_event("received", "a@x", 10, "never@x")}) == 1);
    const auto first = mail_event("received", "a@x", 10);
    const auto second = mail_event("received", "b@x", 20);
    CHECK(counted_threads({first, second}) == 2);
    auto joins = mail_event("received", "c@x", 30, "a@x");
    joins.texts[Field::references] = "b@x";
    CHECK(counted_threads({first, second, joins}) == 1);
}

TEST_CASE("a read marker waits for its mail and the last marker counts") {
    auto read = mail_event("read", "a@x", 20);
    CHECK(Folded({read, mail_event("received", "a@x", 10)}).unread() == 0);
    auto unread = mail_event("unread", "a@x", 30);
    CHECK(Folded({unread, read, mail_event("received", "a@x", 10)}).unread() == 1);

    auto by_id = mail_event("read", "", 20);
    by_id.texts[Field::mailbox] = "";
    by_id.texts[Field::object_id] = mail::mail_id(mail::mail_key(desk, "a@x"));
    Folded folded{{by_id, mail_event("received", "a@x", 10)}};
    CHECK(folded.unread() == 0);
    CHECK(folded.mail("a@x")["mailbox"].text() == desk);
}

TEST_CASE("two threads become one when the mail between them comes, and old ids still lead there") {
    const auto first = mail_event("received", "a@x", 10);
    const auto last = mail_event("sent", "c@x", 30, "b@x");
    Folded apart{{first, last}};
    CHECK(apart.unread() == 1);
    const std::string old_id{apart.mail("c@x")["thread_id"].text()};
    CHECK(old_id != apart.mail("a@x")["thread_id"].text());

    Folded folded{{first, last, mail_event("received", "b@x", 20, "a@x")}};
    CHECK(folded.unread() == 0);
    const auto thread = folded.parsed(get_thread(folded.rows.view(0), old_id));
    CHECK(thread["message_count"].integer() == 3);
    CHECK(thread["subject"].text() == "About a@x");
    CHECK(thread["awaiting"].text() == "customer");
    CHECK(thread["messages"].at(0)["message_id"].text() == "c@x");
    CHECK(list_threads(folded.rows.view(0), {})->count == 1);
    CHECK(list_mails(folded.rows.view(0), {.thread = old_id})->count == 3);

    const auto middle = folded.mail("b@x");
    CHECK(middle["previous_id"].text() == mail::mail_id(mail::mail_key(desk, "a@x")));
    CHECK(middle["next_id"].text() == mail::mail_id(mail::mail_key(desk, "c@x")));
}

TEST_CASE("long addresses do not make a thread that cannot be read again") {
    std::vector<TestEvent> events;
    for (int i = 0; i < 20; ++i) {
        events.push_back(mail_event("received", fmt::format("m{}", i), i, i ? "m0" : ""));
        events.back().texts[Field::from] = fmt::format("{:02}", i) + tests::long_word;
    }
    FoldedRows rows{{&mails}};
    rows.fold(events, 64);
    CHECK(tests::longest_row(rows.rows()) < tests::row_bytes_sane);
}

namespace {

// The same mail over and over, each time with as many names that were not there before.
std::vector<TestEvent> renamed_again(const std::string& message_id, int times) {
    std::vector<TestEvent> events;
    for (int i = 0; i < times; ++i) {
        events.push_back(mail_event("received", message_id, i));
        for (int name = 0; name < 32; ++name)
            events.back().texts[Field::references] += fmt::format("<r{}-{}@x> ", i, name);
    }
    return events;
}

std::size_t members_of_thread(const FoldedRows& rows, const std::string& message_id) {
    const auto view = rows.view(0);
    mail::MailRow mail;
    const auto stored_mail =
        view.get(Table::rows, mail::row_key(mail::RowTag::mail, mail::mail_key(desk, message_id)));
    REQUIRE(stored_mail);
    REQUIRE(mail.decode(*stored_mail));
    const auto stored = view.get(
        Table::rows, mail::row_key(mail::RowTag::thread, *mail::parse_thread_id(mail.thread)));
    REQUIRE(stored);
    mail::ThreadRow thread;
    REQUIRE(thread.decode(*stored));
    return thread.members.size();
}

}  // namespace

TEST_CASE("no mail makes a thread larger than its bound, whatever it names, however often") {
    constexpr int times = 700;  // names 22,400
    FoldedRows rows{{&mails}};
    rows.fold(renamed_again("x@y", times));
    CHECK(members_of_thread(rows, "x@y") == mail::thread_members_max);

    std::vector<TestEvent> as_place{mail_event("received", "first@y", 0, "x@y")};
    for (TestEvent& event : renamed_again("x@y", times)) as_place.push_back(std::move(event));
    FoldedRows placed{{&mails}};
    placed.fold(as_place);
    CHECK(members_of_thread(placed, "x@y") == mail::thread_members_max);
}

TEST_CASE("a mail that a full thread cannot take begins its own, and what came before stays") {
    auto events = renamed_again("x@y", 700);
    events.push_back(mail_event("received", "late@y", 1000, "x@y"));
    FoldedRows rows{{&mails}};
    rows.fold(events);
    CHECK(members_of_thread(rows, "late@y") == 1);
    CHECK(members_of_thread(rows, "x@y") == mail::thread_members_max);
}

TEST_CASE("one Message-ID in two mailboxes is two mails in two threads") {
    auto other = mail_event("received", "a@x", 11);
    other.texts[Field::mailbox] = "sales@example.test";
    Folded folded{{mail_event("received", "a@x", 10), other}};
    CHECK(list_threads(folded.rows.view(0), {})->count == 2);
    CHECK(list_mails(folded.rows.view(0), {.mailbox = desk})->count == 1);
    const auto counted = folded.parsed(count_unread(folded.rows.view(0), ""));
    CHECK(counted["by_mailbox"].size() == 2);
    CHECK(counted["oldest_at"].text() == bus::to_iso(at_second(10)));
}

TEST_CASE("mails are found by direction, read state, sender, words and time") {
    Folded folded{{mail_event("received", "a@x", 10), mail_event("sent", "b@x", 20, "a@x"),
                   mail_event("received", "c@x", 30)}};
    const auto view = folded.rows.view(0);
    CHECK(list_mails(view, {.direction = "out"})->count == 1);
    CHECK(list_mails(view, {.is_read = false})->count == 1);
    CHECK(list_mails(view, {.sender = "ada@example.test"})->count == 2);
    CHECK(list_mails(view, {.search = "about C"})->count == 1);
    CHECK(list_mails(view, {.from = at_second(20), .to = at_second(30)})->count == 1);
    const auto page = list_mails(view, {.limit = 2});
    REQUIRE(page);
    CHECK(page->total == 3);
    CHECK(list_mails(view, {.limit = 2, .cursor = page->next_cursor})->count == 1);
}

TEST_CASE("a bounce marks the mail that it names") {
    Folded folded{{mail_event("bounced", "dsn@x", 40, "a@x"), mail_event("sent", "a@x", 10)}};
    CHECK(folded.mail("a@x")["bounced_at"].text() == bus::to_iso(at_second(40)));
}

TEST_CASE("a mail gives its measures, and a place that waits for a mail gives none") {
    mail::MailRow row;
    row.mailbox = desk;
    row.thread = "eth_x";
    CHECK(row.measure_kind() == "");
    row.content = mail::MailRow::Content{};
    row.content->inbound = true;
    row.content->team = "refunds";
    row.unread = true;
    row.thread = mail::thread_id(row.key);
    CHECK(row.measure_kind() == "mail");
    std::vector<MeasureValue> values;
    row.measure_values(values);
    REQUIRE(values.size() == 8);
    CHECK(values[1].text == "in");
    CHECK(values[3].text == "refunds");
    CHECK(values[6].number == 1);
    CHECK(values[7].number == 1);
}
