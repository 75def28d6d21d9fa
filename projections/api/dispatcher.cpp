#include "projections/api/dispatcher.hpp"

#include "bus/clock.hpp"
#include "bus/http/query_parameters.hpp"
#include "projections/api/openapi.hpp"
#include "projections/api/watched_reads.hpp"

#include <charconv>

namespace projections::api {
namespace {

using bus::http::Access;
using bus::http::problem;
using bus::http::Response;

// 401 for nobody, 403 for somebody else; nothing when the caller may pass.
std::optional<Response> refuse_access(Access access, const bus::http::Caller& caller) {
    if (access == Access::open) return std::nullopt;
    const bool as_tenant = caller.tenant.has_value();
    const bool passes = access == Access::admin    ? caller.admin
                        : access == Access::tenant ? as_tenant
                                                   : as_tenant || caller.admin;
    if (passes) return std::nullopt;
    if (!as_tenant && !caller.admin) {
        auto response = problem(401, "unauthenticated",
                                "send x-api-key with x-client-code, or the admin key as Bearer");
        response.headers.emplace_back("WWW-Authenticate", "Bearer");
        return response;
    }
    return access == Access::admin
               ? problem(403, "forbidden", "this needs the admin key: Authorization: Bearer KEY")
               : problem(403, "tenant_required", "name the tenant with x-client-code");
}

std::string wanted_position(const bus::http::Request& request) {
    const auto header = request.header("x-min-position");
    if (!header.empty()) return std::string(header);
    return bus::http::query_value(request.query, "min_position").value_or("");
}

bus::milliseconds wanted_wait(const bus::http::Request& request, const ApiOptions& options) {
    const auto header = request.header("x-wait-ms");
    long ms = 0;
    const auto [end, error] = std::from_chars(header.data(), header.data() + header.size(), ms);
    if (header.empty() || error != std::errc{} || ms < 0) return options.position_wait_default;
    return std::min(bus::milliseconds{ms}, options.position_wait_max);
}

std::string request_id_of(const bus::http::Request& request) {
    const auto given = request.header("x-request-id");
    if (!given.empty() && given.size() <= 128) return std::string(given);
    return bus::to_string(bus::random_ids().next_event_id(bus::system_clock().now()));
}

bus::Result<AsOf> parse_as_of(std::string_view text) {
    if (const auto time = bus::from_iso(text)) return AsOf{.time = *time};
    if (const auto position = bus::parse_position(text)) return AsOf{.position = *position};
    return bus::fail(bus::ErrorCode::invalid_input,
                     "as_of is a time (2026-01-31T12:00:00Z) or a position (X-Position of an "
                     "earlier answer), not '{}'",
                     text.substr(0, 64));
}

std::vector<bus::http::Route> with_openapi(std::vector<bus::http::Route> routes) {
    bus::http::Route route{.method = "GET",
                           .pattern = "/openapi.json",
                           .operation = "getOpenApi",
                           .summary = "This description",
                           .tag = "platform",
                           .access = Access::open,
                           .parameters = {},

                           .handle = {}};
    routes.push_back(route);
    std::string document = openapi_document(routes);
    routes.back().handle = [document = std::move(document)](const bus::http::Call&) {
        return Response{
            .status = 200, .content_type = "application/json", .headers = {}, .body = document};
    };
    return routes;
}

}  // namespace

Dispatcher::Dispatcher(const ApiOptions& options, ApiPorts ports,
                       std::vector<bus::http::Route> routes)
    : options_(options),
      ports_(std::move(ports)),
      router_(with_openapi(std::move(routes))),
      waits_(options.position_waits) {}

std::optional<Response> Dispatcher::wait_for_position(const bus::http::Request& request,
                                                      bus::TenantId tenant) const {
    const std::string token = wanted_position(request);
    if (token.empty()) return std::nullopt;
    const auto wanted = bus::parse_position(token);
    if (!wanted) return problem(wanted.error());
    const auto turn = waits_.take(tenant);
    const auto wait_max = turn ? wanted_wait(request, options_) : bus::milliseconds{0};
    const auto reached = ports_.reads->wait_for(tenant, *wanted, wait_max);
    if (!reached) return problem(reached.error());
    if (*reached) return std::nullopt;
    const auto have = ports_.reads->position(tenant);
    std::uint64_t lag = 0;
    for (std::size_t i = 0; i < bus::position_topics; ++i) {
        lag += wanted->next[i] - std::min(wanted->next[i], have.next[i]);
    }
    return problem(504, "projection_behind",
                   fmt::format("the rows are {} records behind that position; {}", lag,
                               turn ? "ask again, or raise X-Wait-Ms"
                                    : "as many requests as may wait do so already; ask again"));
}

// Time travel (PRODUCT section 2): the same handler over the rows of an earlier moment.
Response Dispatcher::call_as_of(const bus::http::Route& route, bus::http::Call& call,
                                std::string_view as_of) const {
    if (!call.caller.tenant || call.request.method != "GET")
        return problem(400, "invalid_parameter", "as_of is for reading a tenant's rows");
    if (!ports_.past) return problem(501, "no_history", "this server does not look back");
    const auto moment = parse_as_of(as_of);
    if (!moment) return problem(moment.error());
    const auto rows = ports_.past->rows(*call.caller.tenant, *moment);
    if (!rows) {
        const bool out_of_reach = rows.error().code == bus::ErrorCode::too_large ||
                                  rows.error().code == bus::ErrorCode::gone;
        if (!out_of_reach) return problem(rows.error());
        return problem(
            501, "out_of_reach",
            rows.error().message + "; tributary replay --to builds it beside the live rows");
    }
    call.moment = {(*rows)->position(), (*rows)->time()};
    const PastScope scope(*rows);
    Response response = route.handle(call);
    if (!scope.was_read())
        return problem(501, "no_history",
                       "this answer is not made of rows that the log can build again");
    response.headers.emplace_back("X-As-Of", std::string(as_of));
    return response;
}

Response Dispatcher::route_and_call(const bus::http::Request& request,
                                    const std::string& request_id) const {
    auto match = router_.find(request.method, request.path);
    if (!match.route || match.route->on_ingress) {
        if (match.route || match.allowed.empty()) {
            return problem(404, "not_found", "no such path; GET /openapi.json lists what there is");
        }
        auto response =
            problem(405, "method_not_allowed", "this path has other methods; see Allow");
        response.headers.emplace_back("Allow", fmt::format("{}", fmt::join(match.allowed, ", ")));
        return response;
    }
    bus::http::Caller caller;
    if (match.route->access != Access::open) {
        auto authenticated = ports_.authenticate(request);
        if (!authenticated) return problem(authenticated.error());
        caller = *std::move(authenticated);
    }
    if (auto refused = refuse_access(match.route->access, caller)) return *std::move(refused);
    if (auto refused = bus::http::refuse_unknown_parameters(*match.route, request.query))
        return *std::move(refused);
    if (caller.tenant) {
        if (auto behind = wait_for_position(request, *caller.tenant)) return *std::move(behind);
    }
    bus::http::Call call{request, caller, std::move(match.parameters), request_id};
    // Taken before the rows are read: what the answer shows is at least this new.
    const bool reads = request.method == "GET" || request.method == "HEAD";
    if (caller.tenant && reads)
        call.moment = {ports_.reads->position(*caller.tenant), ports_.clock->now()};
    (void)WatchedReads::take_failure();
    const auto as_of = bus::http::query_value(request.query, "as_of");
    Response response = as_of ? call_as_of(*match.route, call, *as_of) : match.route->handle(call);
    if (const auto failed = WatchedReads::take_failure()) {
        return problem(
            503, "rows_unreadable",
            fmt::format("{}; the partition is being mended, ask again", failed->message));
    }
    // A write's handler may know better: where its own fact stands.
    if (!caller.tenant || response.has_header("X-Position")) return response;
    const bus::Position position =
        reads ? call.moment.position : ports_.reads->position(*caller.tenant);
    response.headers.emplace_back("X-Position", bus::to_token(position));
    return response;
}

std::size_t Dispatcher::body_bytes_max(const bus::http::Request& head) const {
    const auto match = router_.find(head.method, head.path);
    const bool has_own = match.route && match.route->body_bytes_max > 0;
    return has_own ? match.route->body_bytes_max : options_.body_bytes_max;
}

Response Dispatcher::answer(const bus::http::Request& request) const {
    const std::string request_id = request_id_of(request);
    Response response = route_and_call(request, request_id);
    response.headers.emplace_back("X-Request-Id", request_id);
    return response;
}

}  // namespace projections::api
