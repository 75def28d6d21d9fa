// The read API's server when it stops.
#include "projections/api/api_server.hpp"
#include "tests/support/wire.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using projections::api::ApiServer;

namespace {

std::unique_ptr<ApiServer> serving() {
    projections::api::ApiOptions options;
    options.port = 0;
    auto started = ApiServer::start(
        options,
        {.authenticate =
             [](const auto&) { return bus::fail(bus::ErrorCode::unauthenticated, "who asks?"); }},
        {});
    REQUIRE_MESSAGE(started, (started ? "" : started.error().message));
    tests::Wire client((*started)->port());
    REQUIRE(client.send("GET /v1/nothing HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"));
    REQUIRE(client.receive().status >= 400);
    REQUIRE(client.closed());
    return *std::move(started);
}

}  // namespace

TEST_CASE("api: a server that has stopped takes no connection") {
    const auto server = serving();
    const std::uint16_t port = server->port();
    server->stop(5s);
    CHECK_FALSE(tests::Wire(port).connected());
}
