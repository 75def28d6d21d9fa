#include "projections/api/router.hpp"

#include "bus/text.hpp"

namespace projections::api {

struct Router::Node {
    std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
    std::unique_ptr<Node> parameter;
    std::map<std::string, const bus::http::Route*, std::less<>> methods;
};

namespace {

std::vector<std::string_view> segments(std::string_view path) {
    std::vector<std::string_view> out;
    while (!path.empty()) {
        if (path.front() == '/') path.remove_prefix(1);
        const auto segment = path.substr(0, path.find('/'));
        out.push_back(segment);
        path.remove_prefix(segment.size());
    }
    return out;
}

std::vector<bus::http::NameValue> parameters(std::string_view pattern, std::string_view path) {
    std::vector<bus::http::NameValue> out;
    const auto names = segments(pattern);
    auto values = segments(path);
    // The alias without /v1 has one segment less.
    const std::size_t skip = names.size() - values.size();
    for (std::size_t i = skip; i < names.size(); ++i) {
        if (names[i].starts_with(':')) {
            out.emplace_back(names[i].substr(1), bus::percent_decode(values[i - skip], false));
        }
    }
    return out;
}

}  // namespace

Router::Router(std::vector<bus::http::Route> routes)
    : routes_(std::move(routes)), root_(std::make_unique<Node>()) {
    for (const auto& route : routes_) {
        add(route, route.pattern);
        const std::string_view pattern = route.pattern;
        if (pattern.starts_with("/v1/")) add(route, pattern.substr(3));
    }
}
Router::~Router() = default;

void Router::add(const bus::http::Route& route, std::string_view pattern) {
    Node* node = root_.get();
    for (std::string_view segment : segments(pattern)) {
        auto& next =
            segment.starts_with(':') ? node->parameter : node->literals[std::string(segment)];
        if (!next) next = std::make_unique<Node>();
        node = next.get();
    }
    node->methods.emplace(route.method, &route);
}

Router::Match Router::find(std::string_view method, std::string_view path) const {
    // Depth first, literal before parameter; paths are short, so recursion is bounded by the URI
    // limit.
    const auto parts = segments(path);
    const Node* fallback = nullptr;
    const std::string_view wanted = method == "HEAD" ? "GET" : method;
    const auto walk = [&](const auto& self, const Node* node,
                          std::size_t i) -> const bus::http::Route* {
        if (i == parts.size()) {
            if (node->methods.empty()) return nullptr;
            if (!fallback) fallback = node;
            const auto found = node->methods.find(wanted);
            return found == node->methods.end() ? nullptr : found->second;
        }
        if (const auto literal = node->literals.find(parts[i]); literal != node->literals.end()) {
            if (const auto* route = self(self, literal->second.get(), i + 1)) return route;
        }
        return node->parameter && !parts[i].empty() ? self(self, node->parameter.get(), i + 1)
                                                    : nullptr;
    };
    Match match;
    match.route = walk(walk, root_.get(), 0);
    if (match.route)
        match.parameters = parameters(match.route->pattern, path);
    else if (fallback) {
        for (const auto& [allowed, route] : fallback->methods) match.allowed.push_back(allowed);
    }
    return match;
}

}  // namespace projections::api
