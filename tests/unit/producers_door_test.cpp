#include "tests/unit/door_fixture.hpp"

#include "schemas/providers/built_in.hpp"

using namespace std::string_literals;
using namespace door_test;
using producers::PartsOutcome;

namespace {

bus::Result<bus::Appended> appended(bool duplicate, bus::Durability durability) {
    bus::Appended one;
    one.duplicate = duplicate;
    one.durability = durability;
    return one;
}

}  // namespace

TEST_CASE_FIXTURE(DoorTest, "door: on a fixed path the client code names the source") {
    auto asked = chat("acme", "1", fixed);
    asked.fields.emplace_back("X-Client-Code", "acme");
    CHECK(record(asked).key == to_string(bench.acme));
    asked.fields.back().second = "globex";
    CHECK(status(asked) == 401);  // its secret, not the payload, decides
    asked.fields.back().second = "nobody";
    CHECK(status(asked) == 404);
    asked.fields.pop_back();
    asked.query = "client=acme";
    CHECK(record(asked).key == to_string(bench.acme));
}

TEST_CASE_FIXTURE(DoorTest, "door: an account id takes a body only with its source's signature") {
    CHECK(record(chat("globex", "1", fixed)).key == to_string(bench.globex));
    auto forged = chat("globex", "1", fixed);
    forged.fields[0].second = DoorBench::sign("acme-app-secret", forged.body);
    CHECK(status(forged) == 401);

    auto open = *bench.registry.source_by_account("meta_like:phone-globex");
    open.verification.own().kind = "none";
    bench.registry.put(open);
    CHECK(status(chat("globex", "2", fixed)) == 404);
}

TEST_CASE_FIXTURE(DoorTest, "door: what nobody claims goes to the path's default, else is a 404") {
    auto stranger = chat("acme", "1", fixed);
    stranger.body = DoorBench::chat_body("phone-unknown", "1");
    stranger.fields[0].second = DoorBench::sign("acme-app-secret", stranger.body);
    CHECK(cause(stranger) == "unknown_source");
    auto source = *bench.registry.source_by_account("meta_like:phone-acme");
    source.default_paths = {fixed};
    bench.registry.put(source);
    CHECK(record(stranger).key == to_string(bench.acme));
}

TEST_CASE_FIXTURE(DoorTest, "door: who trusts everyone gets from a path what no other claims") {
    auto open = bench.source(bench.acme, "meta_like", "acme-all", "none");
    open.default_paths = {fixed};
    open.account_ids = {"meta_like:phone-open"};
    bench.registry.put(open);
    const auto unproved = [&](std::string body) {
        Asked asked = signed_chat(fixed, std::move(body));
        asked.fields.clear();
        return asked;
    };
    for (const std::string name : {"unknown", "open"}) {
        CAPTURE(name);
        const auto taken = record(unproved(DoorBench::chat_body({entry(name, "1")})));
        CHECK(taken.key == to_string(bench.acme));
    }
    for (const auto& entries : {std::vector{entry("globex", "1")},
                                std::vector{entry("open", "1"), entry("globex", "2")}}) {
        const Decision decision = decide(unproved(DoorBench::chat_body(entries)));
        auto* rejected = std::get_if<Rejected>(&decision);
        REQUIRE(rejected);
        CHECK(rejected->response.status == 401);
        CHECK(rejected->record.key == to_string(bench.globex));
        CHECK(rejected->record.value.empty());
    }
    CHECK(record(chat("globex", "3", fixed)).key == to_string(bench.globex));

    // Nobody can prove what is for who trusts everyone too.
    auto globex = *bench.registry.source_by_account("meta_like:phone-globex");
    globex.verification.own().kind = "none";
    bench.registry.put(globex);
    CHECK(status(unproved(DoorBench::chat_body({entry("globex", "4")}))) == 404);
}

