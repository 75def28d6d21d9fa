// Malformed requests against both ports, byte for byte through raw sockets: each gets its own
// answer, none is read as another request, and none reaches a handler.
#include "tests/support/running_platform.hpp"

#include "bus/text.hpp"

using namespace tests;
using namespace std::chrono_literals;

namespace {

struct Malformed {
    std::string what;
    std::string bytes;
    std::vector<int> answers;  // any of these
    bool half_close = false;
};

// One per answer: what a second request was told stands behind the first.
std::vector<int> statuses_in(const std::string& answer) {
    constexpr std::string_view version = "HTTP/1.1 ";
    std::vector<int> found;
    for (auto at = answer.find(version); at != std::string::npos;
         at = answer.find(version, at + 1)) {
        const std::string digits = answer.substr(at + version.size(), 3);
        if (digits.find_first_not_of("0123456789") == std::string::npos)
            found.push_back(std::stoi(digits));
    }
    return found;
}

std::string request(const std::string& method, const std::string& target,
                    const std::string& headers, const std::string& body = {}) {
    return fmt::format("{} {} HTTP/1.1\r\nHost: x\r\n{}\r\n{}", method, target, headers, body);
}

std::string many_headers(int count) {
    std::string out;
    for (int i = 0; i < count; ++i) out += fmt::format("X-H{}: v\r\n", i);
    return out;
}

// What TECH-NOTES lists, with a second request behind where a careless reader would find one.
std::vector<Malformed> malformed(const std::string& post_target) {
    const auto post = [&](const std::string& headers, const std::string& body = {}) {
        return request("POST", post_target, "Content-Type: application/json\r\n" + headers, body);
    };
    const std::string second = "GET /version HTTP/1.1\r\nHost: x\r\n\r\n";
    return {
        {"a cut body", post("Content-Length: 100\r\n", "12345"), {400}, true},
        {"a cut head", "GET /version HTTP/1.1\r\nHos", {400}, true},
        {"a cut chunked body",
         post("Transfer-Encoding: chunked\r\n", "10\r\n{\"a\":"),
         {400, 411},
         true},
        {"an invalid chunk size",
         post("Transfer-Encoding: chunked\r\n", "zz\r\n{}\r\n0\r\n\r\n" + second),
         {400, 411}},
        {"a huge chunk size",
         post("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n{}\r\n0\r\n\r\n" + second),
         {400, 411, 413}},
        {"a length beside a transfer coding",
         post("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + second),
         {400}},
        {"a transfer coding before a length",
         post("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n", "0\r\n\r\n" + second),
         {400}},
        {"two lengths", post("Content-Length: 2\r\nContent-Length: 3\r\n", "{}" + second), {400}},
        {"a length with plus", post("Content-Length: +5\r\n", "12345" + second), {400}},
        {"a negative length", post("Content-Length: -5\r\n", second), {400}},
        {"a length of letters", post("Content-Length: abc\r\n", second), {400}},
        {"a list of lengths", post("Content-Length: 5,5\r\n", "12345" + second), {400}},
        {"a length beyond 64 bits",
         post("Content-Length: 99999999999999999999999\r\n", second),
         {400, 413}},
        {"an unknown transfer coding",
         post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n" + second),
         {400, 411, 501}},
        {"gzip, chunked",
         post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n" + second),
         {400, 411, 501}},
        {"a POST without a length", post("", second), {411}},
        {"a space before the colon", post("Content-Length : 5\r\n", "12345" + second), {400}},
        {"bare line feeds", "GET /version HTTP/1.1\nHost: x\n\n", {400}},
        {"a bare line feed inside", "GET /version HTTP/1.1\r\nHost: x\nX-A: b\r\n\r\n", {400}},
        {"a folded line", "GET /version HTTP/1.1\r\nHost: x\r\nX-A: b\r\n c\r\n\r\n", {400}},
        {"101 headers",
         "GET /version HTTP/1.1\r\nHost: x\r\n" + many_headers(100) + "\r\n",
         {400, 431}},
        {"a value of 8,193 bytes",
         request("GET", "/version", "X-A: " + std::string(8'193, 'a') + "\r\n"),
         {400, 431}},
        {"a target of 10,000 bytes",
         request("GET", "/version?" + std::string(10'000, 'a'), ""),
         {414}},
        {"a head without end", "GET /version HTTP/1.1\r\nX-A: " + std::string(70'000, 'a'), {431}},
        {"a NUL in the head",
         std::string("GET /version HTTP/1.1\r\nHost: x\0y\r\n\r\n", 37),
         {400}},
        {"a control character in a value",
         request("GET", "/version",
                 "X-A: a\x01"
                 "b\r\n"),
         {400}},
        {"an unknown version", "GET /version HTTP/3.0\r\nHost: x\r\n\r\n", {400, 505}},
        {"no HTTP at all", "hello\r\n\r\n", {400}},
        {"two hosts", request("GET", "/version", "Host: y\r\n"), {400}},
        {"a length beyond the limit",
         post("Content-Length: 9000000\r\nExpect: 100-continue\r\n"),
         {413}},
        {"another expectation", post("Content-Length: 2\r\nExpect: 200-maybe\r\n", "{}"), {417}},
    };
}

void check_refused(const std::string& address, const std::string& post_target) {
    for (const Malformed& one : malformed(post_target)) {
        CAPTURE(one.what);
        const auto began = std::chrono::steady_clock::now();
        const std::string answer = raw_exchange(address, one.bytes, 4'000ms, one.half_close);
        const auto took = std::chrono::steady_clock::now() - began;
        CAPTURE(answer);
        const auto statuses = statuses_in(answer);
        REQUIRE(statuses.size() == 1);
        CHECK(std::find(one.answers.begin(), one.answers.end(), statuses[0]) != one.answers.end());
        CHECK(answer.find("\"code\"") != std::string::npos);
        CHECK(bus::to_lower_ascii(answer).find("connection: close") != std::string::npos);
        CHECK(took < 3s);  // closed by the server, not left hanging
    }
}

}  // namespace

TEST_CASE("the API port refuses every malformed request once, and closes") {
    RunningPlatform running;
    check_refused(running.addresses().api, "/v1/sources");
    CHECK(running.client().api("GET", "/healthz").status == 200);
}

TEST_CASE("the ingress refuses every malformed request once, and closes") {
    RunningPlatform running;
    auto client = running.client();
    const Tenant tenant = client.create_tenant("guarded");
    const Source source = client.create_source(tenant, "interakt", "guarded", "s");
    check_refused(running.addresses().ingress, source.path);
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
