#include "tests/support/http_probes.hpp"

#include "bus/text.hpp"
#include "tests/support/product_client.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace tests {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

constexpr auto quiet_max = 4'000ms;      // longer than a server lingers after it closed its half
constexpr auto kept_open_quiet = 300ms;  // for probes after which the connection goes on
constexpr auto closing_takes_max = 3'000ms;

const std::string second = "GET /version HTTP/1.1\r\nHost: x\r\n\r\n";

std::string request(const std::string& method, const std::string& target,
                    const std::string& headers, const std::string& body = {}) {
    return fmt::format("{} {} HTTP/1.1\r\nHost: x\r\n{}\r\n{}", method, target, headers, body);
}
std::string get(const std::string& target, const std::string& headers = {}) {
    return request("GET", target, headers);
}
std::string many_headers(int count) {
    std::string out;
    for (int i = 0; i < count; ++i) out += fmt::format("X-H{}: v\r\n", i);
    return out;
}

class ProbeList {
public:
    ProbeList(Port port, PostTarget post_target)
        : port_(port),
          post_target_(std::move(post_target.path)),
          credentials_(std::move(post_target.credentials)) {}

    std::vector<HttpProbe> all() {
        add_lengths();
        add_codings();
        add_chunks();
        add_request_lines();
        add_fields();
        add_sizes();
        add_targets();
        add_methods();
        add_bodies();
        return std::move(probes_);
    }

private:
    std::string post(const std::string& headers, const std::string& body = {}) const {
        return request("POST", post_target_, "Content-Type: application/json\r\n" + headers, body);
    }
    void refused(std::string name, std::string bytes, std::vector<int> answers) {
        probes_.push_back({std::move(name), std::move(bytes), std::move(answers)});
    }
    void cut(std::string name, std::string bytes, std::vector<int> answers) {
        probes_.push_back({std::move(name), std::move(bytes), std::move(answers), true});
    }
    // Whole requests that are answered and after which the connection may go on.
    void answered(std::string name, std::string bytes, std::vector<int> answers) {
        probes_.push_back({std::move(name), std::move(bytes), std::move(answers), false, false});
    }
    int of_port(int on_ingress, int on_api) const {
        return port_ == Port::api ? on_api : on_ingress;
    }
    // The API takes no transfer codings at all.
    int coded(int on_ingress) const { return of_port(on_ingress, 411); }

    void add_lengths() {
        cut("a cut body", post("Content-Length: 100\r\n", "12345"), {400});
        refused("two lengths", post("Content-Length: 2\r\nContent-Length: 3\r\n", "{}" + second),
                {400});
        refused("the same length twice",
                post("Content-Length: 2\r\nContent-Length: 2\r\n", "{}" + second), {400});
        for (const std::string length : {"+5", "-5", "abc", "5,5", "5, 5", "0x5", "5 5", "", "5.0",
                                         "1e1", "99999999999999999999999", "\xd9\xa5"})
            refused("length '" + length + "'",
                    post("Content-Length: " + length + "\r\n", "12345" + second), {400, 413});
        refused("a space before the colon", post("Content-Length : 5\r\n", "12345" + second),
                {400});
        refused("a tab before the colon", post("Content-Length\t: 5\r\n", "12345" + second), {400});
        refused("a length behind an empty first line",
                post("Content-Length:\r\n 5\r\n", "12345" + second), {400});
        refused("a POST without a length", post("", second), {411});
        refused("1 GB announced", post("Content-Length: 1073741824\r\n", second), {413});
        refused("beyond the limit, and it waits to go on",
                post("Content-Length: 9000000\r\nExpect: 100-continue\r\n"), {413});
    }

