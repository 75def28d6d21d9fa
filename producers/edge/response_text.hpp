// Answers as bytes on the wire.
#pragma once

#include "bus/http/http.hpp"

#include <string>

namespace producers::edge {

struct AnswerTraits {
    bool close = false;
    bool head_only = false;  // HEAD: the length is told, the body left out
};

void append_response(std::string& out, const bus::http::Response& response, AnswerTraits traits);

// 200 with a JSON body and a position: nearly all answers, without a Response in between.
void append_accepted(std::string& out, std::string_view position, std::string_view body,
                     AnswerTraits traits);

inline constexpr std::string_view continue_text = "HTTP/1.1 100 Continue\r\n\r\n";
inline constexpr std::string_view full_text =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nContent-Length: 0\r\n"
    "Connection: close\r\n\r\n";

}  // namespace producers::edge
