#include "projections/conversations/chat_keys.hpp"
#include "projections/conversations/conversations_fold.hpp"
#include "projections/conversations/conversations_reads.hpp"
#include "projections/conversations/message_row.hpp"
#include "projections/conversations/waiting_messages.hpp"
#include "projections/cut_text.hpp"
#include "projections/word_search.hpp"
#include "schemas/json/json.hpp"
#include "tests/support/folding.hpp"

#include <doctest/doctest.h>

using namespace projections;
using schemas::Field;
using schemas::KeyKind;
using tests::event_id;
using tests::FoldedRows;
using tests::TestEvent;

namespace {

const ConversationsFold projection;
constexpr bus::SourceId line{1};

bus::Timestamp at(int second) {
    return bus::Timestamp{bus::seconds{1'700'000'000 + second}};
}

TestEvent message(const std::string& verb, const std::string& id, int second,
                  const std::string& text = "", const std::string& phone = "+919876500001") {
    static std::uint64_t serial = 0;
    TestEvent event;
    event.type = "whatsapp.message." + verb;
    event.id = event_id(++serial);
    event.time = event.ingest_time = at(second);
    event.address.offset = serial;
    event.texts[Field::message_id] = id;
    event.texts[Field::customer_phone] = phone;
    if (!text.empty()) {
        event.texts[Field::text] = text;
        event.texts[Field::kind] = "text";
    }
    return event;
}

TestEvent with(TestEvent event, Field field, const std::string& text) {
    event.texts[field] = text;
    return event;
}

std::string id_of_conversation(const std::string& phone = "+919876500001") {
    return chat::conversation_id(chat::conversation_key("whatsapp", "", line, "phone:" + phone));
}

// Members of the only message `id` of this line, as JSON pieces joined by blanks.
std::string shown(const std::optional<std::string>& object, const std::vector<std::string>& names) {
    if (!object) return "none";
    schemas::json::Parser parser;
    const auto document = *parser.parse(*object);
    std::string out;
    for (const std::string& name : names) {
        if (!out.empty()) out += ' ';
        if (document[name])
            document[name].append_to(out);
        else
            out += '-';
    }
    return out;
}

std::string message_after(const std::vector<TestEvent>& events, const std::string& id,
                          const std::vector<std::string>& names) {
    FoldedRows folded{{&projection}};
    folded.fold(events, 1);
    const auto view = folded.view(0);
    return shown(get_message(view, chat::message_id(chat::message_key(line, id))), names);
}

std::string conversation_after(const std::vector<TestEvent>& events,
                               const std::vector<std::string>& names, int now = 0) {
    FoldedRows folded{{&projection}};
    folded.fold(events, 1);
    const auto view = folded.view(0);
    return shown(get_conversation(view, id_of_conversation(), at(now)), names);
}

void check_status(const std::vector<std::string>& verbs, const std::string& status) {
    std::vector<TestEvent> events = {message("queued", "m", 0, "hello")};
    for (const std::string& verb : verbs)
        events.push_back(message(verb, "m", static_cast<int>(events.size())));
    CAPTURE(verbs.size());
    CHECK(message_after(events, "m", {"status"}) == '"' + status + '"');
}

std::vector<std::string> ids(const ListPage& page) {
    schemas::json::Parser parser;
    const auto document = *parser.parse(page.data);
    std::vector<std::string> out;
    document.each_element(
        [&](schemas::json::Value value) { out.emplace_back(value["id"].text()); });
    return out;
}

std::vector<std::string> previews(const ListPage& page, const std::string& member) {
    schemas::json::Parser parser;
    const auto document = *parser.parse(page.data);
    std::vector<std::string> out;
    document.each_element(
        [&](schemas::json::Value value) { out.emplace_back(value[member].text()); });
    return out;
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("messages: receipts only go forward") {
    check_status({"sent", "delivered", "read"}, "read");
    check_status({"read", "delivered", "sent"}, "read");
    check_status({"sent", "failed"}, "failed");
    check_status({"failed", "delivered"}, "delivered");
    check_status({"read", "failed"}, "read");
    check_status({"deleted", "read"}, "deleted");
    check_status({}, "queued");
}

TEST_CASE("messages: each state keeps its earliest time") {
    CHECK(message_after({message("sent", "m", 1, "x"), message("read", "m", 9),
                         message("read", "m", 5), message("read", "m", 7)},
                        "m", {"status_at"}) ==
          R"({"sent":"2023-11-14T22:13:21Z","read":"2023-11-14T22:13:25Z"})");
}

TEST_CASE("messages: a failure shows why, until the message is delivered after all") {
    TestEvent failed = message("failed", "m", 2);
    failed.texts[Field::error_code] = "131047";
    failed.texts[Field::error_text] = "Re-engagement message";
    const std::vector<TestEvent> events = {message("sent", "m", 1, "x"), failed};
    CHECK(message_after(events, "m", {"status", "error"}) ==
          R"("failed" {"code":"131047","text":"Re-engagement message"})");
    std::vector<TestEvent> more = events;
    more.push_back(message("delivered", "m", 3));
    CHECK(message_after(more, "m", {"status", "error"}) == R"("delivered" -)");
}

TEST_CASE("messages: what comes early waits and attaches when the message appears") {
    TestEvent reaction = message("reacted", "own-id", 2);
    reaction.texts[Field::reply_to] = "m";
    reaction.texts[Field::emoji] = "+1";
    CHECK(message_after({message("delivered", "m", 3), reaction, message("edited", "m", 4, "new"),
                         message("sent", "m", 1, "old")},
                        "m", {"status", "text", "edited", "reactions"}) ==
          R"("delivered" "new" true [{"sender":"phone:+919876500001","emoji":"+1",)"
          R"("at":"2023-11-14T22:13:22Z"}])");
}

TEST_CASE("messages: a reaction is replaced and taken back by its sender") {
    const auto react = [](int second, const std::string& emoji) {
        TestEvent event = message("reacted", "m", second);
        event.texts[Field::emoji] = emoji;
        return event;
    };
    CHECK(message_after({message("received", "m", 0, "x"), react(2, "B"), react(1, "A")}, "m",
                        {"reactions"})
              .find(R"("emoji":"B")") != std::string::npos);
    CHECK(message_after({message("received", "m", 0, "x"), react(1, "A"), react(2, "")}, "m",
                        {"reactions"}) == "[]");
}

TEST_CASE("messages: long words do not make a row that cannot be read again") {
    std::vector<TestEvent> events = {
        with(message("sent", "m", 0, "x"), Field::customer_name, tests::long_word),
        with(message("failed", "m", 1), Field::error_text, tests::long_word)};
    for (int i = 0; i < 20; ++i) {
        TestEvent reaction = message("reacted", "m", 2 + i, "", fmt::format("+9198765000{:02}", i));
        events.push_back(with(reaction, Field::emoji, tests::long_word));
    }
    FoldedRows folded{{&projection}};
    folded.fold(events, 64);
    CHECK(tests::longest_row(folded.rows()) < tests::row_bytes_sane);
    const auto stored = folded.view(0).get(
        Table::rows, chat::row_key(chat::RowTag::message, chat::message_key(line, "m")));
    REQUIRE(stored);
    chat::MessageRow row;
    CHECK(row.decode(*stored));
    CHECK(row.reactions.size() == 20);
}

TEST_CASE("messages: the mapping's word for the direction counts, long or short") {
    for (const std::string word : {"in", "inbound"})
        CHECK(message_after({with(message("sent", "m", 0, "x"), Field::direction, word)}, "m",
                            {"direction"}) == R"("in")");
    CHECK(message_after({with(message("received", "m", 0, "x"), Field::direction, "out")}, "m",
                        {"direction"}) == R"("out")");
    CHECK(conversation_after({with(message("received", "m", 0, "x"), Field::direction, "in")},
                             {"last_direction", "unread_count"}) == R"("in" 1)");
}

TEST_CASE("messages: a deleted one shows no text, in the list neither") {
    const std::vector<TestEvent> events = {message("received", "m", 0, "secret"),
                                           message("deleted", "m", 1)};
    CHECK(message_after(events, "m", {"status", "text", "deleted"}) == R"("deleted" - true)");
    CHECK(conversation_after(events, {"last_message_preview"}) == R"("")");
}

TEST_CASE("messages: an edit of the last one changes the preview, a late edit of it too") {
    CHECK(conversation_after({message("received", "m", 0, "old"), message("edited", "m", 5, "new"),
                              message("edited", "m", 4, "older")},
                             {"last_message_preview"}) == R"("new")");
}

TEST_CASE("messages: a receipt of a message sent elsewhere stays an orphan, seen after a day") {
    FoldedRows folded{{&projection}};
    folded.fold({message("delivered", "elsewhere", 0), message("sent", "ours", 0, "x")});
    const auto view = folded.view(0);
    CHECK(list_orphans(view, at(86'400), 10).count == 0);
    const OrphanReport report = list_orphans(view, at(86'401), 10);
    CHECK(report.count == 1);
    CHECK(report.rows.find(R"("provider_message_id":"elsewhere")") != std::string::npos);
}

TEST_CASE("conversations: unread counts what came in since the last answer or read marker") {
    TestEvent marker;
    marker.type = "chat.conversation.read";
    marker.id = event_id(900'000);
    marker.time = marker.ingest_time = at(15);
    marker.texts[Field::object_id] = id_of_conversation();
    const auto unread = [](const std::vector<TestEvent>& events) {
        return conversation_after(events, {"unread_count"});
    };
    CHECK(unread({message("received", "a", 10, "1"), message("received", "b", 20, "2")}) == "2");
    CHECK(unread({message("received", "a", 10, "1"), message("sent", "s", 11, "re"),
                  message("received", "b", 20, "2")}) == "1");
    CHECK(unread({marker, message("received", "a", 10, "1"), message("received", "b", 20, "2")}) ==
          "1");
    CHECK(unread({message("received", "a", 15, "tie"), marker}) == "1");
    CHECK(unread({message("received", "b", 20, "2"), message("sent", "late", 12, "re"),
                  message("received", "a", 10, "1")}) == "1");
}

TEST_CASE("conversations: a read marker answers nobody: the customer still waits") {
    TestEvent marker;
    marker.type = "chat.conversation.read";
    marker.ingest_time = at(50);
    marker.texts[Field::object_id] = id_of_conversation();
    CHECK(conversation_after({message("received", "a", 10, "1"), marker},
                             {"unread_count", "waiting_since"}) == R"(0 "2023-11-14T22:13:30Z")");
    CHECK(conversation_after({message("received", "a", 10, "1"), message("sent", "s", 60, "re")},
                             {"waiting_since", "first_response_at"}) ==
          R"(null "2023-11-14T22:14:20Z")");
}

TEST_CASE("conversations: what an automation sends is no answer") {
    const auto automatic =
        with(message("sent", "s", 60, "We are closed"), Field::sender, "automation");
    CHECK(conversation_after({message("received", "a", 10, "1"), automatic},
                             {"unread_count", "waiting_since", "first_response_at",
                              "last_outbound_at", "last_message_preview"}) ==
          R"(1 "2023-11-14T22:13:30Z" null "2023-11-14T22:14:20Z" "We are closed")");
    CHECK(conversation_after(
              {message("received", "a", 10, "1"), automatic, message("sent", "t", 70, "re")},
              {"unread_count", "waiting_since", "first_response_at"}) ==
          R"(0 null "2023-11-14T22:14:30Z")");
}

TEST_CASE("conversations: the first response is the same, whichever topic was folded first") {
    const auto on_line = [](TestEvent event, bus::SourceId source, bus::Topic topic) {
        event.texts[Field::business_number] = "+911800";
        event.source = source;
        event.address.topic = topic;
        return event;
    };
    const bus::SourceId site{2};
    const std::vector<TestEvent> events = {
        on_line(message("sent", "offer", 5, "hi"), line, bus::Topic::chat),
        on_line(message("received", "late", 30, "2"), line, bus::Topic::chat),
        on_line(message("sent", "answer", 20, "re"), site, bus::Topic::web),
        on_line(message("received", "first", 10, "1"), site, bus::Topic::web)};
    const std::string id = chat::conversation_id(
        chat::conversation_key("whatsapp", "+911800", line, "phone:+919876500001"));
    const auto first_response = [&](const std::vector<std::size_t>& order) {
        FoldedRows folded{{&projection}};
        for (const std::size_t place : order) folded.fold({events[place]});
        return shown(get_conversation(folded.view(0), id, at(0)), {"first_response_at"});
    };
    const std::string at_20 = R"("2023-11-14T22:13:40Z")";
    CHECK(first_response({0, 1, 2, 3}) == at_20);
    CHECK(first_response({2, 3, 0, 1}) == at_20);
    CHECK(first_response({3, 0, 1, 2}) == at_20);
    CHECK(first_response({0, 1}) == "null");
}

TEST_CASE("conversations: the window is open for 24 hours after an inbound message only") {
    const std::vector<TestEvent> events = {message("received", "a", 0, "1"),
                                           message("sent", "s", 5000, "re")};
    CHECK(conversation_after(events, {"window", "can_reply_free_text"}, 86'399) ==
          R"("open" true)");
    CHECK(conversation_after(events, {"window", "can_reply_free_text"}, 86'400) ==
          R"("closed" false)");
    CHECK(conversation_after({message("sent", "s", 0, "hi")}, {"window", "window_expires_at"}) ==
          R"("closed" null)");
}

namespace {

// Messages at the seconds 0, 1, 2 ... that nobody answered, then `last`.
std::string after_unanswered(int count, const std::vector<TestEvent>& last,
                             const std::vector<std::string>& members) {
    std::vector<TestEvent> events;
    for (int i = 0; i < count; ++i)
        events.push_back(message("received", "m" + std::to_string(i), i, "x"));
    events.insert(events.end(), last.begin(), last.end());
    FoldedRows folded{{&projection}};
    folded.fold(events, 64, 0);
    return shown(get_conversation(folded.view(0), id_of_conversation(), at(0)), members);
}

}  // namespace

TEST_CASE("conversations: unread stops counting at its bound, and the first still waits") {
    CHECK(after_unanswered(998, {}, {"unread_count"}) == "998");
    CHECK(after_unanswered(3000, {}, {"unread_count", "message_count", "waiting_since"}) ==
          R"(999 3000 "2023-11-14T22:13:20Z")");
}

TEST_CASE("conversations: of many unanswered messages a read marker counts the newest exactly") {
    const auto read_at = [](int second) {
        TestEvent marker;
        marker.type = "chat.conversation.read";
        marker.time = marker.ingest_time = at(second);
        marker.texts[Field::object_id] = id_of_conversation();
        return marker;
    };
    CHECK(after_unanswered(200, {read_at(150)}, {"unread_count"}) == "50");
    CHECK(after_unanswered(200, {read_at(300)}, {"unread_count"}) == "0");
    // Among the older ones: with the group that it falls into, of a span of some seconds.
    CHECK(after_unanswered(200, {read_at(100)}, {"unread_count"}) == "101");
    CHECK(after_unanswered(200, {message("sent", "s", 180, "re")},
                           {"unread_count", "waiting_since"}) == R"(20 "2023-11-14T22:16:20Z")");
}

TEST_CASE("conversations: a preview is cut after 120 characters, not bytes") {
    std::string text;
    for (int i = 0; i < 130; ++i) text += "\xE0\xA4\xB9";
    CHECK(one_line(text, 120).size() == 360);
    CHECK(one_line("a\nb", 120) == "a b");
    CHECK(cut_at_code_point("\xE0\xA4\xB9\xE0\xA4\xB9", 5) == "\xE0\xA4\xB9");
}

TEST_CASE("conversations: the name is that of the latest event, whichever came first") {
    const auto named = [](const std::string& id, int second, const std::string& name) {
        return with(message("received", id, second, "x"), Field::customer_name, name);
    };
    CHECK(conversation_after({named("b", 20, "New"), named("a", 10, "Old")}, {"customer_name"}) ==
          R"("New")");
}

TEST_CASE("conversations: customers, lines and user ids without a phone are kept apart") {
    TestEvent by_user_id = message("received", "u", 3, "x");
    by_user_id.texts.erase(Field::customer_phone);
    by_user_id.keys = {{KeyKind::whatsapp, "US.1349"}};
    FoldedRows folded{{&projection}};
    folded.fold({message("received", "a", 1, "x"),
                 message("received", "b", 2, "x", "+919876500002"), by_user_id,
                 with(message("received", "c", 4, "x"), Field::business_number, "+911800")});
    const auto page = list_conversations(folded.view(0), {}, at(0));
    REQUIRE(page);
    CHECK(page->count == 4);
    CHECK(page->total == 4);
    CHECK(page->total_exact);
    CHECK(previews(*page, "customer_key") == Words{"phone:+919876500001", "whatsapp:US.1349",
                                                   "phone:+919876500002", "phone:+919876500001"});
}

TEST_CASE("inbox: filters and their totals") {
    TestEvent other_line = message("received", "o", 40, "other line", "+919876500003");
    other_line.source = bus::SourceId{2};
    other_line.slug = "second";
    FoldedRows folded{{&projection}};
    folded.fold(
        {with(message("received", "a", 10, "need an invoice"), Field::customer_name, "Asha Rao"),
         message("received", "b", 20, "hello", "+919876500002"),
         message("sent", "s", 30, "answer", "+919876500002"), other_line});
    const auto view = folded.view(0);
    const auto texts = [&](const ConversationQuery& query, int now = 100) {
        const auto page = list_conversations(view, query, at(now));
        REQUIRE(page);
        CHECK(page->total == page->count);
        return previews(*page, "last_message_preview");
    };
    CHECK(texts({}) == Words{"other line", "answer", "need an invoice"});
    CHECK(texts({.provider = "second"}) == Words{"other line"});
    CHECK(texts({.channel = "sms"}).empty());
    CHECK(texts({.status = "resolved"}).empty());
    CHECK(texts({.status = "open"}).size() == 3);
    CHECK(texts({.unread = false}) == Words{"answer"});
    CHECK(texts({.window = WindowFilter::open}, 86'415) == Words{"other line", "answer"});
    CHECK(texts({.window = WindowFilter::closed}, 86'415) == Words{"need an invoice"});
    CHECK(texts({.customers = {"phone:+919876500002"}}) == Words{"answer"});
    CHECK(texts({.search = "ash inv"}) == Words{"need an invoice"});
    CHECK(texts({.search = "oice"}).empty());
    CHECK(texts({.search = "6500003"}) == Words{"other line"});
    CHECK(texts({.from = at(30), .to = at(40)}) == Words{"answer"});
    CHECK(texts({.oldest_first = true}) == Words{"need an invoice", "answer", "other line"});
}

TEST_CASE("search: a word is compared once, however often it is asked for") {
    std::string search;
    for (int i = 0; i < 4000; ++i) search += i % 2 == 0 ? "Z+" : "z ";
    CHECK(WordSearch::parse(search)->word_count() == 1);
    for (std::size_t i = 1; i < WordSearch::words_max; ++i) search += " w" + std::to_string(i);
    CHECK(WordSearch::parse(search)->word_count() == WordSearch::words_max);
    const auto refused = WordSearch::parse(search + " more");
    REQUIRE(!refused);
    CHECK(refused.error().code == bus::ErrorCode::invalid_input);
}

TEST_CASE("inbox: pages and cursors walk every conversation once, both ways") {
    std::vector<TestEvent> events;
    for (int i = 0; i < 23; ++i)
        events.push_back(message("received", "m" + std::to_string(i), i / 3, "x",
                                 "+9198765" + std::to_string(10'000 + i)));
    FoldedRows folded{{&projection}};
    folded.fold(events);
    const auto view = folded.view(0);
    for (const bool oldest_first : {false, true}) {
        ConversationQuery query{.oldest_first = oldest_first, .limit = 5};
        Words by_cursor;
        do {
            const auto page = list_conversations(view, query, at(0));
            REQUIRE(page);
            for (const std::string& id : ids(*page)) by_cursor.push_back(id);
            query.cursor = page->next_cursor;
        } while (!query.cursor.empty() && by_cursor.size() < 100);
        Words by_page;
        for (query.page = 1; query.page <= 5; ++query.page) {
            const auto page = list_conversations(view, query, at(0));
            REQUIRE(page);
            for (const std::string& id : ids(*page)) by_page.push_back(id);
        }
        CHECK(by_cursor.size() == 23);
        CHECK(by_cursor == by_page);
    }
    CHECK(list_conversations(view, {.cursor = "zzz"}, at(0)).error().code ==
          bus::ErrorCode::invalid_input);
}

TEST_CASE("inbox: a filter that fits nothing near goes on where the walk gave up") {
    std::vector<TestEvent> events = {message("received", "first", 0, "x", "+919800000000")};
    for (int i = 1; i <= 20'500; ++i)
        events.push_back(
            message("sent", std::to_string(i), i, "x", "+9199" + std::to_string(10'000'000 + i)));
    FoldedRows folded{{&projection}};
    folded.fold(events);
    ConversationQuery query{.unread = true};
    const auto first = list_conversations(folded.view(0), query, at(0));
    REQUIRE(first);
    CHECK(first->count == 0);
    CHECK_FALSE(first->total_exact);
    query.cursor = first->next_cursor;
    REQUIRE(query.cursor != "");
    CHECK(list_conversations(folded.view(0), query, at(0))->count == 1);
}

TEST_CASE("messages: a conversation is walked by cursor both ways, newest first") {
    std::vector<TestEvent> events;
    for (int i = 0; i < 9; ++i)
        events.push_back(
            message(i % 2 ? "sent" : "received", "m" + std::to_string(i), i, std::to_string(i)));
    FoldedRows folded{{&projection}};
    folded.fold(events);
    const auto view = folded.view(0);
    const auto list = [&](const MessageQuery& query) {
        auto page = list_messages(view, id_of_conversation(), query);
        REQUIRE(page);
        return *page;
    };
    const ListPage newest = list({.limit = 3});
    CHECK(previews(newest, "text") == Words{"8", "7", "6"});
    CHECK(newest.previous_cursor.empty());
    const ListPage older = list({.before = newest.next_cursor, .limit = 3});
    CHECK(previews(older, "text") == Words{"5", "4", "3"});
    const ListPage last = list({.before = older.next_cursor, .limit = 3});
    CHECK(previews(last, "text") == Words{"2", "1", "0"});
    CHECK(last.next_cursor.empty());
    CHECK(previews(list({.after = last.previous_cursor, .limit = 3}), "text") ==
          Words{"5", "4", "3"});
    CHECK(previews(list({.after = ids(newest).front(), .limit = 3}), "text").empty());
    CHECK(previews(list({.before = ids(older).back(), .direction = "in"}), "text") ==
          Words{"2", "0"});
    CHECK(list({.kind = "image"}).count == 0);
    CHECK(list_messages(view, "cnv_nope", {}).error().code == bus::ErrorCode::not_found);
}

TEST_CASE("inbox: counts by channel, provider and status, unread and closing soon") {
    FoldedRows folded{{&projection}};
    folded.fold({message("received", "a", 0, "x"),
                 message("received", "b", 50'000, "x", "+919876500002"),
                 message("sent", "s", 60'000, "x", "+919876500002")});
    const auto counts = count_conversations(folded.view(0), {}, at(80'000));
    REQUIRE(counts);
    CHECK(*counts == R"({"total":2,"exact":true,"unread":1,"window_closing_soon":1,"by":{)"
                     R"("channel":{"whatsapp":2},"provider":{"acme-wa":2},"status":{"open":2}}})");
}

TEST_CASE("ids: conversation and message ids read back, others do not") {
    const auto key = chat::message_key(line, "m");
    CHECK(chat::parse_message_id(chat::message_id(key)) == key);
    CHECK_FALSE(chat::parse_conversation_id(chat::message_id(key)));
    CHECK_FALSE(chat::parse_message_id("msg_123"));
}

TEST_CASE("a group of waiting messages that an older version cut is not answered before its last") {
    chat::WaitingMessages waiting;
    waiting.older = {{at(10), at(100), 32}};
    for (int i = 0; i < 64; ++i) waiting.newest.push_back(at(10'000 + 1000 * i));
    waiting.add(at(50));  // from another topic, among those of the group
    for (int i = 0; i < 40; ++i) waiting.add(at(80'000 + i));
    REQUIRE(waiting.older.size() <= chat::WaitingMessages::groups_max);
    waiting.answer(at(90));
    CHECK(waiting.since() == at(10));
}
