// What the dispatcher adds to the answers of handlers.
#include "projections/api/dispatcher.hpp"

#include "bus/text.hpp"

#include <doctest/doctest.h>

using bus::http::Response;
using projections::api::Dispatcher;

namespace {

class NoRows final : public projections::ReadPort {
public:
    bus::Result<std::unique_ptr<projections::ReadView>> view(bus::TenantId,
                                                             std::string_view projection) override {
        return bus::fail(bus::ErrorCode::not_found, "no projection {}", projection);
    }
    bus::Position position(bus::TenantId) override { return {}; }
    bus::Result<bool> wait_for(bus::TenantId, const bus::Position&, bus::milliseconds) override {
        return true;
    }
};

bus::Result<bus::http::Caller> a_tenant(const bus::http::Request&) {
    return bus::http::Caller{.tenant = bus::TenantId{5}, .admin = false, .key_id = {}};
}

// The answer to a write whose handler gives `headers`.
Response answer_with(std::vector<bus::http::NameValue> headers) {
    NoRows rows;
    const Dispatcher dispatcher(
        {}, {.reads = &rows, .authenticate = a_tenant},
        {{.method = "POST",
          .pattern = "/v1/things",
          .operation = "makeThing",
          .handle = [&](const bus::http::Call&) { return Response{.headers = headers}; }}});
    bus::http::Request request;
    request.method = "POST";
    request.path = "/v1/things";
    return dispatcher.answer(request);
}

std::vector<std::string> values_of(const Response& response, std::string_view lower_case_name) {
    std::vector<std::string> values;
    for (const auto& [name, value] : response.headers)
        if (bus::to_lower_ascii(name) == lower_case_name) values.push_back(value);
    return values;
}

}  // namespace

TEST_CASE("dispatcher: a write's own position is the only one") {
    CHECK(values_of(answer_with({{"x-position", "of the fact"}}), "x-position") ==
          std::vector<std::string>{"of the fact"});
    CHECK(values_of(answer_with({}), "x-position") == std::vector{bus::to_token(bus::Position{})});
}
