#include "schemas/mapping/document.hpp"

#include "bus/text.hpp"

#include <array>

namespace schemas::mapping {

namespace {

constexpr std::string_view kind_names[] = {"json", "form", "query", "mail"};
constexpr std::size_t parameters_max = 10'000;

std::string_view media_type(std::string_view content_type) {
    return bus::trim(content_type.substr(0, content_type.find(';')));
}

bool looks_like_json(std::string_view body) {
    const auto first = body.find_first_not_of(" \t\r\n");
    return first != body.npos && (body[first] == '{' || body[first] == '[');
}

// Some senders name a form, or nothing, and send JSON, so there the first byte decides.
BodyKind kind_of(const bus::RecordView& record, std::string_view content_type,
                 const Program& program) {
    if (record.headers.get(bus::header::value_is) == "query") return BodyKind::query;
    const std::string type = bus::to_lower_ascii(media_type(content_type));
    if (type == "message/rfc822") return BodyKind::mail;
    if (type == "application/json" || type.ends_with("+json")) return BodyKind::json;
    if (looks_like_json(record.value)) return BodyKind::json;
    if (type == "application/x-www-form-urlencoded" || type == "multipart/form-data") {
        return BodyKind::form;
    }
    if (program.accepts(BodyKind::mail)) return BodyKind::mail;
    return program.accepts(BodyKind::form) ? BodyKind::form : BodyKind::json;
}

// A CloudEvent in binary mode, whose attributes are headers: it need not have data.
bool is_event_in_headers(const bus::RecordView& record) {
    static const std::string name = std::string(bus::header::http_prefix) + "ce-specversion";
    return !record.headers.get(name).empty();
}

// `a=b&c=d` as a JSON object of texts.
bus::Result<bus::Done> append_parameters(std::string_view text, std::string& json) {
    json::Writer writer(json);
    writer.begin_object();
    std::size_t count = 0;
    while (!text.empty()) {
        const auto pair = text.substr(0, text.find('&'));
        text.remove_prefix(std::min(pair.size() + 1, text.size()));
        if (pair.empty()) continue;
        if (++count > parameters_max) {
            return bus::fail(bus::ErrorCode::invalid_input, "more than {} parameters",
                             parameters_max);
        }
        const auto equals = std::min(pair.find('='), pair.size());
        const auto value = pair.substr(std::min(equals + 1, pair.size()));
        writer.key(bus::percent_decode(pair.substr(0, equals), true));
        writer.text(bus::percent_decode(value, true));
    }
    writer.end_object();
    return bus::Done{};
}

// The value of `name` in a header such as `form-data; name="From"`.
std::string_view parameter(std::string_view header, std::string_view name) {
    for (auto rest = header; !rest.empty();) {
        const auto semicolon = rest.find(';');
        if (semicolon == rest.npos) return {};
        rest = bus::trim(rest.substr(semicolon + 1));
        const auto equals = rest.find('=');
        if (equals == rest.npos) return {};
        if (bus::to_lower_ascii(rest.substr(0, equals)) != name) continue;
        auto value = rest.substr(equals + 1);
        if (value.starts_with('"')) return value.substr(1, value.find('"', 1) - 1);
        return bus::trim(value.substr(0, value.find(';')));
    }
    return {};
}

std::string_view disposition_of(std::string_view headers) {
    while (!headers.empty()) {
        const auto line = headers.substr(0, headers.find("\r\n"));
        headers.remove_prefix(std::min(line.size() + 2, headers.size()));
        constexpr std::string_view name = "content-disposition:";
        if (bus::to_lower_ascii(line.substr(0, name.size())) == name)
            return line.substr(name.size());
    }
    return {};
}

// RFC 7578; files count as texts like the other parts.
bus::Result<bus::Done> append_multipart(std::string_view body, std::string_view boundary,
                                        std::string& json) {
    const std::string delimiter = fmt::format("--{}", boundary);
    json::Writer writer(json);
    writer.begin_object();
    auto start = body.find(delimiter);
    for (std::size_t count = 0; start != body.npos; ++count) {
        body.remove_prefix(start + delimiter.size());
        const auto end = body.find(delimiter);
        const auto head_end = body.find("\r\n\r\n");
        if (body.starts_with("--") || end == body.npos || head_end >= end) break;
        if (count >= parameters_max) break;
        const auto name = parameter(disposition_of(body.substr(0, head_end)), "name");
        auto value = body.substr(head_end + 4, end - head_end - 4);
        if (value.ends_with("\r\n")) value.remove_suffix(2);
        if (!name.empty()) writer.key(name).text(value);
        start = end;
    }
    writer.end_object();
    return bus::Done{};
}

bus::Result<bus::Done> append_form(std::string_view body, std::string_view content_type,
                                   std::string& json) {
    if (bus::to_lower_ascii(media_type(content_type)) != "multipart/form-data") {
        return append_parameters(body, json);
    }
    const auto boundary = parameter(content_type, "boundary");
    if (!boundary.empty()) return append_multipart(body, boundary, json);
    return bus::fail(bus::ErrorCode::invalid_input, "multipart form without boundary");
}

}  // namespace

bus::Result<json::Value> DocumentReader::parse_made() {
    const std::size_t size = made_.size();
    made_.append(64, '\0');  // what the parser may read past the end
    return parser_.parse({made_.data(), size}, body_limits, true);
}

bus::Result<json::Value> DocumentReader::read_parameters(std::string_view query) {
    made_.clear();
    if (auto made = append_parameters(query, made_); !made) return made.error();
    return parse_made();
}

bus::Result<Document> DocumentReader::read(const bus::RecordView& record,
                                           std::string_view content_type, const Program& program) {
    const BodyKind kind = kind_of(record, content_type, program);
    if (!program.accepts(kind)) {
        return bus::fail(bus::ErrorCode::invalid_input, "the mapping does not read {}",
                         kind_names[static_cast<std::size_t>(kind)]);
    }
    if (kind == BodyKind::json) {
        if (record.value.empty() && is_event_in_headers(record)) return Document{};
        auto root = parser_.parse(record.value, body_limits, true);
        if (!root) return root.error();
        return Document{*root, false};
    }
    made_.clear();
    bus::Result<bus::Done> made = bus::Done{};
    if (kind == BodyKind::query) made = append_parameters(record.value, made_);
    if (kind == BodyKind::form) made = append_form(record.value, content_type, made_);
    if (kind == BodyKind::mail && !mail_reader_) {
        return bus::fail(bus::ErrorCode::invalid_input, "no reader for mails is set");
    }
    if (kind == BodyKind::mail) made = mail_reader_(record.value, made_);
    if (!made) return made.error();
    auto root = parse_made();
    if (!root) return root.error();
    return Document{*root, kind != BodyKind::mail};
}

}  // namespace schemas::mapping
