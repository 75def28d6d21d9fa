// Order, deadlines and room of connections.
#include "tests/integration/edge_fixture.hpp"

#include <malloc.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

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

using namespace edge_test;

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

TEST_CASE("edge: behind a parked request as many are answered as a connection may hold") {
    Running server({.buffer_bytes_max = 32 << 10, .head_deadline = 500ms});
    server.log.hold_syncs();
    Wire wire = server.connect();
    std::string all = signed_chat("acme", "first");
    for (int i = 0; i < 3; ++i) all += "GET /large HTTP/1.1\r\nHost: x\r\n\r\n";
    for (int i = 0; i < 3000; ++i) all += "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    wire.send(all);
    REQUIRE(server.has_parked(1));
    REQUIRE(server.ask("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").status == 200);
    CHECK(server.large_answers == 1);
    CHECK(wire.receive(800ms).status == 0);  // those that wait have no deadline meanwhile
    server.log.release_syncs();
    CHECK(wire.receive().status == 200);
    for (int i = 0; i < 3; ++i) REQUIRE(wire.receive().body.size() == 1 << 20);
    for (int i = 0; i < 3000; ++i) REQUIRE(wire.receive().body == "{\"ok\":true}");
}

TEST_CASE("edge: large requests that were answered take no room from those to come") {
    Running server({.buffer_bytes_max = 512 << 10});
    const std::string medium = post(open_path, "\"" + std::string(40'000, 'x') + "\"");
    std::string next;
    SUBCASE("nothing follows") {}
    SUBCASE("the next has begun") {
        next = "POST ";
    }
    std::vector<Wire> silent;
    for (int i = 0; i < 12; ++i) {
        silent.push_back(server.connect());
        silent.back().send(medium + next);
        REQUIRE(silent.back().receive().status == 200);
    }
    CHECK(server.ask(post(open_path, "\"" + std::string(200'000, 'x') + "\"")).status == 200);
}

namespace {

std::size_t heap_bytes() {
    const struct mallinfo2 heap = ::mallinfo2();
    return heap.uordblks + heap.hblkhd;
}

}  // namespace

TEST_CASE("edge: a connection gives back the memory of its answers once they are sent") {
    Running server;
    std::string requests;
    std::size_t answers = 0;
    const auto ask = [&](std::size_t count, std::string_view path) {
        answers = count;
        for (std::size_t i = 0; i < count; ++i)
            requests += fmt::format("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", path);
    };
    SUBCASE("more than a socket holds") {
        ask(16, "/large");
    }
    SUBCASE("many small ones at once") {
        ask(700, "/healthz");
    }
    constexpr std::size_t connections = 8, bytes_each = 24 << 10;
    const std::size_t before = heap_bytes();
    std::vector<Wire> silent;
    for (std::size_t i = 0; i < connections; ++i) {
        Wire wire = server.connect();
        wire.send(requests);
        REQUIRE(server.ask("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").status == 200);
        for (std::size_t n = 0; n < answers; ++n) REQUIRE(wire.receive().status == 200);
        silent.push_back(std::move(wire));  // without what it has received
    }
    CHECK(tests::eventually([&] { return heap_bytes() < before + connections * bytes_each; }, 3s));
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
    CHECK(tests::eventually(
        [&] { return server.ask("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").status == 200; }));
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

namespace {

// Connections that have asked for more than their sockets hold, and read nothing of it.
std::vector<Wire> unread(Running& server, int count) {
    std::vector<Wire> wires;
    for (int i = 0; i < count; ++i) {
        wires.push_back(server.connect());
        for (int n = 0; n < 24; ++n) wires.back().send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    return wires;
}

}  // namespace

TEST_CASE("edge: where it is crowded, who does not read its answers makes room") {
    Running server({.connections_max = 8,
                    .crowded_request_deadline = 200ms,
                    .write_deadline = std::chrono::minutes{10}});
    const std::vector<Wire> wires = unread(server, 8);
    CHECK(tests::eventually(
        [&] { return server.ask("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").status == 200; }));
}

TEST_CASE("edge: what is not sent yet takes room from large requests until it goes") {
    Running server({.buffer_bytes_max = 128 << 10});
    const std::string medium = post(open_path, "\"" + std::string(40'000, 'x') + "\"");
    CHECK(server.ask(medium).status == 200);
    std::vector<Wire> wires = unread(server, 8);
    CHECK(tests::eventually([&] { return server.ask(medium).status == 503; }));
    wires.clear();
    CHECK(tests::eventually([&] { return server.ask(medium).status == 200; }));
}

TEST_CASE("edge: where there is room, the silent stay") {
    Running server({.connections_max = 8});
    Wire one = server.connect(), two = server.connect();
    CHECK_FALSE(one.closed(1s));
    CHECK_FALSE(two.closed(10ms));
}
