// The whole product through its sockets: what providers send is what operators read.
#include "tests/support/running_platform.hpp"
#include "tests/support/sample_webhooks.hpp"

using namespace tests;

namespace {

// 2026-03-01T10:00:00Z
constexpr std::int64_t start_s = 1'772'359'200;

struct Shop {
    explicit Shop(const std::string& code = "shop") : tenant(client.create_tenant(code)) {}
    RunningPlatform running;
    ProductClient client = running.client();
    Tenant tenant;
};

}  // namespace

TEST_CASE("a signed WhatsApp message becomes a conversation, a message and a timeline line") {
    Shop shop;
    Sender whatsapp(shop.client, shop.client.create_source(shop.tenant, "meta_cloud", "wa", "s1"));
    whatsapp.send(meta_message("wamid.1", "919811111111", "is it open?", start_s, "s1"));
    whatsapp.send(meta_message("wamid.2", "919811111111", "hello?", start_s + 60, "s1"));
    const auto conversations =
        shop.client.list(shop.tenant, "/v1/conversations", whatsapp.position());
    REQUIRE(conversations.data().size() == 1);
    const auto conversation = conversations.data()[0];
    CHECK(conversation["unread_count"].integer() == 2);
    const auto messages = shop.client.list(
        shop.tenant, fmt::format("/v1/conversations/{}/messages", conversation["id"].text()));
    REQUIRE(messages.data().size() == 2);
    const auto timeline = shop.client.list(shop.tenant, "/v1/customer-timeline/9811111111");
    CHECK(timeline.data().size() == 2);
    CHECK(timeline.data()[0]["at"].text() == "2026-03-01T10:01:00Z");
}
