#include "producers/body_form.hpp"

#include "bus/text.hpp"

#include <algorithm>

namespace producers {
namespace {

bool ends_with_json(std::string_view type) {
    return type.size() > 5 && equals_ignoring_case(type.substr(type.size() - 5), "+json");
}

}  // namespace

BodyForm body_form(const RequestView& request, bus::Topic topic) {
    if (request.body.empty() && request.method == "GET") return BodyForm::query;
    const auto header = request.field("content-type");
    const auto type = bus::trim(header.substr(0, header.find(';')));
    if (equals_ignoring_case(type, "application/json") || ends_with_json(type))
        return BodyForm::json;
    if (equals_ignoring_case(type, "message/rfc822")) return BodyForm::mail;
    const bool form = equals_ignoring_case(type, "application/x-www-form-urlencoded");
    if (topic == bus::Topic::email) {
        // curl sends --data-binary as a form unless told otherwise.
        return BodyForm::mail;
    }
    if (form) return BodyForm::form;
    if (equals_ignoring_case(type, "multipart/form-data")) return BodyForm::multipart;
    for (std::string_view vague :
         {"", "text/plain", "text/json", "application/octet-stream", "application/javascript"}) {
        if (equals_ignoring_case(type, vague)) return BodyForm::json;
    }
    return BodyForm::unsupported;
}

bus::Result<schemas::json::Value> check_form(std::string_view text, std::size_t pairs_max) {
    if (text.empty()) return bus::fail(bus::ErrorCode::invalid_input, "there are no parameters");
    const auto pairs = static_cast<std::size_t>(std::count(text.begin(), text.end(), '&')) + 1;
    if (pairs > pairs_max)
        return bus::fail(bus::ErrorCode::invalid_input, "{} parameters, at most {}", pairs,
                         pairs_max);
    return schemas::json::Value{};
}

}  // namespace producers
