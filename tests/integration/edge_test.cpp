// The edge through real sockets, on the memory log.
#include "bus/envelope.hpp"
#include "bus/memory/memory_log.hpp"
#include "producers/edge/edge_server.hpp"
#include "tests/support/door_bench.hpp"
#include "tests/support/wire.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace std::chrono_literals;
using producers::edge::EdgeOptions;
using producers::edge::EdgeServer;
using tests::Answer;
using tests::DoorBench;
using tests::Wire;

namespace {

struct Running {
    DoorBench bench;
    bus::memory::MemoryLog log;
    std::unique_ptr<producers::Door> door;
    std::unique_ptr<EdgeServer> edge;

    explicit Running(EdgeOptions options = {}, std::function<void(DoorBench&)> prepare = {}) {
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
        auto started = EdgeServer::start(options, *door, log, {health});
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