TEST_CASE_FIXTURE(DoorTest, "door: a body of two tenants is a record for each, of its own alone") {
    bench.share_secret();
    const std::string of_acme = entry("acme", "marker-1"), of_globex = entry("globex", "marker-2");
    const std::string body = DoorBench::chat_body({of_acme, of_globex});
    for (const std::string& path : {fixed, fixed + "/tok-acme-chat", fixed + "/tok-globex-chat"}) {
        CAPTURE(path);
        auto records = parts(signed_chat(path, body));
        REQUIRE(records.size() == 2);
        if (path.find("globex") != std::string::npos) std::swap(records[0], records[1]);
        CHECK(records[0].value == DoorBench::chat_body({of_acme}));
        CHECK(records[1].value == DoorBench::chat_body({of_globex}));
        CHECK(records[0].key == to_string(bench.acme));
        CHECK(records[1].key == to_string(bench.globex));
        CHECK(records[0].headers.view().get(bus::header::verified) == "meta:sec_acme");
        CHECK(records[1].headers.view().get(bus::header::verified) == "meta:sec_shared");
        for (const bus::NewRecord& record : records) {
            const auto headers = record.headers.view();
            CHECK(record.partition == bus::partition_of(record.key, 8));
            CHECK(to_string(bus::read_envelope(headers)->tenant) == record.key);
            CHECK(headers.get(bus::header::value_is) == bus::value_is_part);
            CHECK(headers.get(bus::header::whole) == tests::FakeRegistry::hash_of(body));
            CHECK(headers.get("h_x-hub-signature-256").starts_with("sha256="));
        }
        CHECK(records[0].headers.view().get(bus::header::id) !=
              records[1].headers.view().get(bus::header::id));
    }
}

TEST_CASE_FIXTURE(DoorTest,
                  "door: a change is whose number it names, then whose account is around") {
    auto globex = bench.share_secret();
    globex.account_ids.push_back("meta_like:waba-globex");
    bench.registry.put(globex);
    const auto change = [](std::string_view phone) { return DoorBench::chat_change(phone, phone); };
    const auto all = DoorBench::chat_entry(
        "waba-globex", {change("phone-acme"), change("phone-new"), change("phone-globex")});
    const auto none = DoorBench::chat_entry("waba-unknown", {change("phone-unknown")});
    const auto records =
        parts(signed_chat(fixed + "/tok-acme-chat", DoorBench::chat_body({all, none})));
    REQUIRE(records.size() == 2);
    CHECK(
        records[0].value ==
        DoorBench::chat_body({DoorBench::chat_entry("waba-globex", {change("phone-acme")}), none}));
    CHECK(records[1].value == DoorBench::chat_body({DoorBench::chat_entry(
                                  "waba-globex", {change("phone-new"), change("phone-globex")})}));

    // The account around says nothing where each change names a number of one client.
    const auto own = DoorBench::chat_entry("waba-globex", {change("phone-acme")});
    const auto whole = record(signed_chat(fixed + "/tok-acme-chat", DoorBench::chat_body({own})));
    CHECK(whole.value == DoorBench::chat_body({own}));
    CHECK(whole.headers.view().get(bus::header::whole).empty());
}

TEST_CASE_FIXTURE(DoorTest, "door: of a body for others alone, who admitted it keeps nothing") {
    auto third = bench.source(bench.registry.add_tenant("third"), "meta_like", "third", "scheme");
    third.secrets = {DoorBench::secret("sec_third", "acme-app-secret")};
    third.account_ids = {"meta_like:phone-third"};
    bench.registry.put(third);
    bench.share_secret();
    const auto records = parts(signed_chat(
        fixed + "/tok-acme-chat",
        DoorBench::chat_body({entry("globex", "marker-2"), entry("third", "marker-3")})));
    REQUIRE(records.size() == 2);
    CHECK(records[0].value == DoorBench::chat_body({entry("globex", "marker-2")}));
    CHECK(records[1].value == DoorBench::chat_body({entry("third", "marker-3")}));
}

