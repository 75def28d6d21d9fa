// An edge on the memory log, and requests to it through real sockets.
#pragma once

#include "bus/memory/memory_log.hpp"
#include "producers/edge/edge_server.hpp"
#include "tests/support/door_bench.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/wire.hpp"

#include <doctest/doctest.h>

#include <atomic>

namespace edge_test {

using namespace std::chrono_literals;
using producers::edge::EdgeOptions;
using producers::edge::EdgeServer;
using Answer = tests::WireAnswer;
using tests::DoorBench;
using tests::Wire;

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

    // While syncs are held: this many requests have reached the log and wait.
    bool has_parked(std::size_t count) {
        return tests::eventually([&] { return log.waiting() == count; });
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

inline std::string post(std::string_view path, std::string_view body,
                        std::string_view headers = "") {
    return fmt::format(
        "POST {} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{}Content-Length: "
        "{}\r\n\r\n{}",
        path, headers, body.size(), body);
}

inline std::string posted_chat(std::string_view path, std::string_view body) {
    return post(path, body,
                "X-Hub-Signature-256: " + DoorBench::sign("acme-app-secret", body) + "\r\n");
}

inline std::string signed_chat(std::string_view tenant, std::string_view id,
                               std::string path = "") {
    const std::string body = DoorBench::chat_body(fmt::format("phone-{}", tenant), id);
    if (path.empty()) path = fmt::format("/api/whatsapp/webhook/tok-{}-chat", tenant);
    return post(path, body,
                "X-Hub-Signature-256: " +
                    DoorBench::sign(fmt::format("{}-app-secret", tenant), body) + "\r\n");
}

inline const std::string open_path = "/webhooks/in/acme-open";

}  // namespace edge_test
