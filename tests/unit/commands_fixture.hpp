// A platform in memory: log, registry, follower, routes and callers, as the program joins them.
#pragma once

#include "bus/memory/memory_log.hpp"
#include "producers/commands/authenticate.hpp"
#include "producers/commands/command_routes.hpp"
#include "schemas/control_follower.hpp"
#include "schemas/json/json.hpp"

#include <doctest/doctest.h>

namespace commands_test {

using bus::http::Response;
using producers::commands::CommandContext;

inline constexpr std::string_view admin_key = "the-admin-key";

struct TestClock final : bus::Clock {
    std::atomic<std::int64_t> us{1'700'000'000'000'000};
    // What somebody else does in the middle of a command: tried whenever the time is asked for,
    // until it gives true. Only where one thread asks.
    std::function<bool()> meanwhile;
    bus::Timestamp now() override {
        if (meanwhile) try_meanwhile();
        return bus::Timestamp{bus::microseconds{us += 1000}};
    }

private:
    // Not there while it happens: it asks for the time itself.
    void try_meanwhile() {
        if (auto happens = std::exchange(meanwhile, {}); !happens()) meanwhile = std::move(happens);
    }
};

// The kinds that belong to no provider.
std::vector<schemas::ProviderKind> provider_kinds();

// Everything that dies with the process; the log and the keys outlive it.
struct Node {
    Node(bus::memory::MemoryLog& log, const bus::crypto::Key256& master,
         std::vector<schemas::ProviderKind> kinds)
        : registry(schemas::make_registry(std::move(kinds))),
          vault(master, *registry),
          writer(log, *registry, clock, bus::random_ids()),
          context{*registry, writer, vault, "http://hooks.test"},
          authenticator(admin_key, *registry),
          routes(producers::commands::command_routes(context)) {
        auto started = schemas::ControlFollower::start(log, *registry);
        REQUIRE(started);
        follower = *std::move(started);
    }

    TestClock clock;
    std::unique_ptr<schemas::Registry> registry;
    producers::commands::SecretVault vault;
    producers::commands::ControlWriter writer;
    CommandContext context;
    producers::commands::Authenticator authenticator;
    std::vector<bus::http::Route> routes;
    std::unique_ptr<schemas::ControlFollower> follower;

    // As the API server does: match, authenticate, check access, call.
    Response ask(std::string_view method, std::string_view path,
                 std::vector<bus::http::NameValue> headers, std::string_view body = "");
};

struct Platform {
    bus::memory::MemoryLog log;
    bus::crypto::Key256 master = bus::crypto::random_key();
    std::unique_ptr<Node> node = std::make_unique<Node>(log, master, provider_kinds());

    void restart(std::vector<schemas::ProviderKind> kinds = provider_kinds()) {
        node.reset();
        node = std::make_unique<Node>(log, master, std::move(kinds));
    }
    Response admin(std::string_view method, std::string_view path, std::string_view body = "",
                   std::vector<bus::http::NameValue> more = {});
};

// A client with its key, as POST /api/clients answered it.
struct Client {
    std::string code, key;
    std::vector<bus::http::NameValue> headers() const {
        return {{"x-api-key", key}, {"x-client-code", code}};
    }
    Response ask(Platform& platform, std::string_view method, std::string_view path,
                 std::string_view body = "", std::vector<bus::http::NameValue> more = {}) const;
};
Client make_client(Platform& platform, std::string_view code);

// Text of a member "a.b.c" of a JSON answer; numbers and booleans as written.
std::string member(const Response& response, std::string_view path);
std::string header(const Response& response, std::string_view name);

}  // namespace commands_test