TEST_CASE_FIXTURE(DoorTest, "door: parts of a repeated body are the same requests, of others not") {
    bench.share_secret();
    const auto keys = [&](std::string_view acme_id, std::string globex_entry) {
        const auto records =
            parts(signed_chat(fixed, DoorBench::chat_body({entry("acme", acme_id), globex_entry})));
        REQUIRE(records.size() == 2);
        return std::pair{*records[0].dedup, *records[1].dedup};
    };
    const auto first = keys("1", entry("globex", "2"));
    CHECK(first == keys("1", entry("globex", "2")));
    const auto other = keys("3", entry("globex", "2"));
    CHECK(first.first != other.first);
    CHECK(first.second == other.second);  // by its messages' ids, as if it had come alone

    const std::string without_id = DoorBench::chat_entry(
        "1", {R"({"value":{"metadata":{"phone_number_id":"phone-globex"}}})"});
    CHECK(keys("1", without_id) == keys("1", without_id));
    CHECK(keys("1", without_id).second != keys("3", without_id).second);
}

TEST_CASE_FIXTURE(DoorTest, "door: a body of more than can be split is kept and refused") {
    bench.share_secret();
    const Asked asked =
        signed_chat(fixed, DoorBench::chat_body({entry("acme", "1"), entry("globex", "2")}));
    const auto check_kept = [&] {
        door = bench.open();
        const Decision decision = decide(asked);
        auto* rejected = std::get_if<Rejected>(&decision);
        REQUIRE(rejected);
        CHECK(rejected->response.status == 503);
        CHECK(rejected->must_keep);
        CHECK(rejected->record.key == "_platform");
        CHECK(rejected->record.value == asked.body);
        CHECK(rejected->record.headers.view().get(bus::header::cause) == "several_tenants");
    };
    bench.options.limits.body_parts_max = 1;
    check_kept();
    bench.options.limits = {};
    bench.options.limits.split_elements_max = 3;
    check_kept();
}

TEST_CASE_FIXTURE(DoorTest,
                  "door: the part of a client that is suspended is kept for it, refused") {
    bench.share_secret();
    bench.registry.set_tenant_status(bench.globex, "suspended");
    const auto records =
        parts(signed_chat(fixed, DoorBench::chat_body({entry("acme", "1"), entry("globex", "2")})));
    REQUIRE(records.size() == 2);
    CHECK(records[0].topic == bus::Topic::chat);
    CHECK(records[1].topic == bus::Topic::rejected);
    CHECK(records[1].key == to_string(bench.globex));
    CHECK(records[1].value == DoorBench::chat_body({entry("globex", "2")}));
    CHECK(records[1].headers.view().get(bus::header::cause) == "source_disabled");
    CHECK(records[1].headers.view().get(bus::header::value_is) == bus::value_is_part);
}

TEST_CASE_FIXTURE(DoorTest, "door: no part holds what proves another's") {
    auto acme = *bench.registry.source_by_account("meta_like:phone-acme");
    acme.verification.own() = {};
    acme.verification.own().kind = "query";
    acme.verification.own().parameter = "key";
    bench.registry.put(acme);
    bench.share_secret();
    Asked asked = signed_chat(fixed + "/tok-acme-chat",
                              DoorBench::chat_body({entry("acme", "1"), entry("globex", "2")}));
    asked.query = "a=1&key=acme-app-secret";
    const auto records = parts(asked);
    REQUIRE(records.size() == 2);
    CHECK(records[0].headers.view().get(bus::header::query) == "a=1&key=sec_acme");
    CHECK(records[1].headers.view().get(bus::header::query) == "a=1&key=-");
}

TEST_CASE_FIXTURE(DoorTest, "door: while another's secret does not open, nobody gets its part") {
    auto globex = bench.share_secret();
    const Asked asked = signed_chat(
        fixed + "/tok-acme-chat", DoorBench::chat_body({entry("acme", "1"), entry("globex", "2")}));
    CHECK(status(chat("acme", "0", fixed + "/tok-acme-chat")) == 200);  // its own is open
    bench.secrets.fails = bus::ErrorCode::unavailable;
    CHECK(status(asked) == 503);
    bench.secrets.fails.reset();
    bench.clock.at += bus::seconds{2};
    CHECK(parts(asked).size() == 2);
}

