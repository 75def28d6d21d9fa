// The whole product through its sockets: what providers send is what operators read.
#include "tests/support/running_platform.hpp"

#include <fmt/ranges.h>

#include <fstream>
#include <set>

using namespace tests;

namespace {

constexpr std::int64_t start_s = 1'772'359'200;  // 2026-03-01T10:00:00Z
constexpr std::string_view march = "from=2026-03-01T00:00:00Z&to=2026-04-01T00:00:00Z";

std::int64_t now_s() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

constexpr std::string_view parcel_mapping = R"(mapping: parcels
version: 1
channel: web
body: [json]
fields:
  customer_phone: {from: $body.phone, as: phone}
  title: $body.state
time: $body.at
key: [$body.id]
identity: {phone: customer_phone}
emit:
  - {type: parcel.state.changed}
)";

}  // namespace

TEST_CASE("a signed WhatsApp message becomes a conversation, a message and a timeline line") {
    Shop shop;
    Sender whatsapp = shop.sender("meta_cloud", "wa", "s1");
    whatsapp.send(meta_message("wamid.1", "919811111111", "is it open?", start_s, "s1"));
    whatsapp.send(meta_message("wamid.2", "919811111111", "hello?", start_s + 60, "s1"));
    const auto conversations =
        shop.client.list(shop.tenant, "/v1/conversations", whatsapp.position());
    REQUIRE(conversations.size() == 1);
    const auto conversation = conversations.data()[0];
    CHECK(conversation["unread_count"].integer() == 2);
    CHECK(conversation["customer_phone"].text() == "+919811111111");
    const auto messages = shop.client.list(
        shop.tenant, fmt::format("/v1/conversations/{}/messages", conversation["id"].text()));
    REQUIRE(messages.size() == 2);
    CHECK(messages.data()[0]["text"].text() == "hello?");
    const auto timeline = shop.client.list(shop.tenant, "/v1/customer-timeline/9811111111");
    REQUIRE(timeline.size() == 2);
    CHECK(timeline.data()[0]["at"].text() == "2026-03-01T10:01:00Z");
}

TEST_CASE("one customer's chat, call and invoice stand in one timeline and in their measures") {
    Shop shop;
    Sender chat = shop.sender("interakt", "chat", "s-chat");
    chat.send(interakt_message("m1", "919811111112", "hi", "2026-03-01T10:00:00.000000", "s-chat"));
    Sender calls = shop.sender("ivr", "ivr", "s-ivr", std::string(ivr_source));
    calls.send(ivr_call("c1", "09811111112", "ANSWER", "2026-03-01 11:00:00", "2026-03-01 11:01:05",
                        "s-ivr"));
    calls.send(ivr_call("c2", "09811111112", "NOANSWER", "2026-03-01 12:00:00",
                        "2026-03-01 12:00:30", "s-ivr"));
    Sender billing = shop.sender("stripe", "stripe", "s-stripe");
    billing.send(stripe_event(
        "evt_1", "invoice.payment_failed",
        R"({"id":"in_1","object":"invoice","customer":"cus_1","customer_phone":"+919811111112","currency":"inr","total":49900,"status":"open"})",
        start_s, now_s(), "s-stripe"));
    const std::string all = later(later(chat.position(), calls.position()), billing.position());

    const auto timeline =
        shop.client.list(shop.tenant, "/v1/customer-timeline/+919811111112?limit=50", all);
    std::set<std::string> channels;
    for (const auto& line : timeline.data()) channels.emplace(line["channel"].text());
    CHECK(fmt::format("{}", fmt::join(channels, " ")) == "billing ivr whatsapp");

    const auto list =
        shop.client.list(shop.tenant, fmt::format("/v1/calls/dashboard/call-list?{}", march), all);
    REQUIRE(list.size() == 2);
    CHECK(list.data()[0]["status"].text() == "missed");
    CHECK(list.data()[1]["status"].text() == "completed");
    const auto overview =
        shop.client.list(shop.tenant, fmt::format("/v1/calls/dashboard/overview?{}", march), all);
    CHECK(overview["volume"]["volume"].integer() == 2);
    CHECK(overview["volume"]["answered"].integer() == 1);
    CHECK(overview["volume"]["missed"].integer() == 1);
    const auto measure =
        shop.client.list(shop.tenant, fmt::format("/v1/measures/messages?{}", march), all);
    CHECK(measure.data()[0]["received"].integer() == 1);
}

