// The edge through real sockets, on the memory log.
#include "bus/envelope.hpp"
#include "bus/memory/memory_log.hpp"
#include "producers/edge/edge_server.hpp"
#include "tests/support/door_bench.hpp"
#include "tests/support/wire.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <set>

// Stands before the system's own: fails as often as it is told, and leaves the connection where it
// is.
static std::atomic<int> accepts_aborted{0};
extern "C" int accept(int socket, sockaddr* peer, socklen_t* size) {
    if (accepts_aborted.load() == 0)
        return static_cast<int>(::syscall(SYS_accept, socket, peer, size));
    --accepts_aborted;
    errno = ECONNABORTED;
    return -1;
}

using namespace std::chrono_literals;
using producers::edge::EdgeOptions;
using producers::edge::EdgeServer;
using Answer = tests::WireAnswer;
using tests::DoorBench;
using tests::Wire;

namespace {

struct Running {
    DoorBench bench;
    bus::memory::MemoryLog log;
    std::unique_ptr<producers::Door> door;
    std::unique_ptr<EdgeServer> edge;
    std::atomic<int> large_answers{0};

    explicit Running(EdgeOptions options = {},
                     const std::function<void(DoorBench&)>& prepare = {}) {
        if (prepare) prepare(bench);
        door = bench.open();
        options.port = 0;
        bus::http::Route health;
        health.method = "GET";
        health.pattern = "/healthz";
        health.on_ingress = true;
        health.handle = [](const bus::http::Call&) {
            return bus::http::Response{.headers = {}, .body = "{\"ok\":true}"};
        };
        auto broken = health;
        broken.pattern = "/broken";
        broken.handle = [](const bus::http::Call&) -> bus::http::Response {
            throw std::runtime_error("it is broken");
        };
        auto large = health;
        large.pattern = "/large";
        large.handle = [this](const bus::http::Call&) {
            ++large_answers;
            return bus::http::Response{.headers = {}, .body = std::string(1 << 20, 'x')};
        };
        auto started = EdgeServer::start(options, *door, log, {health, broken, large});
        REQUIRE(started);
        edge = *std::move(started);
    }
    ~Running() {
        log.release_syncs();
        edge->stop(2s);
    }

    Wire connect() { return Wire(edge->port()); }
    Answer ask(std::string_view request) {
        Wire wire = connect();
        wire.send(request);
        return wire.receive();
    }
    std::vector<bus::OwnedRecord> records(bus::Topic topic) {
        std::vector<bus::OwnedRecord> all;
        for (bus::PartitionId p = 0; p < log.partitions(); ++p) {
            for (bus::Offset o = 0; o < *log.end_offset({topic, p}); ++o)
                all.push_back(*log.read_at({topic, p, o}));
        }
        return all;
    }
};

std::string post(std::string_view path, std::string_view body, std::string_view headers = "") {
    return fmt::format(
        "POST {} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{}Content-Length: "
        "{}\r\n\r\n{}",
        path, headers, body.size(), body);
}

std::string posted_chat(std::string_view path, std::string_view body) {
    return post(path, body,
                "X-Hub-Signature-256: " + DoorBench::sign("acme-app-secret", body) + "\r\n");
}

std::string signed_chat(std::string_view tenant, std::string_view id, std::string path = "") {
    const std::string body = DoorBench::chat_body(fmt::format("phone-{}", tenant), id);
    if (path.empty()) path = fmt::format("/api/whatsapp/webhook/tok-{}-chat", tenant);
    return post(path, body,
                "X-Hub-Signature-256: " +
                    DoorBench::sign(fmt::format("{}-app-secret", tenant), body) + "\r\n");
}

}  // namespace

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

// Malformed requests

namespace {

void check_refused(Running& server, std::string_view request, int status, bool half_close = false) {
    CAPTURE(request.substr(0, 200));
    Wire wire = server.connect();
    wire.send(request);
    if (half_close) wire.half_close();
    const Answer answer = wire.receive();
    CHECK(answer.status == status);
    CHECK(answer.body.find("\"detail\"") != std::string::npos);
    CHECK(answer.header("Connection") == "close");
    CHECK(wire.closed());
}

const std::string open_path = "/webhooks/in/acme-open";

}  // namespace

