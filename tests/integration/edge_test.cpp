// The edge and the door behind it.
#include "tests/integration/edge_fixture.hpp"

#include "bus/envelope.hpp"

#include <set>

using namespace edge_test;

TEST_CASE("edge: a signed webhook is answered once its record is in the log") {
    Running server;
    const Answer answer = server.ask(signed_chat("acme", "m1"));
    CHECK(answer.status == 200);
    CHECK(answer.body.starts_with(R"({"accepted":true,"event_id":")"));
    CHECK(answer.body.ends_with(R"("duplicate":false,"durability":"memory"})"));
    CHECK(bus::parse_position(answer.header("X-Position")));
    const auto records = server.records(bus::Topic::chat);
    REQUIRE(records.size() == 1);
    CHECK(records[0].value == DoorBench::chat_body("phone-acme", "m1"));
    const auto envelope = bus::read_envelope(records[0].headers);
    REQUIRE(envelope);
    CHECK(envelope->tenant == server.bench.acme);
    CHECK(answer.body.find(to_string(envelope->id)) != std::string::npos);
}

TEST_CASE("edge: health answers HEAD without a body, other methods with what is allowed") {
    Running server;
    Wire wire = server.connect();
    wire.send("HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const Answer head = wire.receive_head();
    CHECK(head.status == 200);
    CHECK(head.header("Content-Length") == "11");
    CHECK(wire.closed());
    CHECK(server.ask(post("/healthz", "{}")).header("Allow") == "GET");
    const Answer old = server.ask("GET /healthz HTTP/1.0\r\n\r\n");
    CHECK(old.status == 200);
    CHECK(old.header("Connection") == "close");
}

TEST_CASE("edge: a route whose handler throws answers 500, and the edge goes on") {
    Running server;
    Wire wire = server.connect();
    for (int i = 0; i < 2; ++i) {
        wire.send("GET /broken HTTP/1.1\r\nHost: x\r\n\r\n");
        const Answer answer = wire.receive();
        CHECK(answer.status == 500);
        CHECK(answer.body.find("it is broken") == std::string::npos);
    }
    wire.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(wire.receive().status == 200);
}

TEST_CASE("edge: forged, stale and missing signatures are 401, and kept as rejected") {
    Running server;
    const std::string body = DoorBench::chat_body("phone-acme", "x1");
    const std::string path = "/api/whatsapp/webhook/tok-acme-chat";
    const auto with = [&](std::string signature) {
        return server.ask(post(path, body, "X-Hub-Signature-256: " + signature + "\r\n")).status;
    };
    CHECK(with(DoorBench::sign("acme-app-secret", body)) == 200);
    CHECK(with(DoorBench::sign("globex-app-secret", body)) == 401);
    CHECK(with(DoorBench::sign("acme-app-secret", body + " ")) == 401);
    CHECK(with("sha256=") == 401);
    CHECK(with("sha256=zz") == 401);
    CHECK(server.ask(post(path, body)).status == 401);
    const auto rejected = server.records(bus::Topic::rejected);
    REQUIRE(rejected.size() == 5);
    CHECK(rejected[0].headers.view().get(bus::header::cause) == "verification_failed");
    CHECK(rejected[0].headers.view().get(bus::header::status) == "401");
    CHECK(rejected[0].headers.view().get(bus::header::path) == "/api/whatsapp/webhook/{token}");
    CHECK(rejected[0].value == body);
}

TEST_CASE("edge: no credential reaches a record or an answer") {
    Running server;
    std::string seen;
    const auto ask = [&](const std::string& request, int status) {
        const Answer answer = server.ask(request);
        CHECK(answer.status == status);
        seen += answer.head + answer.body;
    };
    ask(post("/webhooks/ivr/acme-ivr?x=1&key=query-marker", "{\"a\":1}"), 200);
    ask("GET /webhooks/ivr/acme-ivr?call=7&key=query-marker HTTP/1.1\r\nHost: x\r\n\r\n", 200);
    ask("GET /webhooks/calls/callback?client=acme&token=callback-marker&id=7 HTTP/1.1\r\nHost: "
        "x\r\n\r\n",
        200);
    ask(post("/webhooks/in/acme-header", "{}", "X-Secret: header-marker\r\nX-Topic: t\r\n"), 200);
    const std::string basic = "Basic " + bus::to_base64("hook:basic-marker");
    ask(post("/webhooks/in/acme-basic", "{}", "Authorization: " + basic + "\r\n"), 200);
    ask(signed_chat("acme", "t1"), 200);
    // Refused ones keep no credential either, not even a wrong one.
    ask(post("/webhooks/ivr/acme-ivr?key=wrong-marker", "{\"a\":1}"), 401);
    ask(post("/webhooks/in/acme-header", "{}", "X-Secret: wrong-marker\r\n"), 401);
    ask(post("/api/whatsapp/webhook/tok-wrong-marker", "{}"), 404);
    ask(post("/webhooks/in/nobody?token=wrong-marker", "{}"), 404);
    ask("POST /v1/events HTTP/1.1\r\nHost: x\r\nx-api-key: key-of-acme\r\nx-client-code: acme\r\n"
        "ce-id: 1\r\nce-source: s\r\nce-type: web.page.viewed\r\nce-specversion: 1.0\r\n"
        "Content-Length: 2\r\n\r\n{}",
        202);
    bool topic_kept = false, redacted = false;
    for (std::size_t t = 0; t < bus::partitioned_topics; ++t) {
        for (const auto& record : server.records(bus::topic_at(t))) {
            seen += record.headers.bytes() + record.value + record.key;
            topic_kept = topic_kept || record.headers.view().get("h_x-topic") == "t";
            redacted = redacted || record.value == "client=acme&token=sec_callback&id=7";
        }
    }
    CHECK(topic_kept);
    CHECK(redacted);
    CHECK(seen.find("-marker") == std::string::npos);
    CHECK(seen.find(basic.substr(6)) == std::string::npos);
    CHECK(seen.find("tok-acme-chat") == std::string::npos);
    CHECK(seen.find("key-of-acme") == std::string::npos);
}

TEST_CASE("edge: a batch of events is answered item by item, in order") {
    Running server;
    const auto ask = [&](std::string_view path, std::string_view type, std::string_view body) {
        return server.ask(
            fmt::format("POST {} HTTP/1.1\r\nHost: x\r\nx-api-key: key-of-acme\r\n"
                        "x-client-code: acme\r\nContent-Type: {}\r\n"
                        "Content-Length: {}\r\n\r\n{}",
                        path, type, body.size(), body));
    };
    const std::string one =
        R"({"specversion":"1.0","id":"1","source":"/s","type":"email.message.received","data":{"a":1.10}})";
    const Answer answer = ask("/v1/events/batch", "application/cloudevents-batch+json",
                              fmt::format(R"([{},{{"id":"2"}},{}])", one, one));
    CHECK(answer.status == 202);
    CHECK(bus::parse_position(answer.header("X-Position")));
    schemas::json::Parser parser;
    const auto results = (*parser.parse(answer.body))["results"];
    REQUIRE(results.size() == 3);
    CHECK(results.at(0)["status"].integer() == 202);
    CHECK(results.at(0)["duplicate"].boolean() == false);
    CHECK(results.at(1)["status"].integer() == 400);
    CHECK(results.at(2)["duplicate"].boolean() == true);
    CHECK(results.at(2)["id"].text() == results.at(0)["id"].text());
    const auto records = server.records(bus::Topic::email);
    REQUIRE(records.size() == 1);
    CHECK(records[0].value == one);
    CHECK(records[0].headers.view().get("h_ce-type") == "email.message.received");

    const Answer none = ask("/v1/events/batch", "application/x-ndjson", R"({"id":"2"})");
    CHECK(none.status == 202);
    const auto nothing = bus::parse_position(none.header("X-Position"));
    REQUIRE(nothing);
    CHECK(nothing->partition == bus::parse_position(answer.header("X-Position"))->partition);
    CHECK(ask("/v1/events/batch", "application/x-ndjson", one + "\n" + one + "\n").status == 202);
    CHECK(ask("/v1/events", "application/cloudevents+json", one).status == 202);
    CHECK(ask("/v1/events", "application/cloudevents+json", "{}").status == 400);
    CHECK(ask("/v1/events", "text/html", one).status == 415);
    CHECK(server.records(bus::Topic::email).size() == 1);
    std::string many = "[" + one;
    for (int i = 0; i < 1000; ++i) many += "," + one;
    CHECK(ask("/v1/events/batch", "application/json", many + "]").status == 413);
}