TEST_CASE("every accepted request is listed newest first, with its bytes as they came") {
    Shop shop;
    Sender whatsapp = shop.sender("meta_cloud", "wa", "s1");
    std::vector<std::string> sent;
    for (int i = 0; i < 5; ++i) {
        const auto webhook = meta_message(fmt::format("wamid.{}", i), "919811111111",
                                          fmt::format("text {} \xe0\xa4\xa8", i), start_s, "s1");
        whatsapp.send(webhook);
        sent.insert(sent.begin(), webhook.body);
    }
    std::vector<std::string> stored;
    std::string cursor;
    do {
        const auto page = shop.client.list(shop.tenant, "/v1/ingest/requests?limit=2" + cursor,
                                           whatsapp.position());
        for (const auto& request : page.data()) {
            CHECK(request["source"].text() == "wa");
            const auto raw = shop.client.read(
                shop.tenant, fmt::format("/v1/ingest/requests/{}/raw", request["id"].text()));
            CHECK(header_of(raw, "x-content-type-options") == "nosniff");
            CHECK(header_of(raw, "content-disposition").starts_with("attachment"));
            CHECK(raw.content_type == "application/json");
            stored.push_back(raw.body);
        }
        const auto next = page["page"]["next_cursor"].text();
        cursor = next.empty() ? "" : "&cursor=" + std::string(next);
    } while (!cursor.empty());
    CHECK(stored == sent);
}

TEST_CASE("an event is found again by its id, mapped anew from its bytes") {
    Shop shop;
    Sender whatsapp = shop.sender("meta_cloud", "wa", "s1");
    whatsapp.send(meta_message("wamid.1", "919811111111", "hi", start_s, "s1"));
    const auto events = shop.client.list(shop.tenant, "/v1/events", whatsapp.position());
    REQUIRE(events.size() == 1);
    const auto event =
        shop.client.list(shop.tenant, fmt::format("/v1/events/{}", events.data()[0]["id"].text()));
    CHECK(event.text("type") == "whatsapp.message.received");
    CHECK(event["fields"]["message_id"].text() == "wamid.1");
}

TEST_CASE("a body that parses but does not map is answered 2xx and becomes a dead letter") {
    Shop shop;
    Sender whatsapp = shop.sender("meta_cloud", "wa", "s1");
    const auto answer = whatsapp.send(meta_webhook(
        R"("messages":[{"from":"919811111111","timestamp":"1772359200","type":"text"}])", "s1"));
    CHECK(Document(answer)["accepted"].boolean() == true);
    const auto letters = shop.client.list(shop.tenant, "/v1/quarantine", whatsapp.position());
    REQUIRE(letters.size() == 1);
    std::string letter;
    letters.data()[0].append_to(letter);
    CHECK_MESSAGE(letter.find("message_id") != std::string::npos, letter);
    CHECK(shop.client.list(shop.tenant, "/v1/conversations").size() == 0);
}

TEST_CASE("unknown words and absurd dates keep their raw text and end nothing") {
    Shop shop;
    Sender whatsapp = shop.sender("meta_cloud", "wa", "s1");
    whatsapp.send(meta_webhook(
        R"("messages":[{"id":"wamid.1","from":"919811111111","timestamp":"99999999999999999999","type":"hologram"}])",
        "s1"));
    Sender calls = shop.sender("ivr", "ivr", "s-ivr", std::string(ivr_source));
    calls.send(ivr_call("c1", "x", "TELEPORTED", "0000-99-99", "not a date", "s-ivr"));
    const auto position = later(whatsapp.position(), calls.position());
    const auto inbox = shop.client.list(shop.tenant, "/v1/conversations", position);
    REQUIRE(inbox.size() == 1);
    const auto messages = shop.client.list(
        shop.tenant, fmt::format("/v1/conversations/{}/messages", inbox.data()[0]["id"].text()));
    CHECK(messages.data()[0]["kind"].text() == "activity");
    const auto list = shop.client.list(shop.tenant, "/v1/ivr-calls", position);
    REQUIRE(list.size() == 1);
    CHECK(list.data()[0]["status"].text() == "unknown");
    const auto events = shop.client.list(shop.tenant, "/v1/events?type=ivr.call.reported");
    REQUIRE(events.size() == 1);
    const auto event =
        shop.client.read(shop.tenant, fmt::format("/v1/events/{}", events.data()[0]["id"].text()));
    CHECK(event.body.find("TELEPORTED") != std::string::npos);
}

TEST_CASE("the same webhook twice is answered as a duplicate and counted once") {
    Shop shop;
    Sender whatsapp = shop.sender("meta_cloud", "wa", "s1");
    const auto webhook = meta_message("wamid.1", "919811111111", "once", start_s, "s1");
    const Document first(whatsapp.send(webhook));
    const Document second(whatsapp.send(webhook));
    CHECK(first["duplicate"].boolean() == false);
    CHECK(second["duplicate"].boolean() == true);
    CHECK(first.text("event_id") == second.text("event_id"));
    const auto inbox = shop.client.list(shop.tenant, "/v1/conversations", whatsapp.position());
    CHECK(inbox.data()[0]["message_count"].integer() == 1);
    CHECK(shop.client.list(shop.tenant, "/v1/ingest/requests").size() == 1);
}

