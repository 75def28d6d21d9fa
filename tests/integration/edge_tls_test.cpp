// The edge's own TLS in this process, where sanitizers see it: slow, broken and vanishing peers.
#include "bus/memory/memory_log.hpp"
#include "producers/edge/edge_server.hpp"
#include "tests/support/door_bench.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/support/test_certificate.hpp"
#include "tests/support/tls_wire.hpp"
#include "tests/support/wire.hpp"

#include <doctest/doctest.h>
#include <openssl/ssl.h>

#include <thread>

using namespace std::chrono_literals;
using namespace tests;
using producers::edge::EdgeOptions;
using producers::edge::EdgeServer;

namespace {

const std::string question = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
const std::string half_hello("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03half", 15);

struct Running {
    TempDirectory directory;
    std::unique_ptr<bus::tls::Context> tls;
    DoorBench bench;
    bus::memory::MemoryLog log;
    std::unique_ptr<producers::Door> door;
    std::unique_ptr<EdgeServer> edge;

    explicit Running(EdgeOptions options = {}) {
        const auto certificate = directory.path() / "c", key = directory.path() / "k";
        write_certificate(certificate, key, "a.example", KeyKind::elliptic);
        tls = *bus::tls::Context::open({.certificate = certificate, .key = key});
        door = bench.open();
        options.port = 0;
        options.tls = tls.get();
        bus::http::Route health;
        health.method = "GET";
        health.pattern = "/healthz";
        health.on_ingress = true;
        health.handle = [](const bus::http::Call&) {
            return bus::http::Response{.headers = {}, .body = std::string(1'000, 'x')};
        };
        auto started = EdgeServer::start(options, *door, log, {health});
        REQUIRE(started);
        edge = *std::move(started);
    }
    ~Running() {
        log.release_syncs();
        edge->stop(2s);
    }
    std::string address() const { return "https://127.0.0.1:" + std::to_string(edge->port()); }
    Wire plain() const { return Wire(edge->port()); }
    void check_serves() const {
        CHECK(TlsWire(address(), {}).exchange(question).starts_with("HTTP/1.1 200"));
    }
};

std::string signed_chat(const std::string& id) {
    const std::string body = DoorBench::chat_body("phone-acme", id);
    return fmt::format(
        "POST /api/whatsapp/webhook/tok-acme-chat HTTP/1.1\r\nHost: x\r\n"
        "Content-Type: application/json\r\nX-Hub-Signature-256: {}\r\nContent-Length: {}\r\n\r\n{}",
        DoorBench::sign("acme-app-secret", body), body.size(), body);
}

}  // namespace

TEST_CASE("edge over TLS: a handshake that stands still is ended at its deadline") {
    const Running server({.handshake_deadline = 200ms});
    Wire silent = server.plain(), half = server.plain();
    (void)half.send(half_hello);
    CHECK(silent.closed(2s));
    CHECK(half.closed(2s));
    server.check_serves();
}

TEST_CASE("edge over TLS: one handshake too many ends the oldest") {
    const Running server({.handshakes_max = 4});
    std::vector<Wire> stalled;
    for (int i = 0; i < 5; ++i) {
        stalled.push_back(server.plain());
        (void)stalled.back().send(half_hello);
        std::this_thread::sleep_for(20ms);
    }
    CHECK(stalled.front().closed(2s));
    CHECK_FALSE(stalled[1].closed(100ms));
    server.check_serves();
}

TEST_CASE("edge over TLS: answers that are read late come whole") {
    const Running server;
    constexpr int requests = 5'000;
    std::string pipeline;
    for (int i = 0; i < requests; ++i) pipeline += question;
    TlsWire wire(server.address(), {});
    const std::string answers = wire.exchange(pipeline, 2s);
    int count = 0;
    for (auto at = answers.find("HTTP/1.1 200"); at != answers.npos;
         at = answers.find("HTTP/1.1 200", at + 1))
        ++count;
    CHECK(count == requests);
}

TEST_CASE("edge over TLS: an answer that closes is read, however much the peer still sends") {
    const Running server;
    TlsWire wire(server.address(), {});
    const std::string rest(100'000, 'x');
    CHECK(wire.exchange("nonsense\r\n\r\n" + rest).starts_with("HTTP/1.1 400"));
    server.check_serves();
}

TEST_CASE("edge over TLS: what is parked is answered, and who vanishes leaves the others alone") {
    Running server;
    server.log.hold_syncs();
    TlsWire waiting(server.address(), {});
    const std::string own = signed_chat("m0");
    (void)SSL_write(waiting.get(), own.data(), static_cast<int>(own.size()));
    for (int i = 1; i < 20; ++i) {
        TlsWire gone(server.address(), {});
        const std::string request = signed_chat(fmt::format("m{}", i));
        (void)SSL_write(gone.get(), request.data(), static_cast<int>(request.size()));
    }
    std::this_thread::sleep_for(100ms);
    server.log.release_syncs();
    CHECK(waiting.exchange({}).starts_with("HTTP/1.1 200"));
    server.check_serves();
}

TEST_CASE("edge over TLS: it stops beside open connections and handshakes") {
    Running server;
    Wire half = server.plain();
    (void)half.send(half_hello);
    const TlsWire idle(server.address(), {});
    const auto began = std::chrono::steady_clock::now();
    server.edge->stop(2s);
    CHECK(std::chrono::steady_clock::now() - began < 1s);
    CHECK(half.closed());
}

TEST_CASE("edge over TLS: bytes cut or changed in the middle of a conversation harm nobody else") {
    const Running server;
    for (int i = 0; i < 20; ++i) {
        TlsWire wire(server.address(), {});
        const std::string garbage(static_cast<std::size_t>(1 + i * 7), static_cast<char>(i * 13));
        (void)::send(SSL_get_fd(wire.get()), garbage.data(), garbage.size(), MSG_NOSIGNAL);
    }
    server.check_serves();
}
