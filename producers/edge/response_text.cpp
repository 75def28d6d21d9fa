#include "producers/edge/response_text.hpp"

#include <ctime>

namespace producers::edge {
namespace {

// Written once a second. One thread answers, tests may have several.
std::string_view date() {
    thread_local std::time_t at = 0;
    thread_local char text[40];
    thread_local std::size_t length = 0;
    const std::time_t now = std::time(nullptr);
    if (now != at) {
        std::tm utc{};
        gmtime_r(&now, &utc);
        length = std::strftime(text, sizeof text, "\r\nDate: %a, %d %b %Y %H:%M:%S GMT", &utc);
        at = now;
    }
    return {text, length};
}

void append_number(std::string& out, std::size_t value) {
    const fmt::format_int digits(value);
    out.append(digits.data(), digits.size());
}

void append_end(std::string& out, std::string_view body, AnswerTraits traits) {
    out += date();
    out += traits.close ? "\r\nConnection: close\r\n\r\n" : "\r\n\r\n";
    if (!traits.head_only) out += body;
}

}  // namespace

void append_response(std::string& out, const bus::http::Response& response, AnswerTraits traits) {
    out += "HTTP/1.1 ";
    append_number(out, static_cast<std::size_t>(response.status));
    out.append(" ").append(bus::http::title_of_status(response.status));
    if (!response.body.empty()) out.append("\r\nContent-Type: ").append(response.content_type);
    if (response.status != 204) {
        out += "\r\nContent-Length: ";
        append_number(out, response.body.size());
    }
    for (const auto& [name, value] : response.headers)
        out.append("\r\n").append(name).append(": ").append(value);
    append_end(out, response.body, traits);
}

void append_accepted(std::string& out, std::string_view position, std::string_view body,
                     AnswerTraits traits) {
    out += "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nX-Position: ";
    out += position;
    out += "\r\nContent-Length: ";
    append_number(out, body.size());
    append_end(out, body, traits);
}

}  // namespace producers::edge
