// Time travel (PRODUCT section 2, as_of): what a read would have answered at an earlier moment.
#include "tests/support/operator_jobs.hpp"
#include "tests/support/running_platform.hpp"

#include <atomic>

using namespace tests;

namespace {

constexpr std::int64_t start_s = 1'772'359'200;  // 2026-03-01T10:00:00Z

Webhook text_of(std::string_view id, std::string_view text, std::int64_t at_s) {
    return meta_message(id, "919811111111", text, at_s, "s1");
}

constexpr std::int64_t day_s = 24 * 3600;

class MovedClock final : public bus::Clock {
public:
    bus::Timestamp now() override { return bus::Timestamp{bus::seconds{now_s}}; }
    std::atomic<std::int64_t> now_s{start_s};
};

// One conversation; the positions after its first and its second message.
struct Chat {
    Shop shop;
    Sender whatsapp = shop.sender("meta_cloud", "wa", "s1");
    std::string first, second;
    Chat() {
        whatsapp.send(text_of("wamid.1", "is it open?", start_s));
        first = whatsapp.position();
        whatsapp.send(text_of("wamid.2", "hello?", start_s + 60));
        second = whatsapp.position();
    }
    Answer read(const std::string& target) { return shop.client.read(shop.tenant, target, second); }
};

}  // namespace

TEST_CASE("as_of: a conversation, its measures and the timeline as they were at a position") {
    Chat chat;
    const std::string then = "as_of=" + chat.first;
    const auto conversations = chat.read("/v1/conversations?" + then);
    REQUIRE(conversations.status == 200);
    CHECK(conversations.body.find(R"("unread_count":1)") != std::string::npos);
    CHECK(chat.read("/v1/conversations").body.find(R"("unread_count":2)") != std::string::npos);

    const std::string timeline = "/v1/customer-timeline/+919811111111";
    CHECK(chat.read(timeline + "?" + then).body.find("hello?") == std::string::npos);
    CHECK(chat.read(timeline).body.find("hello?") != std::string::npos);

    const std::string measure = "/v1/measures/messages?from=2026-03-01&to=2026-03-02";
    const auto before = chat.read(measure + "&" + then);
    REQUIRE_MESSAGE(before.status == 200, before.body);
    CHECK(before.body != chat.read(measure).body);
}

TEST_CASE("as_of: at the newest position the past answers what the present answers") {
    Chat chat;
    const std::string now = "as_of=" + chat.second;
    for (const std::string target :
         {"/v1/conversations", "/v1/ingest/requests", "/v1/events", "/v1/calls/dashboard/call-list",
          "/v1/customer-timeline/+919811111111"}) {
        CAPTURE(target);
        const auto past = chat.read(fmt::format("{}?{}", target, now));
        CHECK(past.status == 200);
        CHECK(past.body == chat.read(target).body);
    }
}

TEST_CASE("as_of: an answer's position is that of the rows it shows") {
    Chat chat;
    for (const std::string& when : {chat.first, bus::to_iso(bus::system_clock().now())}) {
        CAPTURE(when);
        const auto past = chat.read("/v1/conversations?as_of=" + when);
        REQUIRE_MESSAGE(past.status == 200, past.body);
        const std::string& shown = when == chat.first ? chat.first : chat.second;
        CHECK(header_of(past, "x-position") == shown);
        CHECK(Document(past).text("position") == shown);
    }
}

TEST_CASE("as_of: windows and ranges go by the time of that moment, however long ago") {
    MovedClock clock;
    RunningPlatform running({}, clock);
    ProductClient client = running.client();
    const Tenant tenant = client.create_tenant("shop");
    Sender whatsapp(client, client.create_source(tenant, "meta_cloud", "wa", "s1"));
    clock.now_s = start_s + 20 * 60;
    whatsapp.send(text_of("wamid.1", "is it open?", start_s));
    clock.now_s = start_s + 60 * day_s;
    const std::string position = whatsapp.position();
    const auto read = [&](const std::string& target) {
        const auto answer = client.read(tenant, target, position);
        REQUIRE_MESSAGE(answer.status == 200, answer.body);
        return answer.body;
    };
    CHECK(read("/v1/conversations").find(R"("window":"closed")") != std::string::npos);
    for (const std::string& when : {position, std::string("2026-03-01T11:00:00Z")}) {
        CAPTURE(when);
        for (const char* target :
             {"/v1/conversations?as_of=", "/v1/conversations?window=open&as_of="})
            CHECK(read(target + when).find(R"("window":"open")") != std::string::npos);
        const std::string measure = read("/v1/measures/messages?as_of=" + when);
        CHECK(measure.find(R"("to":"2026-03-01T1)") != std::string::npos);
        CHECK(measure.find(R"("received":1)") != std::string::npos);
    }
}

TEST_CASE("as_of: by time, before anything came there was nothing") {
    Chat chat;
    const auto answer = chat.read("/v1/conversations?as_of=2020-01-01T00:00:00Z");
    REQUIRE(answer.status == 200);
    CHECK(answer.body.find("unread_count") == std::string::npos);
}

TEST_CASE("as_of: what is no moment, has not come or has no history is said") {
    Chat chat;
    CHECK(chat.read("/v1/conversations?as_of=yesterday").status == 400);
    CHECK(chat.read("/v1/conversations?as_of=2999-01-01T00:00:00Z").status == 400);
    CHECK(chat.read("/v1/sources?as_of=" + chat.first).status == 501);
}

TEST_CASE("as_of: who has been erased is not in the past either") {
    Chat chat;
    const std::string conversations = "/v1/customer-timeline/+919811111111?as_of=" + chat.second;
    REQUIRE(chat.read(conversations).body.find("is it open?") != std::string::npos);
    const Answer started = chat.shop.client.api(
        "POST", "/v1/erase", operator_headers(chat.shop.running),
        fmt::format(R"({{"client":"{}","customer":"+919811111111"}})", chat.shop.tenant.code));
    (void)report_of_job(chat.shop.running, started);
    const Answer after = chat.read(conversations);
    CHECK(after.status == 200);
    CHECK_MESSAGE(after.body.find("is it open?") == std::string::npos, after.body);
}
