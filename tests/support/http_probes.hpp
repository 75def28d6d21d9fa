// Requests that two readers could understand differently, or that a careless one would choke on:
// byte for byte, with the answer that each must get. For both ports.
#pragma once

#include "tests/support/product_client.hpp"

#include <string>
#include <vector>

namespace tests {

enum class Port { ingress, api };

struct HttpProbe {
    std::string name;
    std::string bytes;
    std::vector<int> answers;  // the only answer's status is any of these; empty: none, it closes
    bool half_close = false;   // the sender ends its half behind the bytes
    bool refused = true;       // by the reader of requests: a problem in JSON, and it closes
};

// Takes JSON bodies on a port, from who sends the lines of `credentials` ("" = from everybody).
struct PostTarget {
    std::string path;
    std::string credentials = {};  // "X-Api-Key: K\r\nX-Client-Code: C\r\n"
};

// Further members for ProductClient::create_source: the source takes what anybody sends.
inline constexpr const char* unverified = R"("verification":{"kind":"none"})";
// For `PostTarget::credentials`.
std::string credentials_lines(const Tenant& tenant);

// A second request stands behind each one where a
// careless reader would find it: it must never be answered.
std::vector<HttpProbe> http_probes(Port port, const PostTarget& post_target);

// Sends a probe to "http://HOST:PORT" on a connection of its own. "" = as expected; else what is
// wrong with the answer.
std::string probe_problem(const std::string& address, const HttpProbe& probe);

// The statuses of all answers in what came back, in their order.
std::vector<int> statuses_in(const std::string& answers);

}  // namespace tests
