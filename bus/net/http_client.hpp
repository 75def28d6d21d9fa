// Outbound HTTP over libcurl: a blocking call with a deadline. For tools and, later, effects.
// Threads: a client belongs to one thread; its connection is kept alive between calls.
#pragma once

#include "bus/http/http.hpp"

#include <memory>

namespace bus::net {

struct ClientRequest {
    std::string method = "GET";
    std::string url;
    std::vector<http::NameValue> headers;
    std::string body;
    milliseconds deadline{10'000};
};

class HttpClient {
public:
    HttpClient();
    ~HttpClient();
    HttpClient(HttpClient&&) noexcept;

    // Of https: whoever has this public key ("sha256//BASE64"), whatever name its certificate
    // bears; nobody else. "": as certificates say, the default.
    void trust_only(std::string public_key_pin);

    // unavailable: no answer in time. invalid_input: not one plain request. Any status is a value.
    Result<http::Response> call(const ClientRequest& request);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace bus::net