TEST_CASE_FIXTURE(DoorTest, "door: an account that changes hands is seen with the next body") {
    const Asked asked = signed_chat(
        fixed + "/tok-acme-chat", DoorBench::chat_body({entry("acme", "1"), entry("shared", "2")}));
    auto globex = bench.share_secret();
    for (int round = 0; round < 2; ++round) {
        for (int copy = 0; copy < 2; ++copy) CHECK(record(asked).key == to_string(bench.acme));
        globex.account_ids.push_back("meta_like:phone-shared");
        bench.registry.put(globex);
        CHECK(parts(asked).size() == 2);
        globex.account_ids.pop_back();
        bench.registry.put(globex);
    }
}

TEST_CASE_FIXTURE(DoorTest, "door: whoever only claims an account stops nobody's messages") {
    auto globex = *bench.registry.source_by_account("meta_like:phone-globex");
    globex.account_ids.push_back("meta_like:phone-of-acme");
    bench.registry.put(globex);
    std::string body = DoorBench::chat_body("phone-acme", "1");
    const std::string other = DoorBench::chat_body("phone-of-acme", "2");
    body = body.substr(0, body.size() - 2) + "," + other.substr(other.find("[{") + 1);
    for (const std::string& path : {fixed, fixed + "/tok-acme-chat"}) {
        const Asked asked{
            .path = path,
            .body = body,
            .fields = {{"X-Hub-Signature-256", DoorBench::sign("acme-app-secret", body)}}};
        for (int copy = 0; copy < 2; ++copy) CHECK(record(asked).key == to_string(bench.acme));
    }
}

TEST_CASE_FIXTURE(DoorTest, "door: who claims an account reads no body that it cannot prove") {
    const auto check_kept = [&](const Asked& asked, std::string_view kept) {
        const Decision decision = decide(asked);
        auto* rejected = std::get_if<Rejected>(&decision);
        REQUIRE(rejected);
        CHECK(rejected->response.status >= 401);
        CHECK(rejected->record.key == to_string(bench.globex));
        CHECK(rejected->record.value == kept);
        CHECK(rejected->record.headers.view().get(bus::header::query).empty() == kept.empty());
    };
    Asked asked = chat("globex", "1", fixed);
    asked.query = "a=1";
    asked.fields[0].second = DoorBench::sign("another-secret", asked.body);
    check_kept(asked, "");
    asked.fields.emplace_back("Content-Encoding", "br");
    check_kept(asked, "");
    asked.fields.pop_back();
    asked.fields.emplace_back("X-Client-Code", "globex");  // then it is meant for it
    check_kept(asked, asked.body);
    asked.fields.pop_back();

    auto source = *bench.registry.source_by_account("meta_like:phone-globex");
    source.account_ids.clear();
    source.default_paths = {fixed};
    bench.registry.put(source);
    check_kept(asked, "");
    asked.path = fixed + "/tok-globex-chat";
    check_kept(asked, asked.body);
}

TEST_CASE_FIXTURE(DoorTest, "door: a body that names very many accounts costs few signatures") {
    std::string accounts;
    for (int i = 0; i < 10; ++i) {
        auto source = bench.source(bench.globex, "meta_like", fmt::format("many-{}", i), "scheme");
        source.secrets = {DoorBench::secret("sec_many", i == 9 ? "acme-app-secret" : "other")};
        source.account_ids = {fmt::format("meta_like:many-{}", i)};
        bench.registry.put(source);
        accounts += fmt::format(
            R"({}{{"changes":[{{"value":{{"metadata":{{"phone_number_id":"many-{}"}}}}}}]}})",
            i == 0 ? "" : ",", i);
    }
    const std::string body = R"({"entry":[)" + accounts + "]}";
    bench.options.limits.account_proof_bytes_max = 3 * body.size();
    door = bench.open();
    Asked asked{.path = fixed,
                .body = body,
                .fields = {{"X-Hub-Signature-256", DoorBench::sign("acme-app-secret", body)}}};
    CHECK(status(asked) == 401);
    asked.path = fixed + "/tok-acme-chat";  // the same accounts, in a body that is acme's
    CHECK(cause(asked) == "several_tenants");
}

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

