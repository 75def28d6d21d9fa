#include "tests/support/product_client.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace tests {
namespace {

constexpr bus::milliseconds answer_max{30'000};
constexpr std::string_view position_wait_ms = "30000";  // slow machines; a test that waits fails

std::string path_of(std::string_view url) {
    const auto host = url.find("//");
    const auto path = url.find('/', host == std::string_view::npos ? 0 : host + 2);
    return path == std::string_view::npos ? "/" : std::string(url.substr(path));
}

std::string quoted(std::string_view text) {
    std::string out;
    schemas::json::append_escaped(out, text);
    return out;
}

class Socket {
public:
    explicit Socket(const std::string& address) {
        const auto host = address.rfind('/') + 1;  // "http://HOST:PORT"
        const auto colon = address.rfind(':');
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
        REQUIRE(::inet_pton(AF_INET, address.substr(host, colon - host).c_str(), &to.sin_addr) ==
                1);
        descriptor_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        REQUIRE(::connect(descriptor_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
    }
    ~Socket() { ::close(descriptor_); }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    int get() const { return descriptor_; }

private:
    int descriptor_ = -1;
};

}  // namespace

std::string header_of(const Answer& answer, std::string_view lower_case_name) {
    for (const auto& [name, value] : answer.headers) {
        if (name == lower_case_name) return value;
    }
    return {};
}

Document::Document(const std::string& body) {
    const auto parsed = parser_.parse(body, {.bytes_max = 64 << 20, .keys_max = 1'000'000});
    REQUIRE_MESSAGE(parsed, "not JSON: ", body);
    root_ = *parsed;
}

std::vector<schemas::json::Value> Document::data() const& {
    std::vector<schemas::json::Value> items;
    root_["data"].each_element([&](schemas::json::Value item) { items.push_back(item); });
    return items;
}

Headers with(Headers headers, const Headers& more) {
    headers.insert(headers.end(), more.begin(), more.end());
    return headers;
}

Answer ProductClient::api(const std::string& method, const std::string& target,
                          const Headers& headers, const std::string& body) {
    auto answer = api_.call({.method = method,
                             .url = addresses_.api + target,
                             .headers = headers,
                             .body = body,
                             .deadline = answer_max});
    REQUIRE_MESSAGE(answer, method, " ", target, ": ", answer.error().message);
    return *std::move(answer);
}

bus::Result<Answer> ProductClient::try_ingress(const std::string& method, const std::string& target,
                                               const Headers& headers, const std::string& body) {
    return ingress_.call({.method = method,
                          .url = addresses_.ingress + target,
                          .headers = headers,
                          .body = body,
                          .deadline = answer_max});
}

Answer ProductClient::ingress(const std::string& method, const std::string& target,
                              const Headers& headers, const std::string& body) {
    auto answer = try_ingress(method, target, headers, body);
    REQUIRE_MESSAGE(answer, method, " ", target, ": ", answer.error().message);
    return *std::move(answer);
}

Tenant ProductClient::create_tenant(const std::string& code, const std::string& country) {
    const auto answer =
        api("POST", "/api/clients", {{"authorization", "Bearer " + addresses_.admin_key}},
            fmt::format(R"({{"code":"{}","name":"Client {}","country":"{}","time_zone":"UTC"}})",
                        code, code, country));
    REQUIRE_MESSAGE(answer.status == 201, answer.body);
    return {.code = code, .key = Document(answer).text("api_key")};
}

Source ProductClient::create_source(const Tenant& tenant, const std::string& kind,
                                    const std::string& slug, const std::string& secret,
                                    const std::string& further) {
    std::string body = fmt::format(R"({{"kind":"{}","slug":"{}")", kind, slug);
    if (!secret.empty()) body += R"(,"secret":)" + quoted(secret);
    if (!further.empty()) body += "," + further;
    const auto answer = api("POST", "/v1/sources", tenant.headers(), body + "}");
    REQUIRE_MESSAGE(answer.status == 201, answer.body);
    const Document made(answer);
    return {.id = made.text("id"), .path = path_of(made.text("url")), .secret = secret};
}

Answer ProductClient::read(const Tenant& tenant, const std::string& target,
                           const std::string& position) {
    Headers headers = tenant.headers();
    if (!position.empty()) {
        headers.emplace_back("x-min-position", position);
        headers.emplace_back("x-wait-ms", position_wait_ms);
    }
    return api("GET", target, headers);
}

Document ProductClient::list(const Tenant& tenant, const std::string& target,
                             const std::string& position) {
    const auto answer = read(tenant, target, position);
    REQUIRE_MESSAGE(answer.status == 200, target, ": ", answer.body);
    return Document(answer);
}

std::string raw_exchange(const std::string& address, std::string_view bytes,
                         bus::milliseconds quiet, bool half_close, bus::milliseconds first_byte) {
    const Socket socket(address);
    while (!bytes.empty()) {
        const auto sent = ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) break;  // refused before everything was sent: the answer is there to read
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    if (half_close) ::shutdown(socket.get(), SHUT_WR);
    std::string answer;
    std::array<char, 16'384> part{};
    for (;;) {
        pollfd wait{.fd = socket.get(), .events = POLLIN, .revents = 0};
        const auto wait_max = answer.empty() ? first_byte : quiet;
        if (::poll(&wait, 1, static_cast<int>(wait_max.count())) <= 0) return answer;
        const auto got = ::recv(socket.get(), part.data(), part.size(), 0);
        if (got <= 0) return answer;
        answer.append(part.data(), static_cast<std::size_t>(got));
    }
}

}  // namespace tests
