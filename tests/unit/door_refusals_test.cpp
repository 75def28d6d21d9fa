#include "tests/unit/door_fixture.hpp"

using namespace door_test;

TEST_CASE_FIXTURE(DoorTest, "door: refusals name their cause and what to do") {
    CHECK(cause({.path = "/webhooks/in/acme-off"}) == "source_disabled");
    CHECK(cause({.path = "/webhooks/in/nobody"}) == "unknown_source");
    CHECK(cause({.path = "/webhooks/ivr/acme-open"}) == "unknown_source");  // another kind's path
    CHECK(cause({.method = "PUT", .path = "/webhooks/in/acme-open"}) == "method_not_allowed");
    const auto typed = [](std::string type) {
        return Asked{.path = "/webhooks/in/acme-open", .fields = {{"Content-Type", type}}};
    };
    CHECK(cause(typed("text/html")) == "type_not_supported");
    CHECK(cause(typed("application/xml")) == "type_not_supported");
    CHECK(status(typed("multipart/form-data; boundary=x")) == 200);
    CHECK(status(typed("application/vnd.x+json; charset=utf-8")) == 200);
    CHECK(cause({.path = "/webhooks/in/acme-open", .fields = {{"Content-Encoding", "gzip"}}}) ==
          "type_not_supported");
    CHECK(status({.path = "/nowhere"}) == 404);
    CHECK(status({.method = "DELETE", .path = fixed}) == 405);
    CHECK(status({.method = "PUT", .path = "/webhooks/in/nobody"}) == 405);
    bench.registry.set_tenant_status(bench.acme, "suspended");
    CHECK(cause({.path = "/webhooks/in/acme-open"}) == "source_disabled");
}

