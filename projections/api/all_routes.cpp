#include "projections/api/api_context.hpp"

#include <iterator>

namespace projections::api {

std::vector<bus::http::Route> all_read_routes(const ApiContext& context) {
    std::vector<bus::http::Route> all;
    for (const auto group :
         {measure_routes, call_dashboard_routes, mail_dashboard_routes, conversation_routes,
          timeline_routes, mail_routes, billing_routes, call_routes, ingest_routes}) {
        auto routes = group(context);
        all.insert(all.end(), std::make_move_iterator(routes.begin()),
                   std::make_move_iterator(routes.end()));
    }
    return all;
}

}  // namespace projections::api
