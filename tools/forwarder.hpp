// Sends raw requests of the log on to a developer's URL, as they came.
#pragma once

#include "bus/net/http_client.hpp"
#include "schemas/json/json.hpp"

#include <string>

namespace tools {

struct ForwardUrl {
    std::string base;  // "http://localhost:3000"
    std::string path;  // "" = the path that the request was sent to
    std::string to_string() const { return base + path; }
};
// invalid_input unless it is http(s)://HOST[:PORT][/PATH].
bus::Result<ForwardUrl> parse_forward_url(std::string_view text);

// The request that a record (as /v1/operator/records?bodies=base64 tells it) was: method, query,
// content type, kept headers and body; the path of the URL, else its own. Four headers name it:
// tributary-request-id, -address, -received-at, -path.
bus::Result<bus::net::ClientRequest> forwarded_request(schemas::json::Value record,
                                                       const ForwardUrl& url,
                                                       bus::milliseconds deadline);

}  // namespace tools
