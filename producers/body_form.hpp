// What a request's body claims to be, by method and Content-Type.
#pragma once

#include "bus/topic.hpp"
#include "producers/request_view.hpp"
#include "schemas/json/json.hpp"

namespace producers {

enum class BodyForm : std::uint8_t { json, form, multipart, query, mail, unsupported };

// No Content-Type, and those that programs send for want of a better one, count as JSON; on a mail
// topic as mail.
BodyForm body_form(const RequestView& request, bus::Topic topic);

// An absent value, or invalid_input when there are too many pairs or none.
bus::Result<schemas::json::Value> check_form(std::string_view text, std::size_t pairs_max);

}  // namespace producers
