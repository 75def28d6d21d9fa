#include "tests/unit/door_fixture.hpp"

using namespace door_test;

TEST_CASE_FIXTURE(DoorTest, "door: a credential that says nothing of the body proves no body") {
    auto acme = *bench.registry.source_by_account("meta_like:phone-acme");
    acme.default_paths = {fixed};
    bench.registry.put(acme);
    auto globex = bench.source(bench.globex, "meta_like", "globex-claims", "header");
    globex.verification.own().header = "host";
    globex.secrets = {DoorBench::secret("sec_host", "hooks.example.com")};
    globex.account_ids = {"meta_like:1"};
    bench.registry.put(globex);
    const auto sent = [&](const std::string& path, std::string body) {
        Asked asked = signed_chat(path, std::move(body));
        asked.fields.emplace_back("Host", "hooks.example.com");
        return asked;
    };
    const std::string unclaimed = DoorBench::chat_body("phone-new", "1");
    const std::string mixed = DoorBench::chat_body({entry("acme", "1"), entry("new", "2")});
    for (const std::string& body : {unclaimed, mixed})
        CHECK(record(sent(fixed, body)).key == to_string(bench.acme));
    CHECK(record(sent(fixed + "/tok-acme-chat", mixed)).value == mixed);
    CHECK(record(sent(fixed + "/tok-globex-claims", unclaimed)).key == to_string(bench.globex));
    acme.default_paths.clear();
    bench.registry.put(acme);
    CHECK(status(sent(fixed, unclaimed)) == 404);
}

TEST_CASE_FIXTURE(DoorTest, "door: a credential at a path takes what no other client claims") {
    auto acme = bench.source(bench.acme, "meta_like", "acme-all", "header");
    acme.verification.own().header = "x-secret";
    acme.secrets = {DoorBench::secret("sec_all", "all-marker")};
    acme.default_paths = {fixed};
    bench.registry.put(acme);
    const auto sent = [&](std::string_view name) {
        return Asked{.path = fixed,
                     .body = DoorBench::chat_body({entry(name, "1")}),
                     .fields = {{"x-secret", "all-marker"}}};
    };
    for (const std::string_view name : {"unknown", "acme"})
        CHECK(record(sent(name)).key == to_string(bench.acme));
    CHECK(status(sent("globex")) == 401);
}

TEST_CASE_FIXTURE(DoorTest, "door: a suspended client that stands first stops nobody's messages") {
    bench.share_secret();
    bench.registry.set_tenant_status(bench.acme, "suspended");
    const auto records =
        parts(signed_chat(fixed, DoorBench::chat_body({entry("acme", "1"), entry("globex", "2")})));
    REQUIRE(records.size() == 2);
    CHECK(records[0].topic == bus::Topic::chat);
    CHECK(records[0].key == to_string(bench.globex));
    CHECK(records[0].value == DoorBench::chat_body({entry("globex", "2")}));
    CHECK(records[1].topic == bus::Topic::rejected);
    CHECK(records[1].key == to_string(bench.acme));
    CHECK(records[1].value == DoorBench::chat_body({entry("acme", "1")}));
    CHECK(cause(signed_chat(fixed, DoorBench::chat_body({entry("acme", "1")}))) ==
          "source_disabled");
}

