#include "tools/forwarder.hpp"

#include "bus/envelope.hpp"
#include "bus/text.hpp"

#include <algorithm>

namespace tools {
namespace {

using schemas::json::Value;

bool is_host(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
               std::string_view(".-_:[]").find(c) != std::string_view::npos;
    });
}

// What a kept header may not say for the new request.
bool is_of_the_connection(std::string_view name) {
    constexpr std::string_view names[] = {
        "host", "content-length", "content-type", "transfer-encoding", "connection", "expect"};
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

std::string header_text(Value headers, std::string_view name) {
    return std::string(headers[name].text());
}

std::string without_line_ends(std::string_view text) {
    std::string out;
    std::copy_if(text.begin(), text.end(), std::back_inserter(out),
                 [](char c) { return static_cast<unsigned char>(c) >= ' '; });
    return out;
}

}  // namespace

bus::Result<ForwardUrl> parse_forward_url(std::string_view text) {
    const auto wrong = [&] {
        return bus::fail(bus::ErrorCode::invalid_input,
                         "'{}' is no URL like http://localhost:3000/hooks", text);
    };
    std::size_t scheme = 0;
    for (const std::string_view known : {"http://", "https://"})
        if (text.starts_with(known)) scheme = known.size();
    if (scheme == 0 || text.find_first_of("?# \t\r\n") != text.npos) return wrong();
    const auto slash = std::min(text.find('/', scheme), text.size());
    if (!is_host(text.substr(scheme, slash - scheme))) return wrong();
    const std::string_view path = text.substr(slash);
    return ForwardUrl{.base = std::string(text.substr(0, slash)),
                      .path = std::string(path == "/" ? "" : path)};
}

bus::Result<bus::net::ClientRequest> forwarded_request(Value record, const ForwardUrl& url,
                                                       bus::milliseconds deadline) {
    const Value headers = record["headers"];
    auto body = bus::from_base64(record["body_base64"].text());
    if (!body) return body.error();
    const std::string path = header_text(headers, bus::header::path);
    const bool is_query = headers[bus::header::value_is].text() == "query";
    const std::string query = is_query ? *body : header_text(headers, bus::header::query);
    bus::net::ClientRequest request;
    request.method = header_text(headers, bus::header::method);
    request.url = url.base + (url.path.empty() ? path : url.path);
    request.deadline = deadline;
    if (request.method.empty()) request.method = "POST";
    if (!query.empty()) request.url += "?" + query;
    if (!is_query) request.body = *std::move(body);
    const auto add = [&](std::string name, std::string_view value) {
        request.headers.emplace_back(std::move(name), without_line_ends(value));
    };
    if (const auto type = header_text(headers, bus::header::content_type); !type.empty())
        add("content-type", type);
    headers.each_member([&](std::string_view name, Value value) {
        if (!name.starts_with(bus::header::http_prefix)) return;
        name.remove_prefix(bus::header::http_prefix.size());
        if (!is_of_the_connection(name)) add(std::string(name), value.text());
    });
    add("tributary-request-id", record["id"].text());
    add("tributary-address", record["address"].text());
    add("tributary-received-at", record["ingest_time"].text());
    add("tributary-path", path);
    return request;
}

}  // namespace tools
