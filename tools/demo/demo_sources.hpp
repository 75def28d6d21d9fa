// The demo's tenant and its sources, made through the API like anybody else's.
#pragma once

#include "bus/net/http_client.hpp"
#include "schemas/registry.hpp"
#include "tools/platform.hpp"

#include <map>
#include <stop_token>
#include <string>

namespace tools::demo {

inline constexpr std::string_view tenant_code = "demo";

// Sends until something other than 429 or 503 is answered, 30 s at most. cancelled: `stop`.
bus::Result<bus::http::Response> call_patiently(bus::net::HttpClient& client,
                                                const bus::net::ClientRequest& request,
                                                const std::stop_token& stop);

std::string_view header_of(const bus::http::Response& response, std::string_view lower_case_name);

// "http://HOST:PORT" as this machine reaches it: a wildcard address becomes the loopback one.
std::string local_url(const Endpoint& endpoint);

struct DemoSource {
    std::string url;  // on the local ingress
    std::string secret;
    schemas::Verification verification;
};

struct DemoTenant {
    std::string api_key;
    std::string events_url;                     // on the local ingress
    std::map<std::string, DemoSource> sources;  // by slug
};

// Every request has an Idempotency-Key of its own: repeated, also after a crash, it gives the same
// tenant, key and sources again.
bus::Result<DemoTenant> make_tenant(const Platform& platform, bus::net::HttpClient& client,
                                    const std::stop_token& stop);

// The tenant as it stands now, for its key from an earlier start; nothing is written.
bus::Result<DemoTenant> find_tenant(const Platform& platform, const std::string& api_key,
                                    bus::net::HttpClient& client, const std::stop_token& stop);

}  // namespace tools::demo