TEST_CASE_FIXTURE(DoorTest, "door: the messages of a source that is switched off are nobody's") {
    auto globex = bench.share_secret();
    auto acme = *bench.registry.source_by_account("meta_like:phone-acme");
    acme.enabled = false;
    bench.registry.put(acme);
    const std::string of_acme = DoorBench::chat_body({entry("acme", "1")});
    for (const bool answers_for_path : {false, true}) {
        CAPTURE(answers_for_path);
        if (answers_for_path) globex.default_paths = {fixed};
        bench.registry.put(globex);
        for (const std::string& path : {fixed, fixed + "/tok-globex-chat"}) {
            CAPTURE(path);
            const auto records = parts(signed_chat(
                path, DoorBench::chat_body({entry("acme", "1"), entry("globex", "2")})));
            REQUIRE(records.size() == 2);
            CHECK(records[0].key == to_string(bench.globex));
            CHECK(records[0].value == DoorBench::chat_body({entry("globex", "2")}));
            CHECK(records[1].topic == bus::Topic::rejected);
            CHECK(records[1].key == to_string(bench.acme));
            CHECK(records[1].value == of_acme);
            CHECK(records[1].headers.view().get(bus::header::cause) == "source_disabled");
        }
        const Decision alone = decide(signed_chat(fixed, of_acme));
        auto* rejected = std::get_if<Rejected>(&alone);
        REQUIRE(rejected);
        CHECK(rejected->response.status == 404);
        CHECK(rejected->record.key == to_string(bench.acme));
        CHECK_MESSAGE(rejected->record.value == of_acme, "what is proved to be its own is kept");
    }
}

TEST_CASE_FIXTURE(DoorTest,
                  "door: what a client's disabled source holds comes to its own for the path") {
    auto held = *bench.registry.source_by_account("meta_like:phone-acme");
    held.enabled = false;
    bench.registry.put(held);
    const Asked asked = signed_chat(fixed, DoorBench::chat_body({entry("acme", "1")}));
    CHECK(status(asked) == 404);
    auto second = bench.source(bench.acme, "meta_like", "acme-second", "scheme");
    second.secrets = held.secrets;
    second.default_paths = {fixed};
    bench.registry.put(second);
    CHECK(record(asked).headers.view().get(bus::header::source) ==
          to_string(bench.registry.source_by_slug(second.slug)->id));
}

TEST_CASE_FIXTURE(DoorTest, "door: nobody gets what may be theirs whose secret does not open") {
    bench.share_secret();
    auto acme = *bench.registry.source_by_account("meta_like:phone-acme");
    const std::string both = DoorBench::chat_body({entry("acme", "1"), entry("globex", "2")});
    CHECK(status(chat("acme", "0", fixed + "/tok-globex-chat")) == 200);  // now globex's is open
    bench.secrets.fails = bus::ErrorCode::corrupt;
    for (const bool enabled : {true, false}) {
        CAPTURE(enabled);
        acme.enabled = enabled;
        bench.registry.put(acme);  // its secret is opened anew
        for (const std::string& path : {fixed, fixed + "/tok-globex-chat"})
            CHECK(status(signed_chat(path, both)) == 503);
    }
}

TEST_CASE_FIXTURE(DoorTest, "door: a source that is switched off hides none of its client") {
    auto second = bench.source(bench.acme, "meta_like", "acme-second", "scheme");
    second.enabled = false;
    bench.registry.put(second);
    Asked asked = signed_chat(fixed, DoorBench::chat_body("phone-unknown", "1"));
    asked.fields.emplace_back("X-Client-Code", "acme");
    CHECK(record(asked).key == to_string(bench.acme));
    auto acme = *bench.registry.source_by_account("meta_like:phone-acme");
    acme.deleted = true;
    bench.registry.put(acme);
    CHECK(cause(asked) == "source_disabled");
}

TEST_CASE_FIXTURE(DoorTest, "door: who can prove nothing takes no proof from those who can") {
    std::vector<std::string> entries;
    for (int i = 0; i < 3; ++i) {
        const std::string name = fmt::format("claim-{}", i);
        auto claim = bench.source(bench.globex, "meta_like", name, "header");
        claim.verification.own().header = "host";
        claim.secrets = {DoorBench::secret("sec_host", "hooks.example.com")};
        claim.account_ids = {"meta_like:phone-" + name};
        bench.registry.put(claim);
        entries.push_back(entry(name, "1"));
    }
    entries.push_back(entry("acme", "2"));
    const std::string body = DoorBench::chat_body(entries);
    bench.options.limits.account_proof_bytes_max = body.size();
    door = bench.open();
    for (const std::string& path : {fixed, fixed + "/tok-acme-chat"})
        CHECK(record(signed_chat(path, body)).value == body);
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
