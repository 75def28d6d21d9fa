#include "tests/unit/commands_fixture.hpp"

#include "bus/http/query_parameters.hpp"
#include "schemas/providers/built_in.hpp"
#include "schemas/providers/provider_file.hpp"

#include <set>

namespace commands_test {
namespace {

std::vector<std::string_view> segments(std::string_view path) {
    std::vector<std::string_view> out;
    for (std::size_t at = 0; at <= path.size();) {
        const auto end = std::min(path.find('/', at), path.size());
        out.push_back(path.substr(at, end - at));
        at = end + 1;
    }
    return out;
}

std::optional<std::vector<bus::http::NameValue>> match(std::string_view pattern,
                                                       std::string_view path) {
    const auto wanted = segments(pattern);
    const auto given = segments(path);
    if (wanted.size() != given.size()) return std::nullopt;
    std::vector<bus::http::NameValue> parameters;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (wanted[i].starts_with(':'))
            parameters.emplace_back(wanted[i].substr(1), given[i]);
        else if (wanted[i] != given[i])
            return std::nullopt;
    }
    return parameters;
}

bool may_pass(bus::http::Access access, const bus::http::Caller& caller) {
    if (access == bus::http::Access::admin) return caller.admin;
    if (access == bus::http::Access::tenant) return caller.tenant.has_value();
    return caller.admin || caller.tenant.has_value();
}

}  // namespace

std::vector<schemas::ProviderKind> provider_kinds() {
    const std::set<std::string_view> wanted{"cloudevents.yaml", "generic.yaml",
                                            "standard_webhooks.yaml"};
    std::vector<schemas::ProviderKind> kinds;
    for (const auto& file : schemas::embedded_provider_files()) {
        if (!wanted.contains(file.name)) continue;
        auto kind = schemas::parse_provider_file(file.text, file.name);
        REQUIRE_MESSAGE(kind.has_value(), (kind ? "" : kind.error().message));
        kinds.push_back(*std::move(kind));
    }
    return kinds;
}

Response Node::ask(std::string_view method, std::string_view path,
                   std::vector<bus::http::NameValue> headers, std::string_view body) {
    bus::http::Request request;
    const auto question = std::min(path.find('?'), path.size());
    request.method = method;
    request.path = path.substr(0, question);
    request.query = question < path.size() ? path.substr(question + 1) : "";
    request.headers = std::move(headers);
    request.body = body;
    const auto caller = authenticator.authenticate(request);
    if (!caller) return bus::http::problem(caller.error());
    for (const auto& route : routes) {
        if (route.method != method) continue;
        const auto parameters = match(route.pattern, request.path);
        if (!parameters) continue;
        if (!may_pass(route.access, *caller)) return bus::http::problem(403, "forbidden", "");
        if (auto refused = bus::http::refuse_unknown_parameters(route, request.query))
            return *std::move(refused);
        return route.handle({request, *caller, *parameters, "request"});
    }
    return bus::http::problem(404, "no_route", path);
}

Response Platform::admin(std::string_view method, std::string_view path, std::string_view body,
                         std::vector<bus::http::NameValue> more) {
    more.emplace_back("authorization", "Bearer " + std::string(admin_key));
    return node->ask(method, path, std::move(more), body);
}

Response Client::ask(Platform& platform, std::string_view method, std::string_view path,
                     std::string_view body, std::vector<bus::http::NameValue> more) const {
    for (auto& one : headers()) more.push_back(one);
    return platform.node->ask(method, path, std::move(more), body);
}

Client make_client(Platform& platform, std::string_view code) {
    const auto created =
        platform.admin("POST", "/api/clients",
                       fmt::format(R"({{"code":"{}","name":"A client","country":"IN"}})", code));
    REQUIRE_MESSAGE(created.status == 201, created.body);
    return {std::string(code), member(created, "api_key")};
}

std::string member(const Response& response, std::string_view path) {
    schemas::json::Parser parser;
    const auto parsed = parser.parse(response.body);
    if (!parsed) return "not JSON: " + response.body;
    schemas::json::Value at = *parsed;
    while (!path.empty()) {
        const auto dot = std::min(path.find('.'), path.size());
        const auto name = path.substr(0, dot);
        const bool number = name.find_first_not_of("0123456789") == std::string_view::npos;
        at = number ? at.at(std::stoul(std::string(name))) : at[name];
        path.remove_prefix(std::min(path.size(), dot + 1));
    }
    return at.scalar_text();
}

std::string header(const Response& response, std::string_view name) {
    for (const auto& [key, value] : response.headers) {
        if (key == name) return value;
    }
    return {};
}

}  // namespace commands_test
