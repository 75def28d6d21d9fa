// Requests at the door of tests/support/door_bench.hpp, and what becomes of them.
#pragma once

#include "bus/envelope.hpp"
#include "tests/support/door_bench.hpp"

#include <doctest/doctest.h>

namespace door_test {

using producers::Accepted;
using producers::AcceptedEvents;
using producers::AcceptedParts;
using producers::Answered;
using producers::Decision;
using producers::FieldView;
using producers::Rejected;
using tests::DoorBench;

struct Asked {
    std::string method = "POST", path = {}, query = {}, body = "{}";
    std::vector<std::pair<std::string, std::string>> fields = {};
};

struct DoorTest {
    DoorBench bench;
    std::unique_ptr<producers::Door> door = bench.open();

    Decision decide(const Asked& asked) {
        std::vector<FieldView> fields;
        for (const auto& [name, value] : asked.fields) fields.push_back({name, value});
        return door->decide({asked.method, asked.path, asked.query, fields, asked.body});
    }
    int status(const Asked& asked) {
        const Decision decision = decide(asked);
        if (auto* answered = std::get_if<Answered>(&decision)) return answered->response.status;
        if (auto* rejected = std::get_if<Rejected>(&decision)) return rejected->response.status;
        return std::get_if<AcceptedEvents>(&decision) ? 202 : 200;
    }
    std::string cause(const Asked& asked) {
        const Decision decision = decide(asked);
        auto* rejected = std::get_if<Rejected>(&decision);
        return rejected ? std::string(rejected->record.headers.view().get(bus::header::cause)) : "";
    }
    bus::NewRecord record(const Asked& asked) {
        Decision decision = decide(asked);
        REQUIRE(std::get_if<Accepted>(&decision));
        return std::get<Accepted>(std::move(decision)).record;
    }
    std::vector<bus::NewRecord> parts(const Asked& asked) {
        Decision decision = decide(asked);
        REQUIRE(std::get_if<AcceptedParts>(&decision));
        return std::get<AcceptedParts>(std::move(decision)).records;
    }
    Asked signed_chat(std::string path, std::string body) {
        std::string signature = DoorBench::sign("acme-app-secret", body);
        return {.path = std::move(path),
                .query = {},
                .body = std::move(body),
                .fields = {{"X-Hub-Signature-256", std::move(signature)}}};
    }
    Asked chat(std::string_view tenant, std::string_view id, std::string path) {
        const std::string body = DoorBench::chat_body(fmt::format("phone-{}", tenant), id);
        return {.path = std::move(path),
                .query = {},
                .body = body,
                .fields = {{"X-Hub-Signature-256",
                            DoorBench::sign(fmt::format("{}-app-secret", tenant), body)}}};
    }
};

inline const std::string fixed = "/api/whatsapp/webhook";

inline std::string entry(std::string_view tenant, std::string_view id) {
    return DoorBench::chat_entry("1",
                                 {DoorBench::chat_change(fmt::format("phone-{}", tenant), id)});
}

}  // namespace door_test
