// HTTP as plain values: what a route is, gets and gives back. No library, no socket.
#pragma once

#include "bus/ids.hpp"
#include "bus/position.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bus::http {

using NameValue = std::pair<std::string, std::string>;

struct Request {
    std::string method;
    std::string path;                // percent-encoded, as received, without the query
    std::string query;               // without '?'
    std::vector<NameValue> headers;  // names in lower case, order kept
    std::string body;
    std::string remote_address;

    std::string_view header(std::string_view lower_case_name) const;  // first, "" if absent
};

// First decoded value of `name` in a query or form body.
std::optional<std::string> query_value(std::string_view query, std::string_view name);
std::vector<NameValue> parse_query(std::string_view query);  // decoded, order kept

struct Response {
    int status = 200;
    std::string content_type = "application/json; charset=utf-8";
    std::vector<NameValue> headers{};
    std::string body{};

    // Names in any case.
    bool has_header(std::string_view name) const;
    void set_header(std::string_view name, std::string value);  // instead of the one there is
};

// RFC 9457. `code` is stable and machine readable; `detail` says what to do.
struct FieldProblem {
    std::string path;
    std::string code;
    std::string message;
};
Response problem(int status, std::string_view code, std::string_view detail,
                 const std::vector<FieldProblem>& fields = {});
Response problem(const Error& error);
int status_of(ErrorCode code);
std::string_view title_of_status(int status);  // the reason phrase of RFC 9110

enum class Access : std::uint8_t { open, tenant, admin, tenant_or_admin };

// Who asks. A tenant route always has a tenant; the platform admin may name one with x-client-code.
struct Caller {
    std::optional<TenantId> tenant;
    bool admin = false;
    std::string key_id;
};

// When a read is true. Its rows are at least as new as `position`, and what depends on the time
// goes by `now`; of a read of the past (`as_of`) both are of then.
struct ReadMoment {
    Position position{};
    Timestamp now{};
};

struct Call {
    const Request& request;
    Caller caller;
    std::vector<NameValue> path_parameters;  // decoded
    std::string request_id;
    ReadMoment moment{};  // of a tenant's GET

    std::string_view parameter(std::string_view name) const;  // from the path
};

// Documented parameter, for OpenAPI and for refusing unknown ones.
struct Parameter {
    std::string name;
    std::string where = "query";  // query, path, header
    std::string description{};
    bool required = false;
};

struct Route {
    std::string method{};
    std::string pattern{};    // "/v1/sources/:id"; literal segments win over parameters
    std::string operation{};  // unique, camelCase: OpenAPI operationId
    std::string summary{};
    std::string tag{};
    Access access = Access::tenant;
    std::vector<Parameter> parameters{};
    bool has_further_parameters = false;  // that the handler knows and refuses itself
    std::string request_schema{};  // name of a schema in the OpenAPI components, may be empty
    std::string response_schema{};
    // Media type of a 2xx: "" = 204 without a body, "*/*" = bytes of whatever type came.
    std::string response_type = "application/json";
    bool has_past = true;  // of a tenant's GET: made of rows, so that as_of is answered
    // Runs on a server thread; may block up to a deadline of its own.
    std::function<Response(const Call&)> handle{};
    bool on_ingress = false;         // served on the public port
    std::size_t body_bytes_max = 0;  // 0 = the server's own bound
};

}  // namespace bus::http
