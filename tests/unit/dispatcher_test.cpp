// What the dispatcher adds to the answers of handlers.
#include "projections/api/dispatcher.hpp"

#include "bus/text.hpp"
#include "tests/support/eventually.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <future>

using bus::http::Response;
using projections::api::Dispatcher;

namespace {

class NoRows : public projections::ReadPort {
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

// Rows that stand still: who may wait, waits until it is let go.
class BehindRows final : public NoRows {
public:
    bus::Result<bool> wait_for(bus::TenantId, const bus::Position&,
                               bus::milliseconds wait_max) override {
        if (wait_max > bus::milliseconds{0}) {
            ++waiting;
            let_go.wait_for(wait_max);
        }
        return false;
    }
    std::atomic<int> waiting{0};
    std::promise<void> end;
    const std::shared_future<void> let_go{end.get_future()};
};

// The tenant of which the request says the number.
bus::Result<bus::http::Caller> told_tenant(const bus::http::Request& request) {
    const auto told = static_cast<std::uint64_t>(std::stoul(std::string(request.header("tenant"))));
    return bus::http::Caller{.tenant = bus::TenantId{told}, .admin = false, .key_id = {}};
}

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

TEST_CASE("dispatcher: readers of a partition that stands still leave threads to others") {
    BehindRows rows;
    projections::api::ApiOptions options;
    options.position_waits = {.waiting_max = 3, .tenant_waiting_max = 2};
    const Dispatcher dispatcher(
        options, {.reads = &rows, .authenticate = told_tenant},
        {{.method = "GET",
          .pattern = "/v1/things",
          .operation = "listThings",
          .handle = [](const bus::http::Call&) { return Response{.status = 200}; }}});
    const auto ask = [&](std::string tenant, bool with_position) {
        bus::http::Request request;
        request.method = "GET";
        request.path = "/v1/things";
        request.headers.push_back({"tenant", std::move(tenant)});
        if (with_position)
            request.headers.push_back({"x-min-position", bus::to_token(bus::Position{})});
        return dispatcher.answer(request).status;
    };
    std::vector<std::future<int>> waiting;
    const auto wait = [&](const char* tenant) {
        waiting.push_back(std::async(std::launch::async, ask, tenant, true));
        CHECK(tests::eventually([&] { return rows.waiting == static_cast<int>(waiting.size()); }));
    };
    wait("1");
    wait("1");
    CHECK(ask("1", true) == 504);  // as many of its own wait as may
    CHECK(rows.waiting == 2);
    wait("2");
    CHECK(ask("3", true) == 504);  // as many of all
    CHECK(rows.waiting == 3);
    CHECK(ask("1", false) == 200);
    rows.end.set_value();
    for (auto& one : waiting) CHECK(one.get() == 504);
    CHECK(ask("3", true) == 504);
    CHECK(rows.waiting == 4);  // it had a turn again
}
