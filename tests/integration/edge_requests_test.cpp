// What a request may look like, and how large it may be.
#include "tests/integration/edge_fixture.hpp"

using namespace edge_test;

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
