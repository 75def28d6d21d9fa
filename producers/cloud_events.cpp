#include "producers/cloud_events.hpp"

#include "bus/text.hpp"
#include "producers/json_slices.hpp"

#include <algorithm>

namespace producers {

using schemas::json::Kind;
using schemas::json::Value;

namespace {

constexpr std::size_t attribute_bytes_max = 2'048;
constexpr std::size_t attributes_max = 64;
constexpr std::size_t batch_keys_factor = 16;
constexpr std::string_view header_prefix = "ce-";

std::string_view media_type(std::string_view content_type) {
    return bus::trim(content_type.substr(0, content_type.find(';')));
}

bool is_attribute_name(std::string_view name) {
    return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    });
}

void check(CloudEvent& event) {
    if (!event.problem.empty()) return;
    for (std::string_view needed : {"id", "source", "type"}) {
        if (event.attribute(needed).empty()) {
            event.problem = fmt::format("the attribute {} is missing or empty", needed);
            return;
        }
    }
    if (event.attribute("specversion") != "1.0") {
        event.problem = "specversion must be 1.0";
        return;
    }
    const auto time = event.attribute("time");
    if (!time.empty() && !bus::from_iso(time)) event.problem = "time is not an RFC 3339 time";
}

void add_attribute(CloudEvent& event, std::string_view name, std::string value) {
    if (!is_attribute_name(name))
        event.problem = "attribute names are lower-case letters and digits";
    else if (value.size() > attribute_bytes_max || event.attributes.size() == attributes_max)
        event.problem = "too many attributes, or one is too long";
    else
        event.attributes.emplace_back(name, std::move(value));
}

bool is_json(std::string_view content_type) {
    const std::string type = bus::to_lower_ascii(media_type(content_type));
    return type.empty() || type == "application/json" || type.ends_with("+json");
}

CloudEvent from_headers(const RequestView& request, schemas::json::Parser& parser,
                        const schemas::json::Limits& limits) {
    CloudEvent event;
    for (const FieldView& field : request.fields) {
        const std::string name = bus::to_lower_ascii(field.name);
        if (!name.starts_with(header_prefix)) continue;
        add_attribute(event, std::string_view(name).substr(header_prefix.size()),
                      bus::percent_decode(field.value, false));
    }
    event.content_type = request.field("content-type");
    event.body = request.body;
    if (!event.body.empty() && is_json(event.content_type)) {
        if (auto parsed = parser.parse(event.body, limits); !parsed)
            event.problem = parsed.error().message;
    }
    check(event);
    return event;
}

CloudEvent from_document(std::string_view text, schemas::json::Parser& parser,
                         const schemas::json::Limits& limits) {
    CloudEvent event;
    auto document = parser.parse(text, limits);
    if (!document || document->kind() != Kind::object) {
        event.problem = document ? "an event must be a JSON object" : document.error().message;
        return event;
    }
    document->each_member([&](std::string_view name, Value value) {
        const bool is_data = name == "data" || name == "data_base64";
        if (!is_data && value.kind() != Kind::null) add_attribute(event, name, value.scalar_text());
    });
    event.content_type = "application/cloudevents+json";
    event.body = text;
    check(event);
    return event;
}

}  // namespace

std::string_view CloudEvent::attribute(std::string_view name) const {
    for (const auto& [key, value] : attributes) {
        if (key == name) return value;
    }
    return {};
}

EventsForm events_form(const RequestView& request, bool batch) {
    const std::string type = bus::to_lower_ascii(media_type(request.field("content-type")));
    if (type == "application/cloudevents-batch+json") return EventsForm::array;
    if (type == "application/x-ndjson" || type == "application/ndjson" ||
        type == "application/jsonl")
        return EventsForm::lines;
    if (type == "application/cloudevents+json") return EventsForm::structured;
    if (!request.field("ce-specversion").empty()) return EventsForm::binary;
    if (type.empty() || type == "application/json") {
        const bool array = batch || bus::trim(request.body).starts_with('[');
        return array ? EventsForm::array : EventsForm::structured;
    }
    return EventsForm::unsupported;
}

bus::Result<std::vector<CloudEvent>> parse_events(const RequestView& request, EventsForm form,
                                                  schemas::json::Parser& parser,
                                                  const schemas::json::Limits& limits,
                                                  std::size_t items_max) {
    std::vector<CloudEvent> events;
    const auto add = [&](std::string_view text) {
        if (events.size() <= items_max) events.push_back(from_document(text, parser, limits));
    };
    switch (form) {
        case EventsForm::binary:
            events.push_back(from_headers(request, parser, limits));
            break;
        case EventsForm::structured:
            add(request.body);
            break;
        case EventsForm::lines: {
            std::string_view rest = request.body;
            while (!rest.empty()) {
                const auto line = rest.substr(0, rest.find('\n'));
                rest.remove_prefix(std::min(rest.size(), line.size() + 1));
                if (!bus::trim(line).empty()) add(bus::trim(line));
            }
            break;
        }
        case EventsForm::array: {
            auto whole = limits;  // the bound on keys is meant for one event
            whole.keys_max = limits.keys_max * batch_keys_factor;
            auto document = parser.parse(request.body, whole);
            if (!document) return document.error();
            if (document->kind() != Kind::array)
                return bus::fail(bus::ErrorCode::invalid_input, "a batch is a JSON array");
            each_element_slice(request.body, add);
            break;
        }
        case EventsForm::unsupported:
            break;
    }
    return events;
}

}  // namespace producers
