#include "producers/door_routes.hpp"

#include <fmt/ranges.h>

#include <cctype>
#include <map>

namespace producers {
namespace {

struct Place {
    std::string path;
    std::string method;
    bool operator<(const Place& other) const {
        return std::tie(path, method) < std::tie(other.path, other.method);
    }
};

// "POST /webhooks/in/:slug" as "postWebhooksInSlug".
std::string operation_of(const Place& place) {
    std::string out;
    for (char c : place.method) out += static_cast<char>(std::tolower(c));
    bool word_begins = false;
    for (char c : place.path) {
        const bool in_word = std::isalnum(static_cast<unsigned char>(c)) != 0;
        if (in_word) out += word_begins ? static_cast<char>(std::toupper(c)) : c;
        word_begins = !in_word;
    }
    return out;
}

}  // namespace

std::vector<bus::http::Route> door_routes(const std::vector<const schemas::ProviderKind*>& kinds) {
    std::map<Place, std::vector<std::string>> places;
    for (const auto* kind : kinds) {
        for (const std::string& path : kind->paths) {
            for (const std::string& method : kind->methods)
                places[{path, method}].push_back(kind->label);
            if (kind->handshake_meta) places[{path, "GET"}].push_back(kind->label + " (handshake)");
        }
    }
    std::vector<bus::http::Route> routes;
    routes.reserve(places.size());
    for (const auto& [place, labels] : places) {
        routes.push_back({.method = place.method,
                          .pattern = place.path,
                          .operation = operation_of(place),
                          .summary = fmt::format("Takes events of: {}", fmt::join(labels, ", ")),
                          .tag = "ingress",
                          .access = bus::http::Access::open,
                          .on_ingress = true});
    }
    return routes;
}

}  // namespace producers