TEST_CASE_FIXTURE(DoorTest,
                  "door: a body that verifies but does not parse is a 400 and kept whole") {
    std::string deep(65, '['), keys = "{";
    deep += "1" + std::string(65, ']');
    for (int i = 0; i < 10'001; ++i) keys += fmt::format("\"{}\":1,", i);
    keys.back() = '}';
    for (const std::string& body :
         {std::string(""), std::string("{"), std::string("{\"a\":\"\xff\"}"), deep, keys,
          std::string("{}{}"), std::string("{\"a\":\"b\0\"}", 10)}) {
        CAPTURE(body.substr(0, 80));
        const Decision decision = decide({.path = "/webhooks/in/acme-open", .body = body});
        auto* rejected = std::get_if<Rejected>(&decision);
        REQUIRE(rejected);
        CHECK(rejected->response.status == 400);
        CHECK(rejected->must_keep);
        CHECK(rejected->record.value == body);
        CHECK(rejected->record.headers.view().get(bus::header::cause) == "unparsable");
        CHECK(!rejected->record.headers.view().get(bus::header::detail).empty());
    }
}

TEST_CASE_FIXTURE(DoorTest,
                  "door: refusals of strangers are bounded and sampled, all are counted") {
    const std::string large = "\"" + std::string(100'000, 'a') + "\"";
    int kept = 0;
    for (int i = 0; i < 1000; ++i) {
        const Decision decision = decide({.path = "/webhooks/in/acme-header", .body = large});
        if (auto* rejected = std::get_if<Rejected>(&decision)) {
            ++kept;
            CHECK(rejected->record.value.size() == 4096);
        }
    }
    CHECK(kept == 20);
    bench.clock.at += bus::seconds{1};
    CHECK(cause({.path = "/webhooks/in/acme-header"}) == "verification_failed");
}

TEST_CASE_FIXTURE(DoorTest,
                  "door: the dedup key is the configured values, else the whole request") {
    const std::string path = fixed + "/tok-acme-chat";
    const auto key = [&](const Asked& asked) { return record(asked).dedup; };
    auto other_text = chat("acme", "1", path);
    other_text.body += " ";
    other_text.fields[0].second = DoorBench::sign("acme-app-secret", other_text.body);
    CHECK(key(chat("acme", "1", path)) == key(other_text));
    CHECK(key(chat("acme", "1", path)) != key(chat("acme", "2", path)));
    CHECK(record(other_text).headers.view().get(bus::header::dedup_kind) == "paths");

    const Asked open{.path = "/webhooks/in/acme-open", .query = "a=1"};
    auto other = open;
    CHECK(key(open) == key(other));
    other.query = "a=2";
    CHECK(key(open) != key(other));
    other = open;
    other.body = "[]";
    CHECK(key(open) != key(other));
    CHECK(record(open).headers.view().get(bus::header::dedup_kind) == "hash");
    const auto before = key(open);
    bench.options.installation_key[0] = 1;
    door = bench.open();
    CHECK(key(open) != before);
}

TEST_CASE_FIXTURE(DoorTest, "door: a source that floods is told to slow down, others are not") {
    bench.options.limits.source_rate = {.per_second = 10, .burst = 5};
    door = bench.open();
    const Asked asked{.path = "/webhooks/in/acme-open"};
    for (int i = 0; i < 5; ++i) CHECK(status(asked) == 200);
    CHECK(status(asked) == 429);
    CHECK(status({.path = "/webhooks/in/acme-header", .fields = {{"x-secret", "header-marker"}}}) ==
          200);
    auto edited = *bench.registry.source_by_slug("acme-open");
    edited.label = "edited";
    bench.registry.put(edited);
    CHECK(status(asked) == 429);
    bench.clock.at += bus::seconds{1};
    CHECK(status(asked) == 200);
}

TEST_CASE_FIXTURE(DoorTest, "door: a clock that is set back stops nothing") {
    bench.options.limits.source_rate = {.per_second = 10, .burst = 5};
    door = bench.open();
    const Asked asked{.path = "/webhooks/in/acme-open"};
    for (int i = 0; i < 5; ++i) CHECK(status(asked) == 200);
    CHECK(status({.path = "/webhooks/in/unknown"}) == 404);
    const int before = bench.catch_ups;
    bench.clock.at -= std::chrono::hours{24 * 365};
    CHECK(status(asked) == 429);
    bench.clock.at += bus::seconds{1};
    CHECK(status(asked) == 200);
    CHECK(status({.path = "/webhooks/in/unknown"}) == 404);
    CHECK(bench.catch_ups == before + 1);
}

TEST_CASE_FIXTURE(DoorTest, "door: forged requests take nothing from the real sender's rate") {
    bench.options.limits.source_rate = {.per_second = 10, .burst = 5};
    door = bench.open();
    Asked asked{.path = "/webhooks/in/acme-header", .fields = {{"x-secret", "forged"}}};
    for (int i = 0; i < 50; ++i) CHECK(status(asked) == 401);
    asked.fields[0].second = "header-marker";
    for (int i = 0; i < 5; ++i) CHECK(status(asked) == 200);
    CHECK(status(asked) == 429);
}

TEST_CASE_FIXTURE(DoorTest, "door: a secret that does not open yet is tried again, one a second") {
    const Asked asked{.path = "/webhooks/in/acme-header",
                      .fields = {{"x-secret", "header-marker"}}};
    bench.secrets.fails = bus::ErrorCode::unavailable;
    for (int i = 0; i < 5; ++i) CHECK(status(asked) == 503);
    CHECK(bench.secrets.opened == 1);
    bench.clock.at += bus::seconds{1};
    for (int i = 0; i < 5; ++i) CHECK(status(asked) == 503);
    CHECK(bench.secrets.opened == 2);
    bench.secrets.fails.reset();
    CHECK(status(asked) == 503);
    bench.clock.at += bus::seconds{1};
    for (int i = 0; i < 5; ++i) CHECK(status(asked) == 200);
    CHECK(bench.secrets.opened == 3);
}

TEST_CASE_FIXTURE(DoorTest,
                  "door: a secret that is damaged stays a fault until the source changes") {
    const Asked asked{.path = "/webhooks/in/acme-header",
                      .fields = {{"x-secret", "header-marker"}}};
    bench.secrets.fails = bus::ErrorCode::corrupt;
    CHECK(status(asked) == 503);
    bench.clock.at += bus::seconds{10};
    CHECK(status(asked) == 503);
    CHECK(bench.secrets.opened == 1);
}

TEST_CASE_FIXTURE(DoorTest, "door: what is not found is looked up again only if `.control` moved") {
    int looked_up = 0;
    bench.registry.after_account_look_up = [&] { ++looked_up; };
    const Asked asked = chat("nobody", "1", fixed);  // names a number and an account
    CHECK(status(asked) == 404);
    CHECK(bench.catch_ups == 1);
    CHECK(looked_up == 2);
    bench.on_catch_up = [&] {
        bench.registry.put(bench.source(bench.acme, "mail_like", "m", "none"));
    };
    bench.clock.at += bus::seconds{60};
    looked_up = 0;
    CHECK(status(asked) == 404);
    CHECK(looked_up == 4);
}
