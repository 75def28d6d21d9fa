#include "bus/http/http.hpp"

#include "bus/text.hpp"
#include "bus/utf8.hpp"

#include <algorithm>

namespace bus::http {
namespace {

void append_json_text(std::string& out, std::string_view text) {
    out += '"';
    for (char c : repaired_utf8(text)) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\')
            (out += '\\') += c;
        else if (byte < 0x20)
            out += fmt::format("\\u{:04x}", byte);
        else
            out += c;
    }
    out += '"';
}

// The header of that name, or none.
template <class Headers>
auto find_header(Headers& headers, std::string_view name) {
    return std::find_if(headers.begin(), headers.end(), [&](const NameValue& header) {
        return to_lower_ascii(header.first) == to_lower_ascii(name);
    });
}

}  // namespace

std::string_view title_of_status(int status) {
    switch (status) {
        case 200:
            return "OK";
        case 201:
            return "Created";
        case 202:
            return "Accepted";
        case 204:
            return "No Content";
        case 304:
            return "Not Modified";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 406:
            return "Not Acceptable";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 410:
            return "Gone";
        case 411:
            return "Length Required";
        case 412:
            return "Precondition Failed";
        case 413:
            return "Content Too Large";
        case 414:
            return "URI Too Long";
        case 415:
            return "Unsupported Media Type";
        case 417:
            return "Expectation Failed";
        case 422:
            return "Unprocessable Content";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 501:
            return "Not Implemented";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        default:
            return "Error";
    }
}

std::string_view Request::header(std::string_view lower_case_name) const {
    for (const auto& [name, value] : headers) {
        if (name == lower_case_name) return value;
    }
    return {};
}

bool Response::has_header(std::string_view name) const {
    return find_header(headers, name) != headers.end();
}

void Response::set_header(std::string_view name, std::string value) {
    if (const auto there = find_header(headers, name); there != headers.end())
        there->second = std::move(value);
    else
        headers.emplace_back(name, std::move(value));
}

std::string_view Call::parameter(std::string_view name) const {
    for (const auto& [key, value] : path_parameters) {
        if (key == name) return value;
    }
    return {};
}

namespace {

struct RawPair {
    std::string_view name, value;
};

// The first pair, which is taken off the query; none when there is no other.
std::optional<RawPair> take_pair(std::string_view& query) {
    query.remove_prefix(std::min(query.find_first_not_of('&'), query.size()));
    if (query.empty()) return std::nullopt;
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(pair.size());
    const auto equals = std::min(pair.find('='), pair.size());
    return RawPair{pair.substr(0, equals), pair.substr(std::min(equals + 1, pair.size()))};
}

}  // namespace

std::vector<NameValue> parse_query(std::string_view query) {
    std::vector<NameValue> out;
    while (const auto pair = take_pair(query))
        out.emplace_back(percent_decode(pair->name, true), percent_decode(pair->value, true));
    return out;
}

std::optional<std::string> query_value(std::string_view query, std::string_view name) {
    while (const auto pair = take_pair(query)) {
        if (percent_decode(pair->name, true) == name) return percent_decode(pair->value, true);
    }
    return std::nullopt;
}

Response problem(int status, std::string_view code, std::string_view detail,
                 const std::vector<FieldProblem>& fields) {
    Response response{
        .status = status, .content_type = "application/problem+json", .headers = {}, .body = {}};
    std::string& out = response.body;
    out = R"({"type":"about:blank","title":)";
    append_json_text(out, title_of_status(status));
    out += fmt::format(R"(,"status":{},"code":)", status);
    append_json_text(out, code);
    out += R"(,"detail":)";
    append_json_text(out, detail);
    if (!fields.empty()) {
        out += R"(,"fields":[)";
        for (const FieldProblem& field : fields) {
            if (&field != &fields.front()) out += ',';
            out += R"({"path":)";
            append_json_text(out, field.path);
            out += R"(,"code":)";
            append_json_text(out, field.code);
            out += R"(,"message":)";
            append_json_text(out, field.message);
            out += '}';
        }
        out += ']';
    }
    out += '}';
    if (status == 503 || status == 429) response.headers.emplace_back("Retry-After", "2");
    return response;
}

int status_of(ErrorCode code) {
    switch (code) {
        case ErrorCode::invalid_input:
            return 400;
        case ErrorCode::unauthenticated:
            return 401;
        case ErrorCode::forbidden:
            return 403;
        case ErrorCode::not_found:
            return 404;
        case ErrorCode::conflict:
            return 409;
        case ErrorCode::gone:
            return 410;
        case ErrorCode::too_large:
            return 413;
        case ErrorCode::unavailable:
            return 503;
        case ErrorCode::corrupt:
            return 503;
        case ErrorCode::cancelled:
            return 503;
    }
    return 500;
}

Response problem(const Error& error) {
    return problem(status_of(error.code), name(error.code), error.message);
}

}  // namespace bus::http
