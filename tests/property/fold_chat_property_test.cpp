#include "projections/conversations/chat_keys.hpp"
#include "projections/conversations/conversations_fold.hpp"
#include "projections/conversations/conversations_reads.hpp"
#include "projections/identity/identity_fold.hpp"
#include "projections/timeline/timeline_fold.hpp"
#include "schemas/json/json.hpp"
#include "tests/support/folding.hpp"

#include <doctest/doctest.h>

#include <random>
#include <set>

using namespace projections;
using schemas::Field;
using schemas::KeyKind;
using tests::event_id;
using tests::FoldedRows;
using tests::TestEvent;

namespace {

constexpr std::uint64_t seeds = 60;
const ConversationsFold conversations;
const IdentityFold identity;
const TimelineFold timeline;
const std::vector<const Projection*> all = {&conversations, &identity, &timeline};

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

std::string phone(std::size_t customer) {
    return "+9198765000" + std::to_string(10 + customer);
}

// What is asked of a message is fixed by its number: who it is for and which way it goes.
struct MessagePlan {
    std::size_t source = 0;
    std::size_t customer = 0;
    bool inbound = false;
    std::string id;
};

MessagePlan plan_of(std::size_t number) {
    return {number % 2, number / 2 % 3, number / 6 % 2 == 0, "wamid." + std::to_string(number)};
}

// Two sources of two channels share the line of the customers but the last.
TestEvent message_event(Random& random, std::size_t serial, std::size_t second,
                        std::size_t source) {
    const MessagePlan plan = plan_of(2 * random.below(12) + source);
    TestEvent event;
    event.id = event_id(1000 + 1000 * plan.source + serial);
    event.source = bus::SourceId{1 + plan.source};
    event.slug = "line-" + std::to_string(plan.source);
    event.time = at_second(random.below(5000));
    event.ingest_time = at_second(second);
    event.address = {plan.source == 0 ? bus::Topic::chat : bus::Topic::web, 0, serial};
    event.texts[Field::message_id] = plan.id;
    if (plan.source == 0 || plan.customer < 2) event.texts[Field::business_number] = "+911800";
    event.keys = {{KeyKind::whatsapp, phone(plan.customer).substr(1)}};
    if (random.chance(30))
        event.keys.push_back({KeyKind::whatsapp, "US." + std::to_string(plan.customer)});

    const std::size_t pick = random.below(10);
    static const std::vector<std::string> receipts = {"queued", "sent", "delivered", "read",
                                                      "failed"};
    const bool content = random.chance(50);
    if (pick < 3) {
        event.type = plan.inbound ? "whatsapp.message.received" : "whatsapp.message.sent";
    } else if (pick < 7) {
        event.type = "whatsapp.message." + receipts[random.below(receipts.size())];
        if (plan.inbound) event.texts[Field::direction] = "in";
    } else {
        static const std::vector<std::string> changes = {"edited", "reacted", "deleted"};
        event.type = "whatsapp.message." + changes[random.below(random.chance(80) ? 2 : 3)];
        event.texts[Field::direction] = random.chance(50) ? "in" : "out";
        event.texts[Field::emoji] = random.chance(30) ? "" : "+1";
        event.texts[Field::text] = "edit " + std::to_string(serial);
    }
    const bool says_what = event.type.ends_with("received") || (pick < 7 && content);
    if (says_what) {
        event.texts[Field::text] = "text " + std::to_string(serial) + " \xE2\x82\xB9";
        event.texts[Field::kind] = "text";
        if (random.chance(60))
            event.texts[Field::customer_name] = "Name " + std::to_string(random.below(4));
    }
    if (!plan.inbound && says_what && random.chance(20)) event.texts[Field::sender] = "automation";
    if (event.type.ends_with("failed")) event.texts[Field::error_code] = std::to_string(serial);
    return event;
}

TestEvent chat_event(Random& random, std::size_t serial, std::size_t second) {
    return message_event(random, serial, second, 0);
}

TestEvent web_event(Random& random, std::size_t serial, std::size_t second) {
    return message_event(random, serial, second, 1);
}

TestEvent read_marker(Random& random, std::size_t serial, std::size_t second) {
    const std::size_t customer = random.below(3);
    const bool numbered = random.chance(50);
    TestEvent event;
    event.type = "chat.conversation.read";
    event.id = event_id(5000 + serial);
    event.time = event.ingest_time = at_second(second);
    event.address = {bus::Topic::facts, 0, serial};
    event.texts[Field::object_id] = chat::conversation_id(chat::conversation_key(
        "whatsapp", numbered ? "+911800" : "", bus::SourceId{2}, "phone:" + phone(customer)));
    return event;
}

TestEvent billing_event(Random& random, std::size_t serial, std::size_t second) {
    static const std::vector<std::string> types = {"billing.invoice.paid", "crm.lead.created",
                                                   "billing.payment.failed"};
    const std::size_t customer = random.below(4);
    TestEvent event;
    event.type = types[random.below(types.size())];
    event.id = event_id(8000 + serial);
    event.source = bus::SourceId{7};
    event.slug = "stripe";
    event.ingest_time = at_second(second);
    event.time_is_ingest = random.chance(30);
    event.time = event.time_is_ingest ? event.ingest_time : at_second(random.below(90'000));
    event.address = {bus::Topic::billing, 0, serial};
    event.numbers[Field::amount_minor] = static_cast<std::int64_t>(serial);
    event.texts[Field::customer_name] = "Billed " + std::to_string(random.below(3));
    event.keys = {{KeyKind::external, "stripe:cus_" + std::to_string(customer)}};
    if (random.chance(50)) event.keys.push_back({KeyKind::phone, phone(random.below(4))});
    if (random.chance(50))
        event.keys.push_back({KeyKind::email, "a" + std::to_string(customer) + "@b.in"});
    return event;
}

using Topic = std::vector<TestEvent>;

std::vector<Topic> random_topics(Random& random) {
    using Make = TestEvent (*)(Random&, std::size_t, std::size_t);
    std::vector<Topic> topics;
    for (const Make make :
         {Make{chat_event}, Make{web_event}, Make{read_marker}, Make{billing_event}}) {
        Topic& topic = topics.emplace_back();
        std::size_t second = 0;
        const bool tells_messages = make == chat_event || make == web_event;
        const std::size_t count = 1 + random.below(tells_messages ? 45 : 12);
        for (std::size_t i = 0; i < count; ++i) {
            topic.push_back(make(random, i, second));
            second += random.below(tells_messages ? 6 : 20);  // ties happen
        }
    }
    return topics;
}

std::vector<TestEvent> interleave(Random& random, const std::vector<Topic>& topics) {
    std::vector<TestEvent> events;
    std::vector<std::size_t> next(topics.size(), 0);
    std::size_t left = 0;
    for (const Topic& topic : topics) left += topic.size();
    while (left > 0) {
        const std::size_t topic = random.below(topics.size());
        if (next[topic] == topics[topic].size()) continue;
        events.push_back(topics[topic][next[topic]++]);
        --left;
    }
    return events;
}

// The same record read again, or a second delivery of the event in a record of its own.
std::vector<TestEvent> with_repeats(Random& random, const std::vector<TestEvent>& events) {
    std::vector<TestEvent> repeated = events;
    for (std::size_t i = 0; i < events.size() / 3; ++i) {
        const std::size_t original = random.below(events.size());
        TestEvent copy = events[original];
        const bool second_delivery = random.chance(50) && copy.address.topic != bus::Topic::facts;
        if (second_delivery) {
            copy.address.offset += 100'000;
            copy.ingest_time += bus::seconds{3600 + random.below(100'000)};
            if (copy.time_is_ingest) copy.time = copy.ingest_time;
        }
        // Never before the original: copies only make the list longer in front of it.
        const auto at = std::find_if(repeated.begin(), repeated.end(),
                                     [&](const TestEvent& event) { return event.id == copy.id; });
        const auto after = static_cast<std::size_t>(at - repeated.begin()) + 1;
        repeated.insert(repeated.begin() + after + random.below(repeated.size() - after + 1), copy);
    }
    return repeated;
}

// A plain reading of the same events.
struct ModelMessage {
    bool known = false;
    bool inbound = false;
    bus::Timestamp at{};
    std::set<std::string> receipts;
};
struct ModelConversation {
    std::size_t messages = 0;
    std::vector<bus::Timestamp> inbound;
    std::optional<bus::Timestamp> seen;  // last message of a person of ours or read marker
    std::vector<bus::Timestamp> asked;
    std::vector<bus::Timestamp> answers;
    std::pair<bus::Timestamp, chat::MessageKey> last;
};
struct Model {
    std::map<std::string, ModelMessage> messages;
    std::map<std::string, ModelConversation> conversations;

    void take(const TestEvent& event) {
        if (event.type == "chat.conversation.read") {
            auto& seen = conversations[event.texts.at(Field::object_id)].seen;
            seen = std::max(seen.value_or(event.ingest_time), event.ingest_time);
        } else if (event.type.starts_with("whatsapp.")) {
            take_report(event);
        }
    }
    void take_report(const TestEvent& event) {
        const std::string word = event.type.substr(event.type.rfind('.') + 1);
        const chat::MessageKey key =
            chat::message_key(event.source, event.texts.at(Field::message_id));
        ModelMessage& message = messages[chat::message_id(key)];
        if (word != "received" && word != "edited" && word != "reacted")
            message.receipts.insert(word);
        if (message.known || !event.texts.contains(Field::kind)) return;
        message.known = true;
        message.inbound = word == "received" || event.texts.contains(Field::direction);
        message.at = event.time;
        appear(event, key, message);
    }
    void appear(const TestEvent& event, const chat::MessageKey& key, const ModelMessage& message) {
        const auto number = event.texts.find(Field::business_number);
        ModelConversation& in = conversations[chat::conversation_id(
            chat::conversation_key("whatsapp", number == event.texts.end() ? "" : number->second,
                                   event.source, "phone:+" + event.keys.front().second))];
        in.last = in.messages++ == 0 ? std::pair{message.at, key}
                                     : std::max(in.last, std::pair{message.at, key});
        if (message.inbound) {
            in.inbound.push_back(event.ingest_time);
            in.asked.push_back(message.at);
        } else if (!event.texts.contains(Field::sender)) {
            in.seen = std::max(in.seen.value_or(event.ingest_time), event.ingest_time);
            in.answers.push_back(message.at);
        }
    }
    static std::string first_response_of(const ModelConversation& conversation) {
        std::optional<bus::Timestamp> first;
        for (const bus::Timestamp answer : conversation.answers) {
            const bool answers =
                !conversation.asked.empty() &&
                answer >= *std::min_element(conversation.asked.begin(), conversation.asked.end());
            if (answers && (!first || answer < *first)) first = answer;
        }
        return first ? bus::to_iso(*first) : "";
    }
    static std::string status_of(const ModelMessage& message) {
        if (message.receipts.contains("deleted")) return "deleted";
        if (message.inbound) return "received";
        for (const char* word : {"read", "delivered", "failed", "sent", "queued"}) {
            if (message.receipts.contains(word)) return word;
        }
        return "none";
    }
};

// What one customer writes on a line, of which this is one topic.
Topic unanswered_topic(Random& random, std::size_t source) {
    Topic topic;
    std::size_t second = 0;
    const std::size_t count = random.below(700);
    for (std::size_t i = 0; i < count; ++i) {
        TestEvent event;
        event.type = "whatsapp.message.received";
        event.id = event_id(1000 * (source + 1) + i);
        event.source = bus::SourceId{1 + source};
        event.time = event.ingest_time = at_second(second);
        event.address = {source == 0 ? bus::Topic::chat : bus::Topic::web, 0, i};
        event.texts[Field::message_id] = "wamid." + std::to_string(i);
        event.texts[Field::business_number] = "+911800";
        event.texts[Field::text] = "still here";
        event.keys = {{KeyKind::phone, phone(0)}};
        topic.push_back(event);
        second += random.chance(5) ? random.below(10'000) : random.below(4);
    }
    return topic;
}

// Of the same customer, as the third topic.
TestEvent seen_at(std::size_t second) {
    TestEvent event;
    event.type = "chat.conversation.read";
    event.id = event_id(900'000);
    event.time = event.ingest_time = at_second(second);
    event.address = {bus::Topic::facts, 0, 0};
    event.texts[Field::business_number] = "+911800";
    event.keys = {{KeyKind::phone, phone(0)}};
    return event;
}

void check_model(const Model& model, const FoldedRows& folded) {
    const auto view = folded.view(0);
    schemas::json::Parser parser;
    for (const auto& [id, expected] : model.messages) {
        const auto shown = get_message(view, id);
        REQUIRE(shown);
        const auto message = *parser.parse(*shown);
        CHECK((message["conversation_id"].text() != "") == expected.known);
        if (expected.known) CHECK(message["status"].text() == Model::status_of(expected));
    }
    for (const auto& entry : model.conversations) {
        const auto& expected = entry.second;
        const auto shown = get_conversation(view, entry.first, at_second(0));
        REQUIRE(shown.has_value() == (expected.messages > 0));
        if (!shown) continue;
        const auto conversation = *parser.parse(*shown);
        const auto unread = std::count_if(
            expected.inbound.begin(), expected.inbound.end(),
            [&](bus::Timestamp time) { return !expected.seen || time >= *expected.seen; });
        CHECK(conversation["unread_count"].integer() == unread);
        CHECK(conversation["message_count"].integer() == expected.messages);
        CHECK(conversation["first_response_at"].text() == Model::first_response_of(expected));
        CHECK(conversation["last_message_at"].text() == bus::to_iso(expected.last.first));
    }
}

}  // namespace

TEST_CASE("chat folds: any interleaving of topics, repeats and batch sizes give the same bytes") {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        CAPTURE(seed);
        Random random{seed};
        const std::vector<Topic> topics = random_topics(random);
        FoldedRows reference{all};
        reference.fold(interleave(random, topics));
        for (int variant = 0; variant < 4; ++variant) {
            const std::size_t batch_size = 1 + random.below(64);
            const std::size_t cached_rows = random.below(6) == 0 ? 1000 : random.below(8);
            CAPTURE(variant);
            CAPTURE(batch_size);
            CAPTURE(cached_rows);
            FoldedRows other{all};
            other.fold(with_repeats(random, interleave(random, topics)), batch_size, cached_rows);
            for (std::size_t table = 0; table < table_count; ++table)
                REQUIRE(reference.rows().rows(Table{static_cast<std::uint8_t>(table)}) ==
                        other.rows().rows(Table{static_cast<std::uint8_t>(table)}));
        }
    }
}

TEST_CASE("chat folds: unread, last message and statuses are those of a plain model") {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        CAPTURE(seed);
        Random random{seed + 1000};
        const std::vector<TestEvent> events = interleave(random, random_topics(random));
        Model model;
        for (const TestEvent& event : events) model.take(event);
        FoldedRows folded{all};
        folded.fold(events, 1 + random.below(64));
        check_model(model, folded);
    }
}

TEST_CASE("chat folds: however many wait for an answer, the order of their topics does not count") {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        CAPTURE(seed);
        Random random{seed + 2000};
        std::vector<Topic> topics = {unanswered_topic(random, 0), unanswered_topic(random, 1)};
        const std::size_t written = topics[0].size() + topics[1].size();
        if (written == 0) continue;
        const bool marked = random.chance(50);
        if (marked) topics.push_back({seen_at(random.below(50'000))});
        FoldedRows reference{all};
        reference.fold(interleave(random, topics), 64);
        for (int variant = 0; variant < 3; ++variant) {
            FoldedRows other{all};
            other.fold(interleave(random, topics), 1 + random.below(512), random.below(8));
            REQUIRE(reference.rows() == other.rows());
        }
        if (marked) continue;
        const auto page = list_conversations(reference.view(0), {}, at_second(0));
        REQUIRE(page);
        schemas::json::Parser parser;
        const auto conversation = parser.parse(page->data)->at(0);
        CHECK(conversation["unread_count"].integer() == std::min<std::size_t>(written, 999));
        CHECK(conversation["waiting_since"].text() == bus::to_iso(at_second(0)));
    }
}