TEST_CASE_FIXTURE(DoorTest, "door: a record has a complete envelope and says what verified it") {
    const auto made = record(chat("acme", "1", fixed + "/tok-acme-chat"));
    const auto envelope = bus::read_envelope(made.headers);
    REQUIRE(envelope);
    CHECK(envelope->tenant == bench.acme);
    CHECK(envelope->type == bus::raw_event_type);
    CHECK(envelope->time == bench.clock.at);
    CHECK(envelope->ingest_time == bench.clock.at);
    CHECK(envelope->mapping == "0123456789abcdef0123456789abcdef");
    const auto headers = made.headers.view();
    CHECK(headers.get(bus::header::verified) == "meta:sec_acme");
    CHECK(headers.get(bus::header::path) == fixed + "/{token}");
    CHECK(headers.get("h_x-hub-signature-256").starts_with("sha256="));
    CHECK(made.topic == bus::Topic::chat);
    CHECK(made.partition == bus::partition_of(to_string(bench.acme), 8));
    CHECK(made.dedup_window == bus::seconds{7 * 24 * 3600});
}

TEST_CASE_FIXTURE(DoorTest,
                  "door: a source made a moment ago is found after catching up, once a second") {
    const Asked asked{.path = "/webhooks/in/fresh"};
    CHECK(status(asked) == 404);
    CHECK(bench.catch_ups == 1);
    CHECK(status(asked) == 404);
    CHECK(bench.catch_ups == 1);
    bench.clock.at += bus::seconds{2};
    bench.on_catch_up = [&] {
        bench.registry.put(bench.source(bench.acme, "generic_like", "fresh", "none"));
    };
    CHECK(status(asked) == 200);
    auto off = *bench.registry.source_by_slug("fresh");
    off.enabled = false;
    bench.registry.put(off);
    CHECK(status(asked) == 404);
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

TEST_CASE_FIXTURE(DoorTest, "door: a query that names its credential over and over stays small") {
    constexpr std::size_t target_bytes_max = 8 * 1024;  // the edge's bound
    const auto filled = [&](std::string query, std::size_t bytes) {
        while (query.size() + 4 <= bytes) query += "&key";
        return Asked{.path = "/webhooks/ivr/acme-ivr", .query = std::move(query)};
    };
    const auto stored = record(filled("a=1&key=query-marker", target_bytes_max));
    CHECK(stored.headers.view().get(bus::header::query) == "a=1&key=sec_query");

    const Decision forged = decide(filled("key=wrong-marker", target_bytes_max));
    REQUIRE(std::get_if<Rejected>(&forged));
    const auto& refused = std::get<Rejected>(forged).record;
    CHECK(refused.headers.view().get(bus::header::query) == "key=-");
}

TEST_CASE_FIXTURE(DoorTest, "door: no request makes a header longer than the log takes") {
    constexpr std::size_t longest = 65'535;
    Asked asked{.path = "/webhooks/ivr/acme-ivr",
                .query = "key=query-marker&x=" + std::string(longest, 'x')};
    CHECK(record(asked).headers.view().get(bus::header::query).size() == longest);
    asked.query[4] = 'Q';
    CHECK(status(asked) == 401);
    asked.method = std::string(longest + 1, 'M');
    CHECK(status(asked) == 405);
    asked = {.path = "/webhooks/in/acme-open",
             .fields = {{"x-topic", std::string(longest + 1, 'x')}}};
    CHECK(status(asked) == 200);
}

TEST_CASE_FIXTURE(DoorTest, "door: a handshake echoes the challenge only for a right token") {
    const auto asked = [](std::string path, std::string token) {
        return Asked{
            .method = "GET",
            .path = std::move(path),
            .query = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=" + token,
            .body = ""};
    };
    for (const std::string& path : {fixed, fixed + "/tok-globex-chat"}) {
        const Decision decision = decide(asked(path, "globex-verify-token"));
        auto* answered = std::get_if<Answered>(&decision);
        REQUIRE(answered);
        CHECK(answered->response.status == 200);
        CHECK(answered->response.body == "1158201444");
        CHECK(answered->response.content_type.starts_with("text/plain"));
    }
    CHECK(status(asked(fixed + "/tok-globex-chat", "acme-verify-token")) == 403);
    CHECK(status(asked(fixed, "")) == 403);
}

TEST_CASE_FIXTURE(DoorTest, "door: whoever guesses verify tokens shuts out no handshake") {
    const auto asked = [](std::string token) {
        return Asked{.method = "GET",
                     .path = fixed,
                     .query = "hub.mode=subscribe&hub.challenge=1&hub.verify_token=" + token,
                     .body = ""};
    };
    for (int i = 0; i < 1'000; ++i) CHECK(status(asked(fmt::format("guess-{}", i))) == 403);
    CHECK(status(asked("globex-verify-token")) == 200);
    bench.registry.set_tenant_status(bench.globex, "suspended");
    CHECK(status(asked("globex-verify-token")) == 403);
}

TEST_CASE_FIXTURE(DoorTest, "door: mail is taken as raw bytes, forms and queries as they come") {
    const std::string mail = "From: a@example.com\r\n\r\n\xff\x00 raw"s;
    const auto made = record({.path = "/webhooks/mail/tok-acme-mail",
                              .body = mail,
                              .fields = {{"Content-Type", "message/rfc822"}}});
    CHECK(made.value == mail);
    CHECK(made.topic == bus::Topic::email);
    CHECK(made.headers.view().get(bus::header::path) == "/webhooks/mail/{token}");
    const auto form = record({.path = "/webhooks/ivr/acme-ivr",
                              .query = "key=query-marker",
                              .body = "From=1&To=2",
                              .fields = {{"Content-Type", "application/x-www-form-urlencoded"}}});
    CHECK(form.value == "From=1&To=2");
    CHECK(form.headers.view().get(bus::header::query) == "key=sec_query");
}

TEST_CASE_FIXTURE(DoorTest, "door: events need a key of the client they name") {
    const auto asked = [](std::string key, std::string code) {
        return Asked{
            .path = "/v1/events",
            .body = R"({"specversion":"1.0","id":"1","source":"s","type":"ivr.call.ended"})",
            .fields = {{"x-api-key", std::move(key)}, {"x-client-code", std::move(code)}}};
    };
    CHECK(status(asked("key-of-acme", "acme")) == 202);
    CHECK(status(asked("key-of-acme", "globex")) == 403);
    CHECK(status(asked("key-of-acme", "nobody")) == 403);
    CHECK(status(asked("wrong", "acme")) == 401);
    CHECK(status(asked("", "acme")) == 401);
    CHECK(status(asked("key-of-globex", "globex")) == 404);  // has no source for events
    const Decision decision = decide(asked("key-of-acme", "acme"));
    auto* events = std::get_if<AcceptedEvents>(&decision);
    REQUIRE(events);
    CHECK(events->items[0].record->topic == bus::Topic::voice);
}

TEST_CASE_FIXTURE(DoorTest, "door: an event in binary mode needs no data") {
    Asked asked{.path = "/v1/events",
                .body = "",
                .fields = {{"x-api-key", "key-of-acme"},
                           {"x-client-code", "acme"},
                           {"ce-specversion", "1.0"},
                           {"ce-id", "1"},
                           {"ce-source", "s"},
                           {"ce-type", "web.page.viewed"}}};
    const auto taken = [&] {
        const Decision decision = decide(asked);
        auto* events = std::get_if<AcceptedEvents>(&decision);
        return events && events->items[0].record && events->items[0].record->value.empty();
    };
    CHECK(taken());
    asked.fields.emplace_back("Content-Type", "application/json");
    CHECK(taken());
    asked.body = "{";
    CHECK_FALSE(taken());
}

TEST_CASE("door: the answer to a body of several tenants stands for all its parts") {
    using bus::Durability;
    PartsOutcome some{.left = 2};
    some.settle(1, appended(false, Durability::local));
    some.settle(0, appended(true, Durability::fsynced));
    CHECK(some.left == 0);
    CHECK_FALSE(some.result()->duplicate);
    CHECK(some.result()->durability == Durability::local);

    PartsOutcome copies{.left = 2};
    for (std::size_t part : {0, 1}) copies.settle(part, appended(true, Durability::fsynced));
    CHECK(copies.result()->duplicate);
    CHECK(copies.result()->durability == Durability::fsynced);

    PartsOutcome failed{.left = 3};
    failed.settle(0, bus::fail(bus::ErrorCode::too_large, "too large"));
    failed.settle(1, bus::fail(bus::ErrorCode::unavailable, "disk full"));
    failed.settle(2, appended(false, Durability::fsynced));
    REQUIRE_FALSE(failed.result());
    CHECK(failed.result().error().code == bus::ErrorCode::unavailable);
}

TEST_CASE("door: the key of a request is what every release made of it") {
    const std::string secret(32, '\x07');
    const bus::crypto::HmacKey key(bus::crypto::Hash::sha256, secret);
    const auto made = [&](char kind, std::vector<std::string_view> parts) {
        const auto bytes =
            producers::fingerprint(key, bus::TenantId{1}, bus::SourceId{2}, kind, parts).bytes;
        return bus::to_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    };
    CHECK(made('h', {"POST", "/p", "", R"({"a":1})"}) == "ed7642d9e0e671a9e9a4b540e8d0a94f");
    CHECK(made('p', {"x"}) == "bbe89cca8a9dde5b677949577ec3c3f6");
    CHECK(made('e', {}) == "a7db4f551c30d07815cd681cc31672be");
}

TEST_CASE("door: the first word of an event's type tells its topic") {
    using bus::Topic;
    CHECK(producers::topic_of_type("whatsapp.message.received") == Topic::chat);
    CHECK(producers::topic_of_type("ivr.call.ended") == Topic::voice);
    CHECK(producers::topic_of_type("billing.invoice.paid") == Topic::billing);
    CHECK(producers::topic_of_type("account.user.created") == Topic::identity);
    CHECK(producers::topic_of_type("anything") == Topic::web);
    CHECK(producers::topic_of_type("facts.x") == Topic::web);
}

TEST_CASE("door: every kind compiled into the program has a scheme and paths the door can use") {
    const auto kinds = schemas::built_in_providers();
    REQUIRE(kinds);
    std::vector<const schemas::ProviderKind*> all;
    for (const auto& kind : *kinds) all.push_back(&kind);
    const producers::PathTable paths(all);
    for (const auto& kind : *kinds) {
        CAPTURE(kind.kind);
        std::string path = kind.url_path;
        for (std::string_view parameter : {"{slug}", "{token}"}) {
            if (const auto at = path.find(parameter); at != std::string::npos)
                path.replace(at, parameter.size(), "value");
        }
        const auto match = paths.find(path);
        REQUIRE(match);
        CHECK(match.entry->serves(kind.kind));
        if (!kind.verification.kind.empty())
            CHECK(producers::verify::Verifier::compile(kind.verification));
        for (const auto& text : kind.dedup_paths) CHECK(producers::JsonPath::compile(text));
        for (const auto& text : kind.account_id_paths) CHECK(producers::JsonPath::compile(text));
    }
}
