// Who may send and read what: verification, tenants, credentials.
#include "tests/support/child_platform.hpp"
#include "tests/support/running_platform.hpp"

#include <fstream>
#include <sstream>

using namespace tests;

namespace {

constexpr std::int64_t start_s = 1'772'359'200;  // 2026-03-01T10:00:00Z

int post(ProductClient& client, const std::string& path, const Webhook& webhook) {
    return client.ingress("POST", path, webhook.headers, webhook.body).status;
}

std::size_t rejected_count(Shop& shop, const Tenant& tenant, std::size_t expected) {
    // A refusal moves no position that a caller could wait for.
    std::size_t count = 0;
    for (int i = 0; i < 100 && count < expected; ++i) {
        if (i > 0) ::usleep(50'000);
        count = shop.client.list(tenant, "/v1/ingest/requests?status=rejected").size();
    }
    return count;
}

}  // namespace

TEST_CASE("forged and stale signatures are refused with 401 and kept as rejected") {
    Shop shop;
    const auto wa = shop.client.create_source(shop.tenant, "meta_cloud", "wa", "s1");
    CHECK(post(shop.client, wa.path,
               meta_message("wamid.1", "919811111111", "x", start_s, "another secret")) == 401);
    auto unsigned_one = meta_message("wamid.1", "919811111111", "x", start_s, "s1");
    unsigned_one.headers.pop_back();
    CHECK(post(shop.client, wa.path, unsigned_one) == 401);
    auto changed = meta_message("wamid.1", "919811111111", "x", start_s, "s1");
    changed.body.back() = ' ';
    CHECK(post(shop.client, wa.path, changed) == 401);
    const auto stripe = shop.client.create_source(shop.tenant, "stripe", "st", "s2");
    CHECK(post(shop.client, stripe.path,
               stripe_event("evt_1", "invoice.paid", R"({"id":"in_1"})", start_s, start_s, "s2")) ==
          401);
    REQUIRE(rejected_count(shop, shop.tenant, 4) == 4);
    const auto rejected = shop.client.list(shop.tenant, "/v1/ingest/requests?status=rejected");
    CHECK(rejected.data()[0]["answered_status"].scalar_text() == "401");
    CHECK(shop.client.list(shop.tenant, "/v1/ingest/requests").size() == 0);
    CHECK(shop.client.list(shop.tenant, "/v1/conversations").size() == 0);
}

TEST_CASE("a body that verifies but does not parse is kept as rejected with the reason") {
    Shop shop;
    const auto wa = shop.client.create_source(shop.tenant, "meta_cloud", "wa", "s1");
    CHECK(post(shop.client, wa.path, signed_json("{\"a\":", "s1", "x-hub-signature-256")) == 400);
    std::string deep = "{\"a\":";
    for (int i = 0; i < 100; ++i) deep += '[';
    CHECK(post(shop.client, wa.path, signed_json(deep, "s1", "x-hub-signature-256")) == 400);
    CHECK(post(shop.client, wa.path,
               signed_json("{\"a\":\"\xff\"}", "s1", "x-hub-signature-256")) == 400);
    CHECK(post(shop.client, wa.path,
               signed_json("{\"a\":\"" + std::string(1 << 20, 'x') + "\"}", "s1",
                           "x-hub-signature-256")) == 413);
    auto wrong_type = signed_json("{}", "s1", "x-hub-signature-256");
    wrong_type.headers[0].second = "image/png";
    CHECK(post(shop.client, wa.path, wrong_type) == 415);
    CHECK(rejected_count(shop, shop.tenant, 5) == 5);
}

TEST_CASE("unknown, disabled and deleted sources and unknown clients are 404") {
    Shop shop;
    const auto chat = shop.client.create_source(shop.tenant, "interakt", "chat", "s1");
    const auto message = interakt_message("m1", "919811111112", "hi", "2026-03-01T10:00:00", "s1");
    CHECK(post(shop.client, "/webhooks/interact/no-such", message) == 404);
    CHECK(post(shop.client, "/no/such/path", message) == 404);
    auto of_nobody = message;
    of_nobody.headers.emplace_back("x-client-code", "nobody");
    CHECK(post(shop.client, "/webhooks/interakt", of_nobody) == 404);
    CHECK(post(shop.client, chat.path, message) == 200);
    const auto patch = [&](const std::string& body) {
        return shop.client.api("PATCH", "/v1/sources/chat", shop.tenant.headers(), body).status;
    };
    CHECK(patch(R"({"enabled":false})") == 200);
    CHECK(post(shop.client, chat.path, message) == 404);
    CHECK(patch(R"({"enabled":true})") == 200);
    CHECK(post(shop.client, chat.path, message) == 200);
    CHECK(shop.client.api("DELETE", "/v1/sources/chat", shop.tenant.headers()).status / 100 == 2);
    CHECK(post(shop.client, chat.path, message) == 404);
}

TEST_CASE("keys open only their own client, and nothing once revoked") {
    Shop shop;
    const Tenant other = shop.client.create_tenant("other");
    const auto status = [&](const Headers& headers) {
        return shop.client.api("GET", "/v1/conversations", headers).status;
    };
    CHECK(status({}) == 401);
    CHECK(status({{"x-api-key", "tk_wrong"}, {"x-client-code", "shop"}}) == 401);
    CHECK(status({{"x-api-key", shop.tenant.key}}) == 401);
    CHECK(status({{"x-api-key", shop.tenant.key}, {"x-client-code", "other"}}) == 403);
    CHECK(status({{"x-api-key", other.key}, {"x-client-code", "shop"}}) == 403);
    CHECK(status({{"authorization", "Bearer wrong"}, {"x-client-code", "shop"}}) == 401);
    const Headers admin = {{"authorization", "Bearer " + shop.client.addresses().admin_key}};
    CHECK(status(admin) == 403);  // which client?
    CHECK(status(with(admin, {{"x-client-code", "shop"}})) == 200);
    CHECK(status(with(admin, {{"x-client-code", "nobody"}})) == 404);
    CHECK(shop.client.api("GET", "/api/clients", shop.tenant.headers()).status == 403);
    CHECK(shop.client.api("GET", "/v1/operator/records", shop.tenant.headers()).status == 403);
    const auto events = [&](const Tenant& key, const std::string& code) {
        return shop.client
            .ingress("POST", "/v1/events",
                     {{"x-api-key", key.key},
                      {"x-client-code", code},
                      {"content-type", "application/cloudevents+json"}},
                     R"({"specversion":"1.0","id":"1","source":"/a","type":"a.b"})")
            .status;
    };
    CHECK(events(other, "shop") == 403);
    CHECK(events({"shop", "tk_wrong"}, "shop") == 401);
    CHECK(events(shop.tenant, "nobody") == 403);
    CHECK(events(shop.tenant, "shop") / 100 == 2);

    const Document keys(shop.client.api("GET", "/api/clients/shop/keys", shop.tenant.headers()));
    const auto id = keys.data()[0]["id"].text();
    CHECK(shop.client.api("DELETE", fmt::format("/api/clients/shop/keys/{}", id), admin).status /
              100 ==
          2);
    CHECK(status(shop.tenant.headers()) == 401);
    CHECK(events(shop.tenant, "shop") == 401);
}

TEST_CASE("no object of a client is seen with the key of another") {
    Shop shop;
    const Tenant other = shop.client.create_tenant("other");
    Sender whatsapp = shop.sender("meta_cloud", "wa", "s1");
    whatsapp.send(meta_message("wamid.1", "919811111111", "secret plan", start_s, "s1"));
    Sender calls = shop.sender("ivr", "ivr", "s2", std::string(ivr_source));
    calls.send(ivr_call("c1", "09811111111", "ANSWER", "2026-03-01 11:00:00", "2026-03-01 11:01:05",
                        "s2"));
    const auto position = later(whatsapp.position(), calls.position());
    for (const std::string list : {"/v1/conversations", "/v1/sources", "/v1/events",
                                   "/v1/ingest/requests", "/v1/ivr-calls", "/v1/mappings"}) {
        CAPTURE(list);
        const auto own = shop.client.list(shop.tenant, list, position);
        CHECK((list == "/v1/mappings" || own.size() > 0));
        const auto foreign = shop.client.read(other, list);
        for (const auto& object : own.data()) {
            const std::string id = object["id"].scalar_text();
            if (object["kind"].text() == "cloudevents") continue;
            CHECK(foreign.body.find(id) == std::string::npos);
            const std::string target = fmt::format("{}/{}", list, id);
            CHECK(shop.client.read(shop.tenant, target).status == 200);
            for (const std::string_view part : {"", "/messages", "/raw"})
                CHECK(shop.client.read(other, fmt::format("{}{}", target, part)).status == 404);
        }
    }
    CHECK(shop.client.list(other, "/v1/customer-timeline/+919811111111").size() == 0);
    CHECK(shop.client.api("PATCH", "/v1/sources/wa", other.headers(), "{}").status == 404);
    CHECK(shop.client.api("DELETE", "/v1/sources/wa", other.headers()).status == 404);
    CHECK(shop.client.api("GET", "/api/clients/shop", other.headers()).status == 404);
    CHECK(shop.client.api("GET", "/api/clients/shop/keys", other.headers()).status == 404);
}

namespace {

struct Marker {
    std::string what;
    std::string text;
};

bool holds(const std::string& bytes, const std::string& text) {
    return bytes.find(text) != std::string::npos;
}

// All files that are not there to keep a key.
std::vector<std::string> contents_of(const std::filesystem::path& folder) {
    std::vector<std::string> contents;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (!entry.is_regular_file() || entry.path().filename() == "admin.key") continue;
        std::ostringstream bytes;
        bytes << std::ifstream(entry.path(), std::ios::binary).rdbuf();
        contents.push_back(entry.path().string() + ": " + bytes.str());
    }
    return contents;
}

// Names of the files that hold a text.
std::string files_with(const std::vector<std::string>& contents, const std::string& text) {
    std::string found;
    for (const std::string& file : contents) {
        if (holds(file, text)) found += file.substr(0, file.find(": ")) + " ";
    }
    return found;
}

// Everything that the API and both ports' metrics say about a client, the creation answers apart.
std::string all_answers(ProductClient& client, const Tenant& tenant) {
    const Headers admin = {{"authorization", "Bearer " + client.addresses().admin_key}};
    std::string all = client.ingress("GET", "/metrics").body;
    const Document openapi(client.api("GET", "/openapi.json"));
    openapi["paths"].each_member([&](std::string_view path, schemas::json::Value) {
        if (path.find('{') != std::string_view::npos) return;
        const std::string target(path);
        all += client.api("GET", target, tenant.headers()).body;
        all += client.api("GET", target, admin).body;
    });
    all += client.api("GET", "/v1/operator/records?last=500&bodies=true", admin).body;
    all += client.api("GET", "/api/clients/vault/keys", admin).body;
    for (const std::string list :
         {"/v1/ingest/requests", "/v1/ingest/requests?status=rejected", "/v1/events"}) {
        const std::string one = list.substr(0, list.find('?')) + "/";
        const auto items = client.list(tenant, list);
        for (const auto& item : items.data()) {
            const std::string id(item["id"].text());
            all += client.read(tenant, one + id).body + client.read(tenant, one + id + "/raw").body;
        }
    }
    return all;
}

}  // namespace

