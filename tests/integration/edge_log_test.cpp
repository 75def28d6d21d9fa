// What is answered, and when: as far as the log has it.
#include "tests/integration/edge_fixture.hpp"

using namespace edge_test;

TEST_CASE("edge: nothing is answered before the log has it, and a refusal is a 503") {
    Running server;
    server.log.hold_syncs();
    Wire wire = server.connect();
    wire.send(signed_chat("acme", "n1"));
    CHECK(wire.receive(200ms).status == 0);
    server.log.lose_unsynced_tail();
    const Answer refused = wire.receive();
    CHECK(refused.status == 503);
    CHECK(!refused.header("Retry-After").empty());
    server.log.release_syncs();
    wire.send(signed_chat("acme", "n1"));
    const Answer again = wire.receive();
    CHECK(again.status == 200);
    CHECK(again.body.find("\"duplicate\":false") != std::string::npos);
    for (std::uint64_t n = 1; n <= 3; ++n) {
        server.log.faults().fail_append(n, bus::fail(bus::ErrorCode::unavailable, "disk full"));
    }
    for (int i = 0; i < 3; ++i) {
        CHECK(server.ask(signed_chat("acme", fmt::format("f{}", i))).status == 503);
    }
    CHECK(server.ask(signed_chat("acme", "f0")).status == 200);
}

namespace {

// A body of both, which are of one application; each entry has its client's marker.
struct SharedBody {
    std::string acme = entry_of("acme"), globex = entry_of("globex");
    std::string all = DoorBench::chat_body({acme, globex});

    static std::string entry_of(std::string_view tenant) {
        return DoorBench::chat_entry("1",
                                     {DoorBench::chat_change(fmt::format("phone-{}", tenant),
                                                             fmt::format("marker-{}", tenant))});
    }
    void check_stored(Running& server) const {
        const auto records = server.records(bus::Topic::chat);
        REQUIRE(records.size() == 2);
        const bool acme_first = records[0].key == to_string(server.bench.acme);
        CHECK(records[acme_first ? 0 : 1].value == DoorBench::chat_body({acme}));
        CHECK(records[acme_first ? 1 : 0].value == DoorBench::chat_body({globex}));
        CHECK(records[acme_first ? 1 : 0].key == to_string(server.bench.globex));
        for (const bus::OwnedRecord& record : records) {
            const std::string bytes = record.headers.bytes() + record.value;
            const bool has_acme = bytes.find("marker-acme") != std::string::npos;
            const bool has_globex = bytes.find("marker-globex") != std::string::npos;
            CHECK(has_acme != has_globex);
        }
    }
};

void share_secret(DoorBench& bench) {
    bench.share_secret();
}

}  // namespace

TEST_CASE("edge: a body of two tenants is stored once for each, apart") {
    Running server({}, share_secret);
    const SharedBody body;
    const Answer first = server.ask(posted_chat("/api/whatsapp/webhook", body.all));
    CHECK(first.status == 200);
    CHECK(first.body.find("\"duplicate\":false") != std::string::npos);
    const auto position = bus::parse_position(first.header("X-Position"));
    REQUIRE(position);
    CHECK(position->partition == bus::partition_of(to_string(server.bench.acme), 8));
    const Answer again = server.ask(posted_chat("/api/whatsapp/webhook", body.all));
    CHECK(again.status == 200);
    CHECK(again.body.find("\"duplicate\":true") != std::string::npos);
    body.check_stored(server);
}

TEST_CASE("edge: where the log takes one part of two, a repetition brings the other") {
    for (std::uint64_t failing : {1, 2}) {
        Running server({}, share_secret);
        const SharedBody body;
        const std::string request = posted_chat("/api/whatsapp/webhook/tok-globex-chat", body.all);
        server.log.faults().fail_append(failing,
                                        bus::fail(bus::ErrorCode::unavailable, "disk full"));
        const Answer refused = server.ask(request);
        CHECK(refused.status == 503);
        CHECK(!refused.header("Retry-After").empty());
        CHECK(server.records(bus::Topic::chat).size() == 1);
        const Answer again = server.ask(request);
        CHECK(again.status == 200);
        CHECK(again.body.find("\"duplicate\":false") != std::string::npos);
        body.check_stored(server);
    }
}

TEST_CASE("edge: a body of two tenants is answered once both parts are durable") {
    Running server({.parked_bytes_max = 1'000}, share_secret);
    const SharedBody body;
    server.log.hold_syncs();
    Wire wire = server.connect();
    wire.send(posted_chat("/api/whatsapp/webhook", body.all));
    CHECK(wire.receive(100ms).status == 0);
    server.log.lose_unsynced_tail();
    CHECK(wire.receive().status == 503);
    server.log.release_syncs();
    for (int i = 0; i < 20; ++i) {  // what was parked is given back
        wire.send(posted_chat("/api/whatsapp/webhook", body.all));
        CHECK(wire.receive().status == 200);
    }
    body.check_stored(server);
}

TEST_CASE("edge: connections that vanish while parked leave the others alone") {
    Running server;
    server.log.hold_syncs();
    for (std::size_t i = 0; i < 50; ++i) {
        Wire gone = server.connect();
        gone.send(signed_chat("acme", fmt::format("v{}", i)));
        REQUIRE(server.has_parked(i + 1));
    }
    Wire stays = server.connect();
    stays.send(signed_chat("acme", "stays"));
    REQUIRE(server.has_parked(51));
    server.log.release_syncs();
    CHECK(stays.receive().status == 200);
    CHECK(server.records(bus::Topic::chat).size() == 51);
    CHECK(server.ask(signed_chat("acme", "after")).status == 200);
}

TEST_CASE("edge: more waiting bytes than the bound are refused, and room comes back") {
    Running server({.parked_bytes_max = 100});
    server.log.hold_syncs();
    const std::string body = "\"" + std::string(60, 'a') + "\"";
    Wire first = server.connect();
    first.send(post(open_path, body));
    REQUIRE(server.has_parked(1));
    const Answer second = server.ask(post(open_path + "?n=2", body));
    CHECK(second.status == 503);
    CHECK(!second.header("Retry-After").empty());
    server.log.release_syncs();
    CHECK(first.receive().status == 200);
    CHECK(server.ask(post(open_path + "?n=2", body)).status == 200);
}

TEST_CASE("edge: stopping answers what is parked, then closes") {
    auto server = std::make_unique<Running>();
    server->log.hold_syncs();
    Wire parked = server->connect(), idle = server->connect();
    parked.send(signed_chat("acme", "s1"));
    REQUIRE(server->has_parked(1));
    const auto port = server->edge->port();
    std::thread stopper([&] { server->edge->stop(5s); });
    CHECK(idle.closed());
    CHECK(!Wire(port).connected());
    server->log.release_syncs();
    const Answer answer = parked.receive();
    CHECK(answer.status == 200);
    CHECK(answer.header("Connection") == "close");
    CHECK(parked.closed());
    parked.close();
    idle.close();
    stopper.join();
}
