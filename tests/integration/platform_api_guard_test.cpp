// Malformed requests against both ports, byte for byte through raw sockets: each gets its own
// answer, none is read as another request, and none reaches a handler.
#include "tests/support/http_probes.hpp"
#include "tests/support/running_platform.hpp"
#include "tests/support/wire.hpp"

#include "bus/text.hpp"
#include "projections/api/byte_stream.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

using namespace tests;
using namespace std::chrono_literals;

namespace {

std::string request(const std::string& method, const std::string& target,
                    const std::string& headers, const std::string& body = {}) {
    return fmt::format("{} {} HTTP/1.1\r\nHost: x\r\n{}\r\n{}", method, target, headers, body);
}

void check_probes(Port port, const std::string& address, const PostTarget& post_target) {
    const auto probes = http_probes(port, post_target);
    CHECK(probes.size() >= 60);
    for (const HttpProbe& probe : probes) {
        CAPTURE(probe.name);
        CHECK(probe_problem(address, probe) == "");
    }
}

}  // namespace

TEST_CASE("the API port answers every probe as it must, once") {
    RunningPlatform running;
    const Tenant tenant = running.client().create_tenant("guarded");
    check_probes(Port::api, running.addresses().api, {"/v1/sources", credentials_lines(tenant)});
    CHECK(running.client().api("GET", "/healthz").status == 200);
}

TEST_CASE("the ingress answers every probe as it must, once") {
    RunningPlatform running;
    auto client = running.client();
    const Tenant tenant = client.create_tenant("guarded");
    const Source source = client.create_source(tenant, "interakt", "guarded", "", unverified);
    check_probes(Port::ingress, running.addresses().ingress, {source.path});
    CHECK(client.ingress("GET", "/healthz").status == 200);
}

TEST_CASE("a body that a handler does not read is not the next request") {
    RunningPlatform running;
    const std::string smuggled = "DELETE /v1/sources/x HTTP/1.1\r\nHost: x\r\n\r\n";
    const std::string bytes = request(
        "GET", "/version", fmt::format("Content-Length: {}\r\n", smuggled.size()), smuggled);
    for (const std::string& address : {running.addresses().api, running.addresses().ingress}) {
        const auto statuses = statuses_in(raw_exchange(address, bytes, 500ms));
        REQUIRE(statuses.size() == 1);
        CHECK((statuses[0] == 200 || statuses[0] == 400));
    }
}

TEST_CASE("who sends a body that is far too large hears why, not a reset") {
    RunningPlatform running;
    const std::string body(64 << 20, ' ');
    const std::string bytes =
        request("POST", "/v1/sources", fmt::format("Content-Length: {}\r\n", body.size()), body);
    for (const std::string& address : {running.addresses().api, running.addresses().ingress}) {
        CAPTURE(address);
        Wire wire(port_of(address));
        CHECK(wire.send(bytes));
        CHECK(wire.receive().status == 413);
        CHECK(wire.closed());
    }
}

TEST_CASE("pipelined requests are answered in order") {
    RunningPlatform running;
    const std::string bytes = request("GET", "/version", "") + request("GET", "/no-such", "") +
                              request("GET", "/healthz", "");
    for (const std::string& address : {running.addresses().api, running.addresses().ingress}) {
        const auto answer = raw_exchange(address, bytes, 500ms);
        CHECK(statuses_in(answer) == std::vector<int>{200, 404, 200});
    }
}

TEST_CASE("Expect: 100-continue gets its word before the body is sent") {
    RunningPlatform running;
    for (const std::string& address : {running.addresses().api, running.addresses().ingress}) {
        const auto answer = raw_exchange(
            address,
            request("POST", address == running.addresses().api ? "/v1/sources" : "/v1/events",
                    "Content-Length: 2\r\nExpect: 100-continue\r\n"),
            700ms);
        CHECK(answer.starts_with("HTTP/1.1 100 "));
    }
}

TEST_CASE("bodies that are not what they say are refused with a problem that names it") {
    RunningPlatform running;
    auto client = running.client();
    const Tenant tenant = client.create_tenant("careful");
    std::string deep = R"({"kind":)";
    for (int i = 0; i < 70; ++i) deep += '[';
    std::string keys = "{";
    for (int i = 0; i < 10'001; ++i) keys += fmt::format(R"({}"k{}":1)", i ? "," : "", i);
    const auto refused = [&](const std::string& what, const std::string& body, int status) {
        CAPTURE(what);
        const auto answer = client.api("POST", "/v1/sources", tenant.headers(), body);
        CHECK(answer.status == status);
        CHECK(answer.content_type.starts_with("application/problem+json"));
        CHECK(!Document(answer).text("detail").empty());
    };
    refused("no JSON", "{", 400);
    refused("depth", deep, 400);
    refused("keys", keys + "}", 400);
    refused("not UTF-8", "{\"kind\":\"\xff\xfe\"}", 400);
    refused("a NUL", std::string("{\"kind\":\"a\0\"}", 13), 400);
    refused("trailing text", "{} {}", 400);
    refused("not an object", "[1]", 400);
    refused("oversize", "{\"kind\":\"" + std::string(1 << 20, 'x') + "\"}", 413);
}

TEST_CASE("a crowd that says nothing does not keep others out of the API port") {
    constexpr int crowd = 600;  // more than there are threads
    RunningPlatform running;
    const std::string address = running.addresses().api;
    sockaddr_in port{};
    port.sin_family = AF_INET;
    port.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    port.sin_port =
        htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    std::vector<int> silent;
    for (int i = 0; i < crowd; ++i) {
        silent.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        REQUIRE(::connect(silent.back(), reinterpret_cast<const sockaddr*>(&port), sizeof port) ==
                0);
    }
    std::this_thread::sleep_for(100ms);
    bus::net::HttpClient client;
    bus::net::ClientRequest request;
    request.url = address + "/healthz";
    request.deadline = 8s;  // before the crowd would leave by itself (ApiOptions::idle_max)
    const auto answer = client.call(request);
    REQUIRE_MESSAGE(answer, (answer ? "" : answer.error().message));
    CHECK(answer->status == 200);
    for (const int one : silent) ::close(one);
}

TEST_CASE("an answer that its reader does not take ends at its deadline") {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    projections::api::ByteStream stream(ends[0], nullptr);
    const auto began = std::chrono::steady_clock::now();
    CHECK(stream.write("taken", "too", began + 100ms));
    CHECK_FALSE(stream.write("head", std::string(64 << 20, 'x'), began + 100ms));
    CHECK(std::chrono::steady_clock::now() - began < 5s);
    ::close(ends[0]);
    ::close(ends[1]);
}
