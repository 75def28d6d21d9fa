// How tests talk to a running product: over its two ports, like a provider and like an operator.
// Threads: one client per thread (it keeps one connection per port).
#pragma once

#include "bus/net/http_client.hpp"
#include "schemas/json/json.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tests {

using Headers = std::vector<bus::http::NameValue>;
using Answer = bus::http::Response;

std::string header_of(const Answer& answer, std::string_view lower_case_name);

// An answer's body, parsed; its values die with it. An unreadable body fails the test.
class Document {
public:
    explicit Document(const std::string& body);
    explicit Document(const Answer& answer) : Document(answer.body) {}
    schemas::json::Value operator[](std::string_view key) const { return root_[key]; }
    std::string text(std::string_view key) const { return root_[key].scalar_text(); }
    schemas::json::Value root() const { return root_; }

    // Of a list answer. Not of a temporary: the values would be gone.
    std::vector<schemas::json::Value> data() const&;
    std::vector<schemas::json::Value> data() const&& = delete;
    std::size_t size() const { return root_["data"].size(); }

private:
    schemas::json::Parser parser_;
    schemas::json::Value root_;
};

struct Tenant {
    std::string code;
    std::string key;
    Headers headers() const { return {{"x-api-key", key}, {"x-client-code", code}}; }
};

struct Source {
    std::string id;
    std::string path;  // of its url, with the query
    std::string secret;
};

// Where a product answers, as "http://HOST:PORT".
struct Addresses {
    std::string api;
    std::string ingress;
    std::string admin_key;
    std::string public_key_pin = {};  // of "https://" addresses
};

class ProductClient {
public:
    explicit ProductClient(Addresses addresses) : addresses_(std::move(addresses)) {
        api_.trust_only(addresses_.public_key_pin);
        ingress_.trust_only(addresses_.public_key_pin);
    }

    // A failed connection fails the test; any status is an answer.
    Answer api(const std::string& method, const std::string& target, const Headers& headers = {},
               const std::string& body = {});
    Answer ingress(const std::string& method, const std::string& target,
                   const Headers& headers = {}, const std::string& body = {});
    // The same, but a broken connection is a value: the product may be killed meanwhile.
    bus::Result<Answer> try_ingress(const std::string& method, const std::string& target,
                                    const Headers& headers, const std::string& body);

    Tenant create_tenant(const std::string& code, const std::string& country = "IN");
    // `further` are members of the body beside kind, slug and secret: R"("label":"x")".
    Source create_source(const Tenant& tenant, const std::string& kind, const std::string& slug,
                         const std::string& secret, const std::string& further = {});

    // GET as the tenant, once the rows have reached `position` ("" = whatever is there).
    Answer read(const Tenant& tenant, const std::string& target, const std::string& position = {});
    Document list(const Tenant& tenant, const std::string& target,
                  const std::string& position = {});

    const Addresses& addresses() const { return addresses_; }

private:
    Addresses addresses_;
    bus::net::HttpClient api_;
    bus::net::HttpClient ingress_;
};

Headers with(Headers headers, const Headers& more);

// How long an answer may be on its way on a machine with a lot to do.
inline constexpr bus::milliseconds first_byte_max{10'000};

// One whole exchange on a fresh socket: sends `bytes`, reads until the peer closes, says nothing
// for `first_byte`, or is quiet for `quiet` after its last byte.
std::string raw_exchange(const std::string& address, std::string_view bytes,
                         bus::milliseconds quiet = bus::milliseconds{1'500},
                         bool half_close = false, bus::milliseconds first_byte = first_byte_max);

}  // namespace tests
