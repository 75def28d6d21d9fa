#include "producers/import/import_line.hpp"

#include "bus/text.hpp"

namespace producers::import {

using bus::Done;
using bus::ErrorCode;
using bus::Result;
using schemas::json::Kind;
using schemas::json::Value;

namespace {

bus::Error wrong(std::string_view member, std::string_view wanted) {
    return bus::fail(ErrorCode::invalid_input, "'{}' must be {}", member, wanted);
}

template <class T>
Result<Done> take(const Result<T>& parsed, std::string_view member, std::optional<T>& out) {
    if (!parsed)
        return bus::fail(ErrorCode::invalid_input, "'{}': {}", member, parsed.error().message);
    out = *parsed;
    return Done{};
}

Result<Done> read_kept(Value record, KeptRecord& out) {
    Result<Done> done = Done{};
    record.each_member([&](std::string_view name, Value value) {
        if (!done) return;
        if (name == "id")
            done = take(bus::parse_event_id(value.text()), "record.id", out.id);
        else if (name == "received_at")
            done = take(bus::from_iso(value.text()), "record.received_at", out.received_at);
        else if (name == "time")
            done = take(bus::from_iso(value.text()), "record.time", out.time);
        else if (name == "address")
            done = take(bus::parse_address(value.text()), "record.address", out.address);
        else if (name == "mapping")
            out.stamp = value.text();
        else if (name == "source")
            out.source = value.text();
        else if (name != "verified")  // by whom elsewhere: nothing that this log could vouch for
            done = bus::fail(ErrorCode::invalid_input, "'record.{}' is not known", name);
    });
    return done;
}

Result<Done> read_headers(Value headers, ImportLine& out) {
    if (headers.kind() != Kind::object) return wrong("headers", "an object of texts");
    bool texts = true;
    headers.each_member([&](std::string_view name, Value value) {
        texts = texts && value.kind() == Kind::text;
        out.headers.emplace_back(bus::to_lower_ascii(name), std::string(value.text()));
    });
    if (!texts) return wrong("headers", "an object of texts");
    return Done{};
}

Result<Done> read_body(std::string_view name, Value value, std::string& out) {
    if (value.kind() != Kind::text) return wrong(name, "a text; a JSON body stands in it as text");
    if (name == "body") {
        out.reserve(value.text().size() + parser_padding_bytes);
        out = value.text();
        return Done{};
    }
    auto bytes = bus::from_base64(value.text());
    if (!bytes) return wrong(name, "base64");
    out = *std::move(bytes);
    out.reserve(out.size() + parser_padding_bytes);
    return Done{};
}

std::string* text_member(std::string_view name, ImportLine& line) {
    if (name == "method") return &line.method;
    if (name == "path") return &line.path;
    if (name == "query") return &line.query;
    if (name == "key") return &line.key;
    return nullptr;
}

Result<Done> read_member(std::string_view name, Value value, ImportLine& line) {
    if (name == "headers") return read_headers(value, line);
    if (name == "record") return read_kept(value, line.kept);
    if (name == "refused") return Done{};
    std::string* text = text_member(name, line);
    if (!text && name != "content_type")
        return bus::fail(ErrorCode::invalid_input,
                         "'{}' is not known; see POST /v1/imports/records", name);
    if (value.kind() != Kind::text) return wrong(name, "a text");
    if (text)
        *text = value.text();
    else
        line.headers.emplace_back("content-type", std::string(value.text()));
    return Done{};
}

}  // namespace

Result<ImportLine> read_import_line(Value json) {
    if (json.kind() != Kind::object) return wrong("line", "a JSON object");
    ImportLine line;
    Result<Done> done = Done{};
    int bodies = 0;
    json.each_member([&](std::string_view name, Value value) {
        if (!done) return;
        const bool is_body = name == "body" || name == "body_base64";
        bodies += is_body ? 1 : 0;
        done = is_body ? read_body(name, value, line.body) : read_member(name, value, line);
    });
    if (!done) return done.error();
    if (bodies > 1) return wrong("body", "given once, as body or as body_base64");
    if (bodies == 0 && line.query.empty()) return wrong("body", "there (or body_base64, or query)");
    if (line.method.empty()) line.method = bodies == 0 ? "GET" : "POST";
    return line;
}

}  // namespace producers::import
