#include "projections/api/list_answer.hpp"

#include "schemas/json/json.hpp"

namespace projections::api {

bus::http::Response list_answer(const bus::http::Call& call, const ListPage& page,
                                const PageRequest& request, std::string_view further) {
    std::string body;
    body.reserve(page.data.size() + 512);
    schemas::json::Writer json(body);
    json.begin_object().key("data").raw(page.data).key("page").begin_object();
    if (request.cursor.empty()) json.member("page", static_cast<std::int64_t>(request.page));
    json.member("limit", static_cast<std::int64_t>(request.limit));
    if (page.total) {
        json.member("total", static_cast<std::int64_t>(*page.total))
            .member("total_exact", page.total_exact);
    }
    if (!page.next_cursor.empty()) json.member("next_cursor", page.next_cursor);
    if (!page.previous_cursor.empty()) json.member("previous_cursor", page.previous_cursor);
    json.end_object().member("position", bus::to_token(call.moment.position));
    json.end_object();
    if (!further.empty()) body.insert(body.size() - 1, further);
    return json_answer(call, std::move(body));
}

bus::http::Response object_answer(const bus::http::Call& call,
                                  const std::optional<std::string>& object, std::string_view what) {
    if (!object)
        return bus::http::problem(404, "not_found", fmt::format("there is no such {}", what));
    // Rows made from raw events have no version of their own (facts move versions).
    bus::http::Response response = json_answer(call, *object, 0);
    if (response.status != 200) return response;
    std::string meta = R"(,"_meta":{"version":0,"position":")";
    meta += bus::to_token(call.moment.position);
    meta += "\"}";
    response.body.insert(response.body.size() - 1, meta);
    return response;
}

}  // namespace projections::api