TEST_CASE("no credential is found in the data folder, the logs, the metrics or any answer") {
    ChildPlatform child(TRIBUTARY_PROGRAM, "embedded", {"--log-level", "debug"});
    child.start();
    ProductClient client(child.addresses());
    const Tenant tenant = client.create_tenant("vault");
    const std::string basic = bus::to_base64("shop:MarkBasicPassword7");
    const std::string wrong_basic = bus::to_base64("shop:MarkWrongPassword7");

    Sender hmac(client, client.create_source(tenant, "interakt", "hm", "MarkHmacSecret1"));
    Sender header(client, client.create_source(tenant, "ivr", "he", "MarkHeaderSecret2",
                                               std::string(ivr_source)));
    const Source query =
        client.create_source(tenant, "kaleyra_voice", "qu", "MarkQueryToken3",
                             R"("verification":{"kind":"query","parameter":"token"})");
    const Source password =
        client.create_source(tenant, "chargebee", "ba", "MarkBasicPassword7",
                             R"("verification":{"kind":"basic","user":"shop"})");
    const std::string path_token = query.path.substr(query.path.rfind('/') + 1);

    hmac.send(
        interakt_message("m1", "919811111112", "hi", "2026-03-01T10:00:00", "MarkHmacSecret1"));
    header.send(ivr_call("c1", "09811111112", "ANSWER", "2026-03-01 11:00:00",
                         "2026-03-01 11:01:05", "MarkHeaderSecret2"));
    CHECK(post(client, header.source().path,
               ivr_call("c1", "0981", "ANSWER", "", "", "MarkWrongHeader5")) == 401);
    const auto get = [&](const std::string& more) {
        return client.ingress("GET", query.path + "?id=k1&caller=9811111112" + more, {}).status;
    };
    CHECK(get("&token=MarkQueryToken3") == 200);
    CHECK(get("&token=MarkWrongQuery6") == 401);
    const auto invoice = [&](const std::string& credentials) {
        return client
            .ingress(
                "POST", password.path,
                {{"content-type", "application/json"}, {"authorization", "Basic " + credentials}},
                R"({"id":"ev_1","occurred_at":1772359200,"event_type":"customer_created","content":{"customer":{"id":"c"}}})")
            .status;
    };
    CHECK(invoice(basic) == 200);
    CHECK(invoice(wrong_basic) == 401);
    CHECK(client.ingress("POST", "/v1/events",
                         with(tenant.headers(), {{"content-type", "application/cloudevents+json"}}),
                         R"({"specversion":"1.0","id":"1","source":"/a","type":"a.b"})")
                  .status /
              100 ==
          2);
    const std::string answers =
        all_answers(client, tenant) + client.read(tenant, "/v1/sources/hm").body;
    CHECK(holds(answers, "m1"));  // the search sees what is there
    const std::string admin_key = client.addresses().admin_key;
    CHECK(child.stop() == 0);

    const auto files = contents_of(child.data());
    CHECK(files_with(files, "\"m1\"") != "");
    for (const Marker& marker : std::vector<Marker>{{"hmac secret", "MarkHmacSecret1"},
                                                    {"header secret", "MarkHeaderSecret2"},
                                                    {"query token", "MarkQueryToken3"},
                                                    {"password", "MarkBasicPassword7"},
                                                    {"password in base64", basic},
                                                    {"a wrong header", "MarkWrongHeader5"},
                                                    {"a wrong token", "MarkWrongQuery6"},
                                                    {"a wrong password", wrong_basic},
                                                    {"API key", tenant.key},
                                                    {"admin key", admin_key}}) {
        CAPTURE(marker.what);
        CHECK(!holds(answers, marker.text));
        CHECK(!holds(child.said(), marker.text));
        CHECK(files_with(files, marker.text) == "");
    }
    // The token of a path is a part of the url that its owner reads, and nowhere else.
    CHECK(files_with(files, path_token) == "");
    CHECK(!holds(child.said(), path_token));
}