TEST_CASE("a provider that no file knows is added through the API and reaches the timeline") {
    Shop shop;
    const auto put = shop.client.api("PUT", "/v1/mappings/parcels", shop.tenant.headers(),
                                     std::string(parcel_mapping));
    REQUIRE_MESSAGE(put.status == 201, put.body);
    Sender parcels =
        shop.sender("generic", "parcels", "parcel-secret",
                    R"("mapping":"parcels","verification":{"kind":"header","header":"x-parcel"})");
    parcels.send(
        {.body =
             R"({"id":"p1","phone":"09811111113","state":"delivered","at":"2026-03-01T10:00:00Z"})",
         .headers = {{"content-type", "application/json"}, {"x-parcel", "parcel-secret"}}});
    const auto timeline =
        shop.client.list(shop.tenant, "/v1/customer-timeline/+919811111113", parcels.position());
    REQUIRE(timeline.size() == 1);
    CHECK(timeline.data()[0]["type"].text() == "parcel.state.changed");
    CHECK(timeline.data()[0]["source"].text() == "parcels");
}

TEST_CASE("programs publish events one by one, as a batch and as lines, with an answer per item") {
    Shop shop;
    const auto event = [](const std::string& id, const std::string& type) {
        return fmt::format(
            R"({{"specversion":"1.0","id":"{}","source":"/shop","type":"{}","time":"2026-03-01T10:00:00Z","data":{{"phone":"+919811111114","title":"t"}}}})",
            id, type);
    };
    const auto publish = [&](const std::string& target, const std::string& type,
                             const std::string& body) {
        return shop.client.ingress("POST", target,
                                   with(shop.tenant.headers(), {{"content-type", type}}), body);
    };
    std::string position;
    const auto one =
        publish("/v1/events", "application/cloudevents+json", event("e1", "web.page.viewed"));
    CHECK_MESSAGE(one.status / 100 == 2, one.body);
    position = later(position, header_of(one, "x-position"));
    const auto batch =
        publish("/v1/events/batch", "application/cloudevents-batch+json",
                fmt::format("[{},{},{}]", event("e1", "web.page.viewed"),
                            event("e2", "web.page.viewed"), R"({"specversion":"1.0","id":"bad"})"));
    CHECK_MESSAGE(batch.status == 202, batch.body);
    const Document items(batch);
    CHECK(items["results"].at(0)["duplicate"].boolean() == true);
    CHECK(items["results"].at(1)["duplicate"].boolean() == false);
    CHECK(items["results"].at(2)["status"].integer() == 400);
    position = later(position, header_of(batch, "x-position"));
    const auto lines =
        publish("/v1/events", "application/x-ndjson",
                event("e3", "web.page.viewed") + "\n" + event("e4", "web.form.submitted") + "\n");
    CHECK_MESSAGE(lines.status / 100 == 2, lines.body);
    position = later(position, header_of(lines, "x-position"));
    const auto timeline =
        shop.client.list(shop.tenant, "/v1/customer-timeline/+919811111114", position);
    CHECK(timeline.size() == 4);
    std::string too_many = "[";
    for (int i = 0; i <= 1'000; ++i) too_many += (i ? "," : "") + event(std::to_string(i), "a.b");
    CHECK(
        publish("/v1/events/batch", "application/cloudevents-batch+json", too_many + "]").status ==
        413);
}

TEST_CASE("files that a dead process did not rename any more go at the next start") {
    RunningPlatform running;
    running.stop();
    const std::filesystem::path half_written = running.data() / "retention.new";
    const std::filesystem::path backup = running.data() / "backup.part" / "partition-0";
    std::filesystem::create_directories(backup);
    std::ofstream(half_written) << "chat=1";
    running.start();
    CHECK_FALSE(std::filesystem::exists(half_written));
    CHECK_FALSE(std::filesystem::exists(backup.parent_path()));
    CHECK(std::filesystem::exists(running.data() / "admin.key"));
}

TEST_CASE("everything is still there after a restart, and goes on where it was") {
    Shop shop;
    Sender whatsapp = shop.sender("meta_cloud", "wa", "s1");
    whatsapp.send(meta_message("wamid.1", "919811111111", "before", start_s, "s1"));
    const std::vector<std::string> targets = {"/v1/conversations", "/v1/sources/wa",
                                              "/v1/ingest/requests", "/v1/events",
                                              "/v1/customer-timeline/919811111111"};
    // The url names the port, which is another one after the restart.
    const auto without_url = [](std::string body) {
        const auto from = body.find("\"url\":");
        if (from != std::string::npos) body.erase(from, body.find(',', from) - from);
        return body;
    };
    std::vector<std::string> before;
    for (const auto& target : targets)
        before.push_back(
            without_url(shop.client.read(shop.tenant, target, whatsapp.position()).body));
    shop.running.stop();
    shop.running.start();
    ProductClient again = shop.running.client();
    for (std::size_t i = 0; i < targets.size(); ++i)
        CHECK(without_url(again.read(shop.tenant, targets[i], whatsapp.position()).body) ==
              before[i]);
    Sender on(again, whatsapp.source());
    const Document known(on.send(meta_message("wamid.1", "919811111111", "before", start_s, "s1")));
    CHECK(known["duplicate"].boolean() == true);
    on.send(meta_message("wamid.2", "919811111111", "after", start_s + 1, "s1"));
    const auto inbox = again.list(shop.tenant, "/v1/conversations", on.position());
    CHECK(inbox.data()[0]["message_count"].integer() == 2);
}
