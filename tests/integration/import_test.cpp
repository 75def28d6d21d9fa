// The import door through a running product: what the past leaves in log and rows.
#include "tests/support/running_platform.hpp"

using tests::Answer;
using tests::Document;
using tests::Shop;

namespace {

constexpr std::int64_t in_march = 1'709'600'400;  // 2024-03-05T01:00:00Z
constexpr std::string_view march_text = "2024-03-05T01:00:00Z";

std::string line_of(const std::string& body, const std::string& further = {}) {
    std::string line = "{\"body\":";
    schemas::json::append_escaped(line, body);
    return line + further + "}\n";
}

std::string message(std::string_view id, std::int64_t unix_s = in_march) {
    return tests::meta_message(id, "919900000001", "hello", unix_s, "s").body;
}

struct ImportTest {
    Shop shop;
    tests::Sender door = shop.sender("meta_cloud", "shop-wa", "app-secret");

    Answer import(const std::string& lines, const std::string& further = {}) {
        return shop.client.api("POST", "/v1/imports/records?source=shop-wa" + further,
                               shop.tenant.headers(), lines);
    }
    std::string counts(const Answer& answer) {
        REQUIRE_MESSAGE(answer.status == 200, answer.body);
        const Document told(answer);
        return fmt::format("{}+{}-{}", told.text("accepted"), told.text("duplicates"),
                           told.text("refused"));
    }
    std::size_t rows(const std::string& list) {
        // What was accepted is in the rows after a while; positions of the door cover the import.
        door.send(tests::meta_message("door-probe", "919900000009", "x", in_march, "app-secret"));
        return shop.client.list(shop.tenant, list, door.position()).size();
    }
};

}  // namespace

TEST_CASE_FIXTURE(ImportTest,
                  "import: a second run adds nothing, and times are those of the data") {
    const std::string lines = line_of(message("m1")) + line_of(message("m2", in_march + 60));
    const Answer first = import(lines);
    CHECK(counts(first) == "2+0-0");
    const Document told(first);
    CHECK(told["event_types"]["whatsapp.message.received"].integer() == 2);
    CHECK(told.text("from") == march_text);
    CHECK(told.text("to") == "2024-03-05T01:01:00Z");
    CHECK(counts(import(lines)) == "0+2-0");
    CHECK(counts(import(lines + line_of(message("m1")))) == "0+3-0");

    CHECK(rows("/v1/events?limit=100") == 3);  // and the probe
    const auto requests = shop.client.list(shop.tenant, "/v1/ingest/requests?limit=100");
    REQUIRE(requests.size() == 3);
    const auto oldest = requests.data().back();
    CHECK(oldest["verified"].text().starts_with("imported:key_"));
    CHECK(oldest["received_at"].text() == march_text);
}

TEST_CASE_FIXTURE(ImportTest,
                  "import: what came through the door is known, and the other way round") {
    const auto webhook = tests::meta_message("m1", "919900000001", "hello", in_march, "app-secret");
    door.send(webhook);
    CHECK(counts(import(line_of(webhook.body))) == "0+1-0");
    const auto late = tests::meta_message("m2", "919900000001", "hello", in_march, "app-secret");
    CHECK(counts(import(line_of(late.body))) == "1+0-0");
    CHECK(Document(door.send(late))["duplicate"].boolean() == true);
}

TEST_CASE_FIXTURE(ImportTest, "import: what cannot be used is refused by name, the rest goes in") {
    const std::string nobody =
        tests::meta_webhook(R"("messages":[{"id":"m7","timestamp":"1709600400","type":"text"}])",
                            "s")
            .body;
    const std::string huge = "{\"a\":\"" + std::string(1 << 20, 'x') + "\"}";
    const Answer answer = import("{\"body\":\n" + line_of(message("m1")) + line_of(nobody) +
                                 "{\"text\":\"x\"}\n" + line_of("{\"cut\":") + line_of(huge) +
                                 line_of(message("m2"), R"(,"content_type":"image/png")") +
                                 R"({"body_base64":"%%"})"
                                 "\n\n"
                                 R"({"body":"{}","body_base64":"e30="})");
    CHECK(counts(answer) == "1+0-8");
    const Document told(answer);
    const auto refused = [&](std::size_t i) { return told["results"].at(i)["code"].text(); };
    CHECK(refused(0) == "invalid_line");
    CHECK(told["results"].at(1)["result"].text() == "accepted");
    CHECK(refused(2) == "unmappable");
    CHECK(told["results"].at(2)["path"].text() == "$message.from_user_id");
    CHECK(refused(3) == "invalid_line");
    CHECK(refused(4) == "unparsable");
    CHECK(refused(5) == "too_large");
    CHECK(refused(6) == "type_not_supported");
    CHECK(refused(7) == "invalid_line");
    CHECK(told["results"].at(8)["line"].integer() == 10);

    CHECK(counts(import(line_of(nobody), "&keep=all")) == "1+0-0");
    CHECK(rows("/v1/quarantine") == 1);
}

TEST_CASE_FIXTURE(ImportTest, "import: a dry run tells the same and stores nothing") {
    CHECK(counts(import(line_of(message("m1")), "&dry_run=true")) == "1+0-0");
    CHECK(rows("/v1/events?limit=100") == 1);
    CHECK(counts(import(line_of(message("m1")))) == "1+0-0");
}

TEST_CASE_FIXTURE(ImportTest, "import: bounds and rights hold") {
    std::string many;
    for (int i = 0; i <= 1'000; ++i) many += line_of("{}");
    CHECK(import(many).status == 413);
    CHECK(import(std::string((4 << 20) + 1, ' ')).status == 413);
    CHECK(import(std::string(4 << 20, ' ')).status == 200);
    const auto other = shop.client.create_tenant("other");
    const auto as = [&](const tests::Headers& headers, const std::string& query) {
        return shop.client.api("POST", "/v1/imports/records" + query, headers, "{}").status;
    };
    CHECK(as(other.headers(), "?source=shop-wa") == 404);
    CHECK(Document(shop.client.api("POST", "/v1/imports/records", shop.tenant.headers(),
                                   "{\"body\":\"{}\"}"))["results"]
              .at(0)["code"]
              .text() == "unknown_source");
    CHECK(as({}, "?source=shop-wa") == 401);
    tests::Headers admin{{"authorization", "Bearer " + shop.client.addresses().admin_key}};
    CHECK(as(admin, "?source=shop-wa") == 403);
    admin.emplace_back("x-client-code", "shop");
    CHECK(as(admin, "?source=shop-wa") == 200);
}