TEST_CASE("edge: requests that two readers could frame differently are refused and closed") {
    Running server;
    const std::string start = "POST " + open_path + " HTTP/1.1\r\nHost: x\r\n";
    check_refused(server, start + "Content-Length: 100\r\n\r\n12345", 400, true);
    check_refused(server, start + "Transfer-Encoding: chunked\r\n\r\n5\r\n123", 400, true);
    check_refused(server, start + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n123\r\n0\r\n\r\n", 400);
    check_refused(server,
                  start + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n",
                  400);
    check_refused(server,
                  start + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}\r\n0\r\n\r\n",
                  413);
    check_refused(server, start + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}0\r\n\r\n", 400);
    check_refused(server, start + "Transfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n", 400);
    check_refused(
        server,
        start + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400);
    check_refused(
        server,
        start + "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400);
    check_refused(server, start + "Content-Length: 2\r\nContent-Length: 7\r\n\r\n{}GET /", 400);
    check_refused(server, start + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400);
    for (std::string_view length :
         {"+5", "-5", "abc", "5,5", "0x5", "5 5", "", "99999999999999999999999"}) {
        check_refused(server, start + fmt::format("Content-Length: {}\r\n\r\nhello", length), 400);
    }
    for (std::string_view coding : {"xchunked", "gzip, chunked", "chunked, chunked", "identity"}) {
        check_refused(
            server,
            start + fmt::format("Transfer-Encoding: {}\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n", coding),
            400);
    }
    check_refused(server, start + "\r\n", 411);
    check_refused(server, start + "Content-Length : 5\r\n\r\nhello", 400);
    check_refused(server, "POST " + open_path + " HTTP/1.1\nHost: x\nContent-Length: 2\n\n{}", 400);
    check_refused(server, start + "X: a\nContent-Length: 2\r\n\r\n{}", 400);
    check_refused(server, start + "X: a\r\n b\r\nContent-Length: 2\r\n\r\n{}", 400);
    check_refused(server, start + "Host: y\r\nContent-Length: 2\r\n\r\n{}", 400);
    check_refused(server, "POST " + open_path + " HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", 400);
    check_refused(server, "POST " + open_path + " HTTP/2.0\r\nHost: x\r\n\r\n", 400);
    check_refused(server, "GET http://x/healthz HTTP/1.1\r\nHost: x\r\n\r\n", 400);
    check_refused(server, std::string("GET /a") + '\0' + "b HTTP/1.1\r\nHost: x\r\n\r\n", 400);
    check_refused(server, start + "Expect: 200-ok\r\nContent-Length: 2\r\n\r\n{}", 417);
    check_refused(server, "\x16\x03\x01\x02\r\n\r\n", 400);  // TLS to a plain port
    CHECK(server.records(bus::Topic::web).empty());
}

TEST_CASE("edge: heads are bounded in fields, field size, target and total") {
    Running server;
    const std::string start = "POST " + open_path + " HTTP/1.1\r\nHost: x\r\n";
    std::string many;
    for (int i = 0; i < 101; ++i) many += fmt::format("X-{}: 1\r\n", i);
    check_refused(server, start + many + "Content-Length: 2\r\n\r\n{}", 431);
    check_refused(server, start + "X: " + std::string(8193, 'a') + "\r\n\r\n", 431);
    std::string large;
    for (int i = 0; i < 5; ++i) large += "X: " + std::string(8000, 'a') + "\r\n";
    check_refused(server, start + large + "\r\n", 431);
    check_refused(server, "GET /" + std::string(10'000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n", 414);
    CHECK(server.ask(start + "X: " + std::string(8192, 'a') + "\r\nContent-Length: 2\r\n\r\n{}")
              .status == 200);
}

TEST_CASE("edge: a GET's body is never taken for the next request") {
    Running server;
    Wire wire = server.connect();
    const std::string smuggled = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    wire.send(fmt::format("GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}",
                          smuggled.size(), smuggled));
    CHECK(wire.receive().status == 200);
    CHECK(wire.receive(200ms).status == 0);
}

TEST_CASE("edge: a body over the limit is refused by its head, and kept as rejected") {
    Running server;
    const std::string request = fmt::format(
        "POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", open_path, (1 << 20) + 1);
    check_refused(server, request, 413);
    const auto rejected = server.records(bus::Topic::rejected);
    REQUIRE(rejected.size() == 1);
    CHECK(rejected[0].headers.view().get(bus::header::cause) == "too_large");
    CHECK(rejected[0].key == to_string(server.bench.acme));
    const std::string whole = "\"" + std::string((1 << 20) - 2, 'a') + "\"";
    CHECK(server.ask(post(open_path, whole)).status == 200);
}

TEST_CASE("edge: a chunked body is decoded, whatever its pieces, and the connection goes on") {
    Running server;
    const std::string request = "POST " + open_path +
                                " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                                "4;x=y\r\n{\"a\"\r\n3\r\n:1}\r\n0\r\nTrailer: x\r\n\r\n";
    Wire wire = server.connect();
    wire.send(request + request);
    CHECK(wire.receive().status == 200);
    const Answer second = wire.receive();
    CHECK(second.body.find("\"duplicate\":true") != std::string::npos);
    for (char c : request) {
        REQUIRE(wire.send({&c, 1}));
        std::this_thread::sleep_for(100us);
    }
    CHECK(wire.receive().status == 200);
    const auto records = server.records(bus::Topic::web);
    REQUIRE(records.size() == 1);
    CHECK(records[0].value == "{\"a\":1}");
}

TEST_CASE("edge: chunked bodies count as buffers, and room comes back") {
    Running server({.buffer_bytes_max = 512 << 10});
    const auto chunked = [](std::size_t bytes) {
        return fmt::format(
            "POST {} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n\"{}\"\r\n"
            "0\r\n\r\n",
            open_path, bytes + 2, std::string(bytes, 'x'));
    };
    for (int i = 0; i < 5; ++i) {
        CHECK(server.ask(chunked(100 << 10)).status == 200);
        CHECK(server.ask(chunked(600 << 10)).status == 503);
    }
    Wire wire = server.connect();
    for (int i = 0; i < 5; ++i) {
        wire.send(chunked(100 << 10));
        CHECK(wire.receive().status == 200);
    }
}

TEST_CASE("edge: who holds large bodies back does not shut out small requests") {
    Running server({.buffer_bytes_max = 64 << 10});
    std::vector<Wire> held;
    for (const std::size_t bytes : {20'000, 9'000, 3'000, 3'000, 3'000, 3'000}) {
        held.push_back(server.connect());
        held.back().send(
            fmt::format("POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n{}", open_path,
                        std::string(bytes, 'x')));
    }
    for (int i = 0; i < 50; ++i)
        REQUIRE(server.ask(signed_chat("acme", fmt::format("h{}", i))).status == 200);
    CHECK(server
              .ask(fmt::format("POST {} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "2\r\n{{}}\r\n0\r\n\r\n",
                               open_path))
              .status == 200);
    CHECK(server.ask(post(open_path, std::string(30'000, '1'))).status == 503);
}

TEST_CASE("edge: Expect: 100-continue is answered only after the head was accepted") {
    Running server;
    Wire wire = server.connect();
    const std::string head =
        "POST {} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n";
    wire.send(fmt::format(fmt::runtime(head), open_path, 2));
    CHECK(wire.receive().status == 100);
    wire.send("{}");
    CHECK(wire.receive().status == 200);
    check_refused(server, fmt::format(fmt::runtime(head), open_path, 2 << 20), 413);
    check_refused(server, fmt::format(fmt::runtime(head), "/nowhere", 2), 404);
}

// Order, deadlines, the log

TEST_CASE("edge: pipelined requests are answered in their order") {
    Running server;
    Wire wire = server.connect();
    std::string all;
    for (int i = 0; i < 150; ++i) {
        all += signed_chat("acme", fmt::format("p{}", i));
        all += "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
        all += post("/webhooks/in/acme-off", "{}");
    }
    wire.send(all);
    std::string last_id;
    for (int i = 0; i < 150; ++i) {
        const Answer chat = wire.receive();
        REQUIRE(chat.status == 200);
        const std::string id = chat.body.substr(chat.body.find("event_id") + 11, 36);
        CHECK(id > last_id);
        last_id = id;
        REQUIRE(wire.receive().body == "{\"ok\":true}");
        REQUIRE(wire.receive().status == 404);
    }
    CHECK(server.records(bus::Topic::chat).size() == 150);
}

TEST_CASE("edge: who asks and asks without reading is answered as far as a socket holds") {
    Running server;
    Wire wire = server.connect();
    std::string all;
    for (int i = 0; i < 80; ++i) all += "GET /large HTTP/1.1\r\nHost: x\r\n\r\n";
    wire.send(all);
    REQUIRE(server.ask("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").status == 200);
    CHECK(server.large_answers < 40);
    for (int i = 0; i < 80; ++i) REQUIRE(wire.receive().body.size() == 1 << 20);
    wire.send(signed_chat("acme", "after"));
    CHECK(wire.receive().status == 200);
}

TEST_CASE("edge: a thousand dripping connections slow nobody, and are cut at the deadline") {
    Running server({.head_deadline = 1500ms});
    std::vector<Wire> drips;
    for (int i = 0; i < 1000; ++i) {
        drips.push_back(server.connect());
        REQUIRE(drips.back().connected());
        drips.back().send("POST ");
    }
    const auto before = std::chrono::steady_clock::now();
    for (int i = 0; i < 200; ++i) {
        drips[static_cast<std::size_t>(i)].send("/");
        REQUIRE(server.ask(signed_chat("acme", fmt::format("d{}", i))).status == 200);
    }
    CHECK(std::chrono::steady_clock::now() - before < 1s);
    CHECK(drips[0].receive().status == 408);
    CHECK(drips[0].closed());
    CHECK(drips[999].receive().status == 408);
}

TEST_CASE("edge: a slow body is cut at its own deadline") {
    Running server({.body_deadline = 300ms});
    Wire wire = server.connect();
    wire.send("POST " + open_path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{");
    CHECK(wire.receive().status == 408);
    CHECK(wire.closed());
}

TEST_CASE("edge: each request of a busy connection has deadlines of its own") {
    Running server({.head_deadline = 400ms, .body_deadline = 400ms});
    std::size_t keep = 0;  // bytes of the next request that come with the one before
    SUBCASE("a body is always under way") {
        keep = signed_chat("acme", "b00").size() - 5;
    }
    SUBCASE("a head is always under way") {
        keep = 5;
    }
    Wire wire = server.connect();
    wire.send(signed_chat("acme", "b00").substr(0, keep));
    for (int i = 0; i < 12; ++i) {
        std::this_thread::sleep_for(100ms);
        wire.send(signed_chat("acme", fmt::format("b{:02}", i)).substr(keep) +
                  signed_chat("acme", fmt::format("b{:02}", i + 1)).substr(0, keep));
        REQUIRE(wire.receive().status == 200);
    }
    CHECK(wire.receive().status == 408);
}

TEST_CASE("edge: who closes its sending half still gets its answers") {
    Running server;
    server.log.hold_syncs();
    Wire wire = server.connect();
    wire.send(signed_chat("acme", "h1") + signed_chat("acme", "h2"));
    wire.half_close();
    CHECK(wire.receive(200ms).status == 0);
    server.log.release_syncs();
    CHECK(wire.receive().status == 200);
    CHECK(wire.receive().status == 200);
    CHECK(wire.closed());
}

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
    for (int i = 0; i < 50; ++i) {
        Wire gone = server.connect();
        gone.send(signed_chat("acme", fmt::format("v{}", i)));
        std::this_thread::sleep_for(1ms);
    }
    Wire stays = server.connect();
    stays.send(signed_chat("acme", "stays"));
    std::this_thread::sleep_for(50ms);
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
    std::this_thread::sleep_for(50ms);
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
    std::this_thread::sleep_for(50ms);
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

TEST_CASE("edge: connections over the limit are turned away with a 503") {
    Running server({.connections_max = 2});
    Wire one = server.connect(), two = server.connect();
    one.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(one.receive().status == 200);
    two.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(two.receive().status == 200);
    Wire three = server.connect();
    CHECK(three.receive().status == 503);
    CHECK(three.closed());
    one.close();
    std::this_thread::sleep_for(50ms);
    CHECK(server.ask("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").status == 200);
}

TEST_CASE("edge: who waits behind a connection that was aborted does not wait for another") {
    Running server;
    accepts_aborted = 1;
    CHECK(server.ask("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").status == 200);
    CHECK(accepts_aborted == 0);
}

TEST_CASE("edge: where it is crowded, the silent and the slow make room, and no others") {
    Running server(
        {.connections_max = 8, .crowded_idle_max = 3s, .crowded_request_deadline = 3500ms});
    std::vector<Wire> silent;
    for (int i = 0; i < 4; ++i) silent.push_back(server.connect());
    server.log.hold_syncs();
    Wire parked = server.connect();
    parked.send(post("/webhooks/in/acme-open", "{}"));
    Wire head = server.connect(), body = server.connect(), last = server.connect();
    head.send("POST /webhooks/in/acme-open HTTP/1.1\r\nHost");
    body.send("POST /webhooks/in/acme-open HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{");
    CHECK(server.connect().receive().status == 503);  // full: they are accepted in order

    // Others want in, and stay as long as they may.
    std::vector<Wire> more;
    Answer to_head, to_body;
    const auto until = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < until &&
           (to_head.status == 0 || to_body.status == 0)) {
        Wire wire = server.connect();
        wire.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
        if (wire.receive().status == 200) more.push_back(std::move(wire));
        if (to_head.status == 0) to_head = head.receive(10ms);
        if (to_body.status == 0) to_body = body.receive(10ms);
    }
    CHECK(more.size() >= 4);
    CHECK(to_head.status == 408);
    CHECK(to_body.status == 408);
    for (Wire& wire : silent) CHECK(wire.closed(1s));
    server.log.release_syncs();
    CHECK(parked.receive().status == 200);
}

TEST_CASE("edge: where there is room, the silent stay") {
    Running server({.connections_max = 8});
    Wire one = server.connect(), two = server.connect();
    CHECK_FALSE(one.closed(1s));
    CHECK_FALSE(two.closed(10ms));
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

// The door behind the edge

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
