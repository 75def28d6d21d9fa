#include "tests/prove/route_hunt.hpp"

#include "bus/text.hpp"

#include <fmt/format.h>

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

void collect(schemas::json::Value value, const std::string& member, const std::string& without,
             HuntWords& words) {
    if (words.all.size() >= words_max) return;
    value.each_member([&](std::string_view name, schemas::json::Value inner) {
        collect(inner, std::string(name), without, words);
    });
    value.each_element(
        [&](schemas::json::Value element) { collect(element, member, without, words); });
    const std::string text = value.scalar_text();
    if (text.empty() || text.size() > word_bytes_max) return;
    if (text.find(without) != text.npos) return;
    words.all.insert(text);
    words.of_member[member].insert(text);
}

std::vector<BodyMember> members_of(const Document& openapi, schemas::json::Value operation) {
    constexpr std::string_view schemas = "#/components/schemas/";
    const auto reference =
        operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].text();
    if (!reference.starts_with(schemas)) return {};
    const auto schema = openapi["components"]["schemas"][reference.substr(schemas.size())];
    std::vector<BodyMember> members;
    schema["properties"].each_member([&](std::string_view name, schemas::json::Value property) {
        members.push_back({std::string(name), std::string(property["type"].text())});
    });
    schema["required"].each_element([&](schemas::json::Value name) {
        for (BodyMember& member : members) member.required |= member.name == name.text();
    });
    return members;
}

bool is_of_tenants(schemas::json::Value operation) {
    bool has_key = false;
    operation["security"].each_element([&](schemas::json::Value one) {
        one.each_member(
            [&](std::string_view name, schemas::json::Value) { has_key |= name == "apiKey"; });
    });
    return has_key && operation["servers"].size() == 0;
}

// Its body is YAML, of which the document tells no members.
std::string mapping_of_version(std::uint64_t version) {
    return fmt::format(
        "mapping: own\nversion: {}\nchannel: web\nbody: [json]\nkey: [$body]\n"
        "emit:\n  - {{type: own.thing.happened}}\n",
        version);
}

}  // namespace

std::vector<HuntedRoute> routes_of(const std::string& openapi) {
    std::vector<HuntedRoute> routes;
    const Document document(openapi);
    document["paths"].each_member([&](std::string_view path, schemas::json::Value methods) {
        methods.each_member([&](std::string_view method, schemas::json::Value operation) {
            HuntedRoute route{.method = std::string(method),
                              .path = std::string(path),
                              .parameters = {},
                              .members = members_of(document, operation),
                              .is_of_tenants = is_of_tenants(operation)};
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

void collect_words(const std::string& json, const std::string& without, HuntWords& words) {
    schemas::json::Parser parser;
    if (const auto root = parser.parse(json)) collect(*root, "", without, words);
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
    return of(*route);
}

HuntRequest RouteHunt::of(const HuntedRoute& route) {
    HuntRequest request{.method = route.method,
                        .target = filled(route.path) + query(route),
                        .body = {},
                        .headers = headers(),
                        .by_id = route.is_by_id()};
    if (route.method != "GET") request.body = body(route);
    return request;
}

// Half of the bodies hold only what they must: what is wrong in one member refuses all.
std::string RouteHunt::body(const HuntedRoute& route) {
    if (route.name() == "PUT /v1/mappings/{name}") return mapping_of_version(1 + random_() % 1'000);
    std::string text;
    schemas::json::Writer out(text);
    out.begin_object();
    if (route.name() == "POST /v1/imports/mappings")
        out.member("name", "own").member("text", mapping_of_version(1 + random_() % 1'000));
    // The trial of a replay is a client's, the replay itself the operator's.
    if (route.path.starts_with("/v1/quarantine/") && route.path.ends_with("replay"))
        out.member("dry_run", true);
    const bool is_short = random_() % 2 == 0;
    if (route.members.empty() && !is_short) out.member("id", word()).member("slug", word());
    for (const BodyMember& member : route.members)
        if (member.required || (!is_short && random_() % 8 == 0))
            write_value(out.key(member.name), member);
    out.end_object();
    return text;
}

void RouteHunt::write_value(schemas::json::Writer& out, const BodyMember& member) {
    if (member.type == "integer")
        out.integer(static_cast<std::int64_t>(random_() % 1'000));
    else if (member.type == "boolean")
        out.boolean(random_() % 2 == 0);
    else if (member.type == "object")
        out.begin_object().member("kind", word_of("kind")).end_object();
    else if (member.type == "array")
        out.begin_array().text(word_of(member.name)).end_array();
    else
        out.text(word_of(member.name));
}

// Mostly what stands in a member of that name.
std::string RouteHunt::word_of(const std::string& member) {
    const auto found = of_member_.find(member);
    if (found == of_member_.end() || random_() % 4 == 0) return word();
    const auto step = static_cast<std::ptrdiff_t>(random_() % found->second.size());
    return *std::next(found->second.begin(), step);
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
        const auto end = path.find('}', at);
        out += bus::percent_encode(word_of(path.substr(at + 1, end - at - 1)));
        at = end + 1;
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
