#include "tests/unit/door_fixture.hpp"

#include "schemas/providers/built_in.hpp"
#include "schemas/type_topic.hpp"

using namespace std::string_literals;
using namespace door_test;

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
    CHECK(schemas::topic_of_type("whatsapp.message.received") == Topic::chat);
    CHECK(schemas::topic_of_type("ivr.call.ended") == Topic::voice);
    CHECK(schemas::topic_of_type("billing.invoice.paid") == Topic::billing);
    CHECK(schemas::topic_of_type("account.user.created") == Topic::identity);
    CHECK(schemas::topic_of_type("anything") == Topic::web);
    CHECK(schemas::topic_of_type("facts.x") == Topic::web);
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
        if (!kind.verification.kind.empty()) {
            const auto verifier = producers::verify::Verifier::compile(kind.verification);
            REQUIRE(verifier);
            CHECK_FALSE(verifier->leaves_time_unsigned());
        }
        for (const auto& text : kind.dedup_paths) CHECK(producers::JsonPath::compile(text));
        for (const auto& text : kind.account_id_paths) CHECK(producers::JsonPath::compile(text));
    }
}
