#include "projections/api/openapi.hpp"

#include "projections/api/object_schemas.hpp"
#include "schemas/json/json.hpp"

#include <map>

namespace projections::api {
namespace {

using bus::http::Route;
using schemas::json::Writer;

// "/v1/sources/:id" as "/v1/sources/{id}".
std::string template_path(std::string_view pattern) {
    std::string out;
    bool in_parameter = false;
    for (char c : pattern) {
        if (c == ':') {
            out += '{';
            in_parameter = true;
        } else {
            if (c == '/' && in_parameter) out += '}', in_parameter = false;
            out += c;
        }
    }
    return in_parameter ? out + '}' : out;
}

void write_parameter(Writer& out, std::string_view name, std::string_view where,
                     std::string_view text, bool required) {
    out.begin_object().member("name", name).member("in", where).member("required", required);
    if (!text.empty()) out.member("description", text);
    out.key("schema").begin_object().member("type", "string").end_object().end_object();
}

// What the server itself reads, whatever the route.
void write_common_parameters(Writer& out, const Route& route) {
    using bus::http::Access;
    const bool of_tenant = route.access == Access::tenant;
    if (of_tenant || route.access == Access::tenant_or_admin) {
        write_parameter(out, "X-Min-Position", "header", "wait until the rows have reached it",
                        false);
        write_parameter(out, "X-Wait-Ms", "header", "for so long at most", false);
    }
    if (!of_tenant || route.method != "GET") return;
    write_parameter(out, "min_position", "query", "as X-Min-Position", false);
    if (route.has_past)
        write_parameter(out, "as_of", "query", "a time or a position: the rows as they were then",
                        false);
}

void write_parameters(Writer& out, const Route& route) {
    out.key("parameters").begin_array();
    std::string_view rest = route.pattern;
    for (auto at = rest.find(':'); at != std::string_view::npos; at = rest.find(':')) {
        rest.remove_prefix(at + 1);
        write_parameter(out, rest.substr(0, rest.find('/')), "path", "", true);
    }
    for (const auto& parameter : route.parameters) {
        if (parameter.where == "path") continue;
        write_parameter(out, parameter.name, parameter.where, parameter.description,
                        parameter.required);
    }
    write_common_parameters(out, route);
    out.end_array();
}

void write_schema_reference(Writer& out, std::string_view schema) {
    out.begin_object();
    if (has_object_schema(schema))
        out.member("$ref", fmt::format("#/components/schemas/{}", schema));
    else
        out.member("type", "object");
    out.end_object();
}

void write_success(Writer& out, const Route& route) {
    if (route.response_type.empty()) {
        out.key("204").begin_object().member("description", "done").end_object();
        return;
    }
    out.key("2XX").begin_object().member("description", "done").key("content").begin_object();
    out.key(route.response_type).begin_object().key("schema");
    if (route.response_type == "application/json")
        write_schema_reference(out, route.response_schema);
    else
        out.begin_object().member("type", "string").end_object();
    out.end_object().end_object().end_object();
}

void write_security(Writer& out, const Route& route) {
    out.key("security").begin_array();
    using bus::http::Access;
    if (route.access == Access::tenant || route.access == Access::tenant_or_admin) {
        out.begin_object()
            .key("apiKey")
            .begin_array()
            .end_array()
            .key("clientCode")
            .begin_array()
            .end_array()
            .end_object();
    }
    if (route.access != Access::open)
        out.begin_object().key("adminKey").begin_array().end_array().end_object();
    out.end_array();
}

void write_operation(Writer& out, const Route& route) {
    out.key(route.method == "GET"     ? "get"
            : route.method == "POST"  ? "post"
            : route.method == "PUT"   ? "put"
            : route.method == "PATCH" ? "patch"
                                      : "delete");
    out.begin_object().member("operationId", route.operation).member("summary", route.summary);
    out.key("tags").begin_array().text(route.tag).end_array();
    if (route.on_ingress) {
        out.key("servers")
            .begin_array()
            .begin_object()
            .member("url", "/")
            .member("description", "the ingress port")
            .end_object()
            .end_array();
    }
    write_parameters(out, route);
    if (!route.request_schema.empty()) {
        out.key("requestBody")
            .begin_object()
            .key("content")
            .begin_object()
            .key("application/json")
            .begin_object();
        out.key("schema");
        write_schema_reference(out, route.request_schema);
        out.end_object().end_object().end_object();
    }
    out.key("responses").begin_object();
    write_success(out, route);
    out.key("default")
        .begin_object()
        .member("description", "RFC 9457 problem")
        .key("content")
        .begin_object();
    out.key("application/problem+json").begin_object().key("schema");
    write_schema_reference(out, "Problem");
    out.end_object().end_object().end_object();
    out.end_object();
    write_security(out, route);
    out.end_object();
}

void write_security_scheme(Writer& out, std::string_view name, std::string_view header) {
    out.key(name)
        .begin_object()
        .member("type", "apiKey")
        .member("in", "header")
        .member("name", header)
        .end_object();
}

}  // namespace

std::string openapi_document(const std::vector<Route>& routes) {
    std::map<std::string, std::map<std::string, const Route*>> paths;
    for (const Route& route : routes)  // the first, where both ports have it
        paths[template_path(route.pattern)].emplace(route.method, &route);
    std::string text;
    Writer out(text);
    out.begin_object().member("openapi", "3.1.0");
    out.key("info")
        .begin_object()
        .member("title", "Tributary")
        .member("version", "1")
        .member("description", "Canonical paths start with /v1 and are also served without it.")
        .end_object();
    out.key("paths").begin_object();
    for (const auto& [path, operations] : paths) {
        out.key(path).begin_object();
        for (const auto& [method, route] : operations) write_operation(out, *route);
        out.end_object();
    }
    out.end_object();
    out.key("components").begin_object().key("securitySchemes").begin_object();
    write_security_scheme(out, "apiKey", "x-api-key");
    write_security_scheme(out, "clientCode", "x-client-code");
    out.key("adminKey")
        .begin_object()
        .member("type", "http")
        .member("scheme", "bearer")
        .end_object();
    out.end_object();
    out.key("schemas").raw(object_schemas()).end_object();
    out.end_object();
    return text;
}

}  // namespace projections::api
