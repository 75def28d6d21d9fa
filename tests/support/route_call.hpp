// One read route, asked as the dispatcher asks it once it knows who calls.
#pragma once

#include "bus/http/query_parameters.hpp"
#include "projections/api/api_context.hpp"

#include <doctest/doctest.h>

namespace tests {

inline bus::http::Response call_route(const projections::api::ApiContext& context,
                                      const std::string& pattern, const bus::http::Call& call) {
    for (const bus::http::Route& route : projections::api::all_read_routes(context)) {
        if (route.pattern != pattern) continue;
        auto refused = bus::http::refuse_unknown_parameters(route, call.request.query);
        return refused ? *std::move(refused) : route.handle(call);
    }
    FAIL("no route ", pattern);
    return {};
}

}  // namespace tests
