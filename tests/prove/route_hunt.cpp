#include "tests/prove/route_hunt.hpp"

#include "bus/text.hpp"

#include <array>

namespace tests::prove {
namespace {

constexpr std::size_t word_bytes_max = 300, words_max = 4'000;
constexpr std::array<std::string_view, 12> common_parameters{
    "cursor", "limit",  "as_of", "from", "to",     "source",
    "q",      "status", "type",  "sort", "format", "client"};
constexpr std::array<std::string_view, 14> junk{
    "",  "0",  "-1", "*",    "%",   "..",  "../..",
    "'", "\"", "{}", "null", "csv", "200", "2026-03-01T10:00:00Z"};
constexpr std::array<std::string_view, 6> header_names{
    "x-min-position", "if-none-match", "x-request-id", "traceparent", "x-client-code", "accept"};

void collect(schemas::json::Value value, const std::string& without, std::set<std::string>& words) {
    if (words.size() >= words_max) return;
    value.each_member(
        [&](std::string_view, schemas::json::Value member) { collect(member, without, words); });
    value.each_element([&](schemas::json::Value element) { collect(element, without, words); });
    const std::string text = value.scalar_text();
    if (text.empty() || text.size() > word_bytes_max) return;
    if (text.find(without) == text.npos) words.insert(text);
}

}  // namespace

std::vector<HuntedRoute> routes_of(const std::string& openapi) {
    std::vector<HuntedRoute> routes;
    const Document document(openapi);
    document["paths"].each_member([&](std::string_view path, schemas::json::Value methods) {
        methods.each_member([&](std::string_view method, schemas::json::Value operation) {
            HuntedRoute route{
                .method = std::string(method), .path = std::string(path), .parameters = {}};
            for (char& c : route.method) c = static_cast<char>(std::toupper(c));
            operation["parameters"].each_element([&](schemas::json::Value parameter) {
                if (parameter["in"].text() == "query")
                    route.parameters.emplace_back(parameter["name"].text());
            });
            routes.push_back(std::move(route));
        });
    });
    return routes;
}

void collect_words(const std::string& json, const std::string& without,
                   std::set<std::string>& words) {
    schemas::json::Parser parser;
    if (const auto root = parser.parse(json)) collect(*root, without, words);
}

Headers replaced(Headers headers, const Headers& more) {
    for (const auto& one : more)
        std::erase_if(headers, [&](const auto& there) { return there.first == one.first; });
    return with(std::move(headers), more);
}

HuntRequest RouteHunt::next() {
    const HuntedRoute* route = &routes_[random_() % routes_.size()];
    // Writes are tried, but the hunt is for what can be read.
    while (route->method != "GET" && random_() % 8 != 0)
        route = &routes_[random_() % routes_.size()];
    HuntRequest request{.method = route->method,
                        .target = filled(route->path) + query(*route),
                        .body = {},
                        .headers = headers(),
                        .by_id = route->path.find("{id}") != std::string::npos};
    if (route->method != "GET")
        request.body = R"({"id":")" + bus::percent_encode(word()) + R"(","slug":")" +
                       bus::percent_encode(word()) + R"("})";
    return request;
}

std::string RouteHunt::word() {
    if (random_() % 6 == 0) return std::string(junk[random_() % junk.size()]);
    return words_[random_() % words_.size()];
}

std::string RouteHunt::filled(const std::string& path) {
    std::string out;
    for (std::size_t at = 0; at < path.size();) {
        if (path[at] != '{') {
            out += path[at++];
            continue;
        }
        out += bus::percent_encode(word());
        at = path.find('}', at) + 1;
    }
    return out;
}

std::string RouteHunt::query(const HuntedRoute& route) {
    std::string out;
    for (std::uint64_t n = random_() % 4; n > 0; --n) {
        const bool own = !route.parameters.empty() && random_() % 4 != 0;
        const std::string name =
            own ? route.parameters[random_() % route.parameters.size()]
                : std::string(common_parameters[random_() % common_parameters.size()]);
        out += (out.empty() ? "?" : "&") + name + "=" + bus::percent_encode(word());
    }
    return out;
}

Headers RouteHunt::headers() {
    Headers out;
    if (random_() % 8 == 0) return {{"x-client-code", code_}};
    if (random_() % 3 != 0) return out;
    const std::string name{header_names[random_() % header_names.size()]};
    std::string value = name == "accept" ? "text/csv" : word();
    for (char& c : value)
        if (static_cast<unsigned char>(c) < ' ') c = ' ';
    out.emplace_back(name, value);
    return out;
}

}  // namespace tests::prove
