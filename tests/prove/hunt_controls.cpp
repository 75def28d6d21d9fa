#include "tests/prove/hunt_controls.hpp"

#include "bus/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tests::prove {
namespace {

constexpr int code_requests = 5'000, write_requests = 3'000;

std::string filled_with(std::string path, const std::string& word) {
    const auto at = path.find('{');
    return path.replace(at, path.find('}') + 1 - at, bus::percent_encode(word));
}

// "marker", "opened" when an answer was 2xx and held none, or "none".
std::string seen_by_id(ProductClient& client, const HuntedRoute& route, const HuntWords& words,
                       const MarkedTenant& owner) {
    std::string seen = "none";
    for (const std::string& word : words.all) {
        const auto answer =
            client.api("GET", filled_with(route.path, word), owner.tenant.headers());
        if (answer.body.find(owner.marker) != answer.body.npos) return "marker";
        if (answer.status / 100 == 2) seen = "opened";
    }
    return seen;
}

// And the owner's key, which all of it is asked with, at the very last.
std::vector<HuntedRoute> with_removals_last(std::vector<HuntedRoute> routes) {
    std::stable_sort(routes.begin(), routes.end(), [](const auto& a, const auto& b) {
        return std::pair(a.method == "DELETE", b.path) < std::pair(b.method == "DELETE", a.path);
    });
    return routes;
}

bool is_taken(ProductClient& client, const HuntedRoute& route, RouteHunt& hunt,
              const MarkedTenant& owner) {
    for (int i = 0; i < write_requests; ++i) {
        HuntRequest request = hunt.of(route);
        if (!route.members.empty() && request.body == "{}") continue;  // says nothing of members
        // Most parameters are none of the route's, which refuses it.
        if (i % 2 == 0) request.target = request.target.substr(0, request.target.find('?'));
        const auto answer =
            client.api(request.method, request.target, owner.tenant.headers(), request.body);
        if (answer.status / 100 == 2) return true;
    }
    return false;
}

}  // namespace

bool shows_marker(ProductClient& client, const HuntRequest& request, const Headers& credentials,
                  const std::string& marker) {
    const auto answer =
        client.api(request.method, request.target, replaced(credentials, request.headers));
    std::string text = answer.body;
    for (const auto& [name, value] : answer.headers) text += "\n" + value;
    return text.find(marker) != text.npos;
}

void control_reads(Section& section, ProductClient& client, const std::vector<HuntedRoute>& routes,
                   const HuntWords& words, const MarkedTenant& owner) {
    std::size_t found = 0;
    for (const HuntedRoute& route : routes) {
        if (route.method != "GET" || !route.is_by_id() || !route.is_of_tenants) continue;
        const std::string seen = seen_by_id(client, route, words, owner);
        if (seen == "marker")
            ++found;
        else
            section.untried("the hunt's control of " + route.name(),
                            seen == "opened" ? "its owner's answers hold no word to look for"
                                             : "no word opens it to its owner");
    }
    fmt::print("controlled_reads={}\n", found);
    section.fault("the owner's own words by id, asked with the same words", "some",
                  [&] { return found > 0 ? "some" : "none"; });
}

void control_writes(Section& section, ProductClient& client, const std::vector<HuntedRoute>& routes,
                    const HuntWords& words, const MarkedTenant& owner) {
    RouteHunt hunt(routes, words, owner.tenant.code, section.seed());
    for (const HuntedRoute& route : with_removals_last(routes)) {
        if (route.method == "GET" || !route.is_of_tenants) continue;
        const bool taken = is_taken(client, route, hunt, owner);
        const std::string name = "the hunt's own " + route.name();
        if (!route.members.empty())
            section.fault(name, "taken", [&] { return taken ? "taken" : "refused"; });
        else if (!taken)
            section.untried(name, "none of its bodies was taken");
    }
}

void control_codes(Section& section, ProductClient& client, const std::vector<HuntedRoute>& routes,
                   const HuntWords& words, const MarkedTenant& owner,
                   const Headers& admin_as_other) {
    RouteHunt hunt(routes, words, owner.tenant.code, section.seed());
    bool is_opened = false;
    for (int i = 0; i < code_requests && !is_opened; ++i) {
        auto request = hunt.next();
        if (request.method != "GET" || !shows_marker(client, request, admin_as_other, owner.marker))
            continue;
        request.headers.clear();
        is_opened = !shows_marker(client, request, admin_as_other, owner.marker);
    }
    section.fault("another tenant's words, asked by the same hunt with the admin's key",
                  "opened by the code",
                  [&] { return is_opened ? "opened by the code" : "the code opens none"; });
}

}  // namespace tests::prove