    void add_codings() {
        refused("CL.TE: a length, then a transfer coding",
                post("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + second),
                {400});
        refused("TE.CL: a transfer coding, then a length",
                post("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n", "0\r\n\r\n" + second),
                {400});
        for (const std::string coding :
             {"xchunked", "gzip, chunked", "chunked, gzip", "chunked, chunked", "identity",
              "\"chunked\"", "chunked;q=1", "chunked\x0b", ""})
            refused("transfer coding '" + coding + "'",
                    post("Transfer-Encoding: " + coding + "\r\n", "0\r\n\r\n" + second),
                    {400, coded(400)});
        refused("two transfer codings",
                post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
                     "0\r\n\r\n" + second),
                {400, coded(400)});
        refused("a space before the coding's colon",
                post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n" + second), {400});
        refused(
            "a coding hidden behind a bare line feed",
            post("X: a\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n", "0\r\n\r\n" + second),
            {400});
        refused("a coding on a folded line",
                post("Content-Length: 2\r\nX: a\r\n Transfer-Encoding: chunked\r\n",
                     "0\r\n\r\n" + second),
                {400});
        refused("a coding behind an empty first line",
                post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n" + second), {400});
        refused("a coding in HTTP/1.0",
                fmt::format("POST {} HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{}",
                            post_target_, second),
                {400, coded(400)});
    }

    void add_chunks() {
        const auto chunked = [&](const std::string& name, const std::string& chunks, int status) {
            refused(name, post("Transfer-Encoding: chunked\r\n", chunks + second), {coded(status)});
        };
        cut("a cut chunked body", post("Transfer-Encoding: chunked\r\n", "10\r\n{\"a\":"),
            {coded(400)});
        for (const std::string size : {"zz", "-1", "+2", "0x2", " 2", "", "2 2", "2\t", "g"})
            chunked("chunk size '" + size + "'", size + "\r\n{}\r\n0\r\n\r\n", 400);
        chunked("a chunk size beyond 64 bits", "fffffffffffffffff\r\n{}\r\n0\r\n\r\n", 400);
        chunked("a chunk of 16 EB", "ffffffffffffffff\r\n{}\r\n0\r\n\r\n", 413);
        chunked("a chunk of 1 GB", "40000000\r\n{}\r\n", 413);
        chunked("chunk data longer than its size", "2\r\n{}}\r\n0\r\n\r\n", 400);
        chunked("chunk lines that end in bare line feeds", "2\n{}\n0\n\n", 400);
        chunked("a chunk extension of 300 bytes",
                "2;" + std::string(300, 'x') + "\r\n{}\r\n0\r\n\r\n", 400);
        chunked("a chunk extension with a bare carriage return", "2;a\rb\r\n{}\r\n0\r\n\r\n", 400);
        chunked("5 KiB of trailers", "2\r\n{}\r\n0\r\nX: " + std::string(5'000, 'x') + "\r\n\r\n",
                400);
    }

    void add_request_lines() {
        refused("no HTTP at all", "hello\r\n\r\n", {400});
        refused("HTTP/0.9", "GET /version\r\n\r\n", {400});
        refused("an unknown version", "GET /version HTTP/3.0\r\nHost: x\r\n\r\n", {400, 505});
        refused("a version in small letters", "GET /version http/1.1\r\nHost: x\r\n\r\n",
                {400, 505});
        refused("the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 505});
        refused("TLS to a plain port", "\x16\x03\x01\x02\r\n\r\n", {400});
        refused("two spaces in the request line", "GET  /version HTTP/1.1\r\nHost: x\r\n\r\n",
                {400});
        refused("a tab in the request line", "GET\t/version HTTP/1.1\r\nHost: x\r\n\r\n", {400});
        refused("a space in the target", "GET /ver sion HTTP/1.1\r\nHost: x\r\n\r\n", {400});
        refused("a space before the method", " GET /version HTTP/1.1\r\nHost: x\r\n\r\n", {400});
        refused("absolute form", get("http://x/version"), {400});
        refused("authority form", request("CONNECT", "x:443", ""), {400});
        refused("asterisk form", request("OPTIONS", "*", ""), {400});
        refused("bare line feeds", "GET /version HTTP/1.1\nHost: x\n\n", {400});
        refused("a bare carriage return", "GET /version HTTP/1.1\rHost: x\r\r" + second, {400});
        cut("a cut head", "GET /version HTTP/1.1\r\nHos", {400});
        answered("HTTP/1.0 is answered, and closed", "GET /version HTTP/1.0\r\n\r\n" + second,
                 {200});
    }

    void add_fields() {
        refused("a folded line", get("/version", "X-A: b\r\n c\r\n"), {400});
        refused("a fold behind an empty first line", get("/version", "X-A:\r\n b\r\n"), {400});
        refused("a tab's fold behind an empty first line", get("/version", "X-A: \r\n\tb\r\n"),
                {400});
        refused("a bare line feed inside", "GET /version HTTP/1.1\r\nHost: x\nX-A: b\r\n\r\n",
                {400});
        refused("a NUL in a value", "GET /version HTTP/1.1\r\nHost: x\0y\r\n\r\n"s, {400});
        refused("a NUL in a name", "GET /version HTTP/1.1\r\nHost: x\r\nX\0Y: z\r\n\r\n"s, {400});
        refused("a control character in a value", get("/version", "X-A: a\x01z\r\n"), {400});
        refused("a line without a colon", get("/version", "nonsense\r\n"), {400});
        refused("a field without a name", get("/version", ": x\r\n"), {400});
        refused("brackets in a field's name", get("/version", "X(A): b\r\n"), {400});
        refused("no host", "GET /version HTTP/1.1\r\nX-A: b\r\n\r\n", {400});
        refused("two hosts", get("/version", "Host: y\r\n"), {400});
        refused("another expectation", post("Content-Length: 2\r\nExpect: 200-maybe\r\n", "{}"),
                {417});
        answered("an upgrade to HTTP/2 is not taken up",
                 get("/version",
                     "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                     "HTTP2-Settings: AAMAAABkAAQAAP__\r\n"),
                 {200});
    }

    void add_sizes() {
        refused("101 fields", "GET /version HTTP/1.1\r\nHost: x\r\n" + many_headers(100) + "\r\n",
                {431});
        refused("10,000 fields", get("/version", many_headers(10'000)), {431});
        refused("a value of 8,193 bytes",
                get("/version", "X-A: " + std::string(8'193, 'a') + "\r\n"), {431});
        refused("a name of 9,000 bytes", get("/version", std::string(9'000, 'a') + ": v\r\n"),
                {400, 431});
        refused("a target of 10,000 bytes", get("/version?" + std::string(10'000, 'a')), {414});
        refused("a head without end", "GET /version HTTP/1.1\r\nX-A: " + std::string(70'000, 'a'),
                {431});
        refused("a method of 70,000 bytes", std::string(70'000, 'A'), {400, 431});
    }

    // Nobody decodes a path to find a file or another route behind it.
    void add_targets() {
        for (const std::string target :
             {"/../../../../etc/passwd", "/v1/../version", "/%2e%2e/%2e%2e/etc/passwd",
              "/v1/sources/..%2f..%2fversion", "/%76ersion%00", "//version", "/version/",
              "/version%00.json", "/version%2f", "/version;a=b", "/%c0%ae%c0%ae/version",
              "/VERSION", "/.git/config", "/webhooks/in/..%2f..%2f", "/webhooks/in/%00",
              "/webhooks/in/%c0%af", "/webhooks/in/a%2fb", "/webhooks/in/"})
            answered("target " + target, get(target), {404, 401, 400, 405});
        refused("a backslash at the start", get("\\version"), {400});
        refused("a fragment", get("/version#x"), {400});
        refused("raw bytes in the target", get("/version/\xc0\xaf"), {400});
        refused("a NUL in the target", "GET /ver\0sion HTTP/1.1\r\nHost: x\r\n\r\n"s, {400});
    }

    void add_methods() {
        for (const std::string method : {"DELETE", "TRACE", "BREW", "get", "OPTIONS", "PROPFIND"})
            answered("method " + method, request(method, "/version", ""), {405, 404});
        refused("a method that is no token", request("GE(T", "/version", ""), {400});
        answered("a body of another method is not the next request",
                 request("DELETE", "/version", fmt::format("Content-Length: {}\r\n", second.size()),
                         second),
                 {405, 404});
        answered("a GET's body is not the next request",
                 request("GET", "/version", fmt::format("Content-Length: {}\r\n", second.size()),
                         second),
                 {200, 400});
    }

    // Of somebody who may send one: the body itself is looked at. A source takes a form that is not
    // empty, and counts a type that is none as JSON; a command is told what it lacks.
    void add_bodies() {
        const auto body = [&](const std::string& name, const std::string& headers,
                              const std::string& text, std::vector<int> answers) {
            answered(name,
                     request("POST", post_target_,
                             fmt::format("{}{}Content-Length: {}\r\n", credentials_, headers,
                                         text.size()),
                             text),
                     std::move(answers));
        };
        const std::string json = "Content-Type: application/json\r\n";
        body("an empty body", json, "", {of_port(400, 422)});
        body("a body that is no UTF-8", json, "{\"a\":\"\xc0\xaf\"}", {400});
        body("a NUL in a body", json, std::string("{\"a\":\"\0\"}", 9), {400});
        body("a body of nothing but brackets", json, std::string(100'000, '['), {400});
        body("a number of 100,000 digits", json, std::string(100'000, '9'), {400});
        body("a gzip bomb's head", json + "Content-Encoding: gzip\r\n",
             std::string("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10), {of_port(415, 400)});
        body("a multipart body", "Content-Type: multipart/form-data; boundary=x\r\n", "--x--\r\n",
             {of_port(200, 400)});
        body("a content type that is none", "Content-Type: ;;;\r\n", "{}", {of_port(200, 422)});
    }

    const Port port_;
    const std::string post_target_, credentials_;
    std::vector<HttpProbe> probes_;
};

bool is_expected(const std::vector<int>& statuses, const std::vector<int>& answers) {
    if (answers.empty()) return statuses.empty();
    return statuses.size() == 1 &&
           std::find(answers.begin(), answers.end(), statuses[0]) != answers.end();
}

}  // namespace

std::vector<int> statuses_in(const std::string& answers) {
    constexpr std::string_view version = "HTTP/1.1 ";
    std::vector<int> found;
    for (auto at = answers.find(version); at != std::string::npos;
         at = answers.find(version, at + 1)) {
        const std::string digits = answers.substr(at + version.size(), 3);
        if (digits.find_first_not_of("0123456789") == std::string::npos)
            found.push_back(std::stoi(digits));
    }
    return found;
}

std::string credentials_lines(const Tenant& tenant) {
    std::string lines;
    for (const auto& [name, value] : tenant.headers())
        lines += fmt::format("{}: {}\r\n", name, value);
    return lines;
}

std::vector<HttpProbe> http_probes(Port port, const PostTarget& post_target) {
    return ProbeList(port, post_target).all();
}

std::string probe_problem(const std::string& address, const HttpProbe& probe) {
    const auto began = std::chrono::steady_clock::now();
    const auto quiet = probe.refused ? quiet_max : kept_open_quiet;
    const std::string answer = raw_exchange(address, probe.bytes, quiet, probe.half_close);
    const auto took = std::chrono::steady_clock::now() - began;
    const auto statuses = statuses_in(answer);
    if (!is_expected(statuses, probe.answers))
        return fmt::format("answered {} instead of {}", statuses, probe.answers);
    if (!probe.refused) return {};
    if (answer.find("\"code\"") == std::string::npos) return "the refusal is no problem in JSON";
    if (bus::to_lower_ascii(answer).find("connection: close") == std::string::npos)
        return "the refusal does not say that it closes";
    if (took > closing_takes_max) return "the connection stayed open";
    return {};
}

}  // namespace tests
