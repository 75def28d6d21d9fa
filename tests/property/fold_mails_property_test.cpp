#include "projections/mails/mail_keys.hpp"
#include "projections/mails/mails_fold.hpp"
#include "projections/mails/mails_reads.hpp"
#include "schemas/json/json.hpp"
#include "tests/support/folding.hpp"

#include <doctest/doctest.h>

#include <random>
#include <set>

using namespace projections;
using schemas::Field;
using tests::event_id;
using tests::FoldedRows;
using tests::TestEvent;

namespace {

constexpr std::uint64_t seeds = 80;
const MailsFold mails;
const std::vector<const Projection*> all = {&mails};
const std::string desk = "help@example.test";

class Random {
public:
    explicit Random(std::uint64_t seed) : engine_(seed) {}
    std::size_t below(std::size_t bound) { return engine_() % bound; }
    bool chance(std::size_t percent) { return below(100) < percent; }

private:
    std::mt19937_64 engine_;
};

bus::Timestamp at_second(std::size_t second) {
    return bus::Timestamp{bus::seconds{1'700'000'000 + static_cast<std::int64_t>(second)}};
}

std::string name_of(std::size_t mail) {
    return "m" + std::to_string(mail) + "@x";
}

// Mails answer earlier ones or ones that never come, markers may come first, times tie.
std::vector<TestEvent> random_events(std::uint64_t seed) {
    Random random{seed};
    std::vector<TestEvent> events;
    const std::size_t count = 4 + random.below(30);
    for (std::size_t i = 0; i < count; ++i) {
        TestEvent event;
        event.id = event_id(i);
        event.time = at_second(random.below(40));
        event.ingest_time = at_second(random.below(40));
        event.address.offset = i;
        const bool marker = random.chance(25);
        event.texts[Field::mailbox] = random.chance(80) ? desk : "sales@example.test";
        if (marker) {
            event.type = random.chance(70) ? "email.message.read" : "email.message.unread";
            event.texts[Field::message_id] = name_of(random.below(count));
        } else {
            const bool sent = random.chance(35);
            event.type = sent ? "email.message.sent" : "email.message.received";
            event.texts[Field::message_id] = name_of(i);
            event.texts[Field::subject] = "Subject " + std::to_string(i);
            if (random.chance(20)) event.numbers[Field::auto_reply] = 1;
            event.texts[Field::from] = sent ? desk : "c" + std::to_string(i) + "@example.test";
            if (random.chance(45))
                event.texts[Field::in_reply_to] = name_of(random.below(count + 3));
            if (random.chance(25))
                event.texts[Field::references] = "<" + name_of(random.below(count)) + ">\r\n <" +
                                                 name_of(random.below(count)) + ">";
        }
        events.push_back(event);
    }
    return events;
}

using Name = std::pair<std::string, std::string>;  // mailbox, message id

// Unread mails found the slow way: components by flooding, then the rule word by word.
std::set<Name> unread_by_model(const std::vector<TestEvent>& events) {
    std::map<Name, std::set<Name>> near;
    std::map<Name, const TestEvent*> mail;
    std::map<Name, const TestEvent*> marker;
    for (const TestEvent& event : events) {
        const std::string mailbox = event.texts.at(Field::mailbox);
        const Name name{mailbox, event.texts.at(Field::message_id)};
        if (event.type == "email.message.read" || event.type == "email.message.unread") {
            const TestEvent*& last = marker[name];
            if (!last || std::tie(last->time, last->id) < std::tie(event.time, event.id))
                last = &event;
            continue;
        }
        mail[name] = &event;
        near[name];
        for (const Field field : {Field::in_reply_to, Field::references}) {
            const auto header = event.texts.find(field);
            if (header == event.texts.end()) continue;
            for (const auto id : mail::message_ids(header->second)) {
                near[name].insert({mailbox, std::string{id}});
                near[{mailbox, std::string{id}}].insert(name);
            }
        }
    }
    std::set<Name> unread;
    for (const auto& entry : mail) {
        const Name& name = entry.first;
        const auto& event = entry.second;
        if (event->type != "email.message.received") continue;
        std::set<Name> thread{name};
        std::vector<Name> open{name};
        while (!open.empty()) {
            const Name next = open.back();
            open.pop_back();
            for (const Name& other : near[next])
                if (thread.insert(other).second) open.push_back(other);
        }
        const bool answered = std::any_of(thread.begin(), thread.end(), [&](const Name& other) {
            const auto found = mail.find(other);
            return found != mail.end() && found->second->type == "email.message.sent" &&
                   !found->second->numbers.contains(Field::auto_reply) &&
                   found->second->ingest_time > event->ingest_time;
        });
        const auto marked = marker.find(name);
        const bool read = marked != marker.end() && marked->second->type == "email.message.read";
        if (!answered && !read) unread.insert(name);
    }
    return unread;
}

std::set<Name> unread_by_rows(const ReadView& view) {
    std::set<Name> unread;
    const auto page = list_mails(view, {.is_read = false, .limit = 200});
    REQUIRE(page);
    schemas::json::Parser parser;
    const auto listed = parser.parse(page->data);
    REQUIRE(listed);
    listed->each_element([&](schemas::json::Value mail) {
        unread.insert(
            {std::string{mail["mailbox"].text()}, std::string{mail["message_id"].text()}});
    });
    return unread;
}

}  // namespace

TEST_CASE("any order, repetition and batch size of the same mails gives the same bytes") {
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
        CAPTURE(seed);
        const std::vector<TestEvent> events = random_events(seed);
        FoldedRows straight{all};
        straight.fold(events);

        Random random{seed + 1'000'000};
        std::vector<TestEvent> shuffled = events;
        for (const TestEvent& event : events)
            if (random.chance(30)) shuffled.push_back(event);
        std::mt19937_64 engine{seed};
        for (const std::size_t batch_size : {std::size_t{1}, std::size_t{3}, std::size_t{512}}) {
            CAPTURE(batch_size);
            std::shuffle(shuffled.begin(), shuffled.end(), engine);
            FoldedRows other{all};
            other.fold(shuffled, batch_size, random.below(5));
            CHECK(other.rows() == straight.rows());
        }
    }
}

TEST_CASE("the unread mails are those of a plain model") {
    std::size_t unread_seen = 0;
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
        CAPTURE(seed);
        const std::vector<TestEvent> events = random_events(seed);
        FoldedRows folded{all};
        folded.fold(events, 7);
        const auto expected = unread_by_model(events);
        CHECK(unread_by_rows(folded.view(0)) == expected);
        schemas::json::Parser parser;
        const std::string counted = count_unread(folded.view(0), "");
        const auto count = parser.parse(counted);
        REQUIRE(count);
        CHECK((*count)["unread"].integer().value_or(-1) == static_cast<int>(expected.size()));
        unread_seen += expected.size();
    }
    CHECK(unread_seen > seeds);
}
