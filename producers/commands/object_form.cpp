#include "producers/commands/object_form.hpp"

#include <algorithm>

namespace producers::commands {

using schemas::json::Kind;
using schemas::json::Value;

ObjectForm::ObjectForm(Value object, std::string path) : object_(object), path_(std::move(path)) {
    if (object_.kind() != Kind::object && object_.kind() != Kind::null)
        problems_.push_back({path_, "object_expected", "a JSON object is expected"});
}

std::string ObjectForm::path_of(std::string_view name) const {
    return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
}

void ObjectForm::problem(std::string_view name, std::string_view code, std::string message) {
    problems_.push_back({path_of(name), std::string(code), std::move(message)});
}

Value ObjectForm::value(std::string_view name) {
    known_.emplace(name);
    return object_[name];
}

bool ObjectForm::given(std::string_view name) {
    return bool(value(name));
}

std::optional<std::string> ObjectForm::text(std::string_view name) {
    const Value in = value(name);
    if (!in) return std::nullopt;
    if (in.kind() == Kind::null) return "";
    if (in.kind() != Kind::text) {
        problem(name, "text_expected", "a text is expected");
    } else if (in.text().size() > text_bytes_max) {
        problem(name, "too_long", fmt::format("at most {} bytes", text_bytes_max));
    } else if (in.text().find('\0') != std::string_view::npos) {
        problem(name, "invalid", "a NUL byte is not allowed");
    } else {
        return std::string(in.text());
    }
    return std::nullopt;
}

std::string ObjectForm::required_text(std::string_view name) {
    const std::size_t before = problems_.size();
    auto given_text = text(name);
    if ((!given_text || given_text->empty()) && problems_.size() == before)
        problem(name, "required", fmt::format("'{}' is required", name));
    return given_text.value_or("");
}

std::optional<bool> ObjectForm::flag(std::string_view name) {
    const Value in = value(name);
    if (!in) return std::nullopt;
    if (!in.boolean()) problem(name, "boolean_expected", "true or false is expected");
    return in.boolean();
}

std::optional<std::int64_t> ObjectForm::integer(std::string_view name, std::int64_t least,
                                                std::int64_t most) {
    const Value in = value(name);
    if (!in) return std::nullopt;
    const auto number = in.integer();
    if (number && *number >= least && *number <= most) return number;
    problem(name, "out_of_range",
            fmt::format("a whole number from {} to {} is expected", least, most));
    return std::nullopt;
}

std::optional<std::vector<std::string>> ObjectForm::list(std::string_view name) {
    const Value in = value(name);
    if (!in) return std::nullopt;
    std::vector<std::string> out;
    bool words = in.kind() == Kind::array || in.kind() == Kind::null;
    in.each_element([&](Value item) {
        words = words && item.kind() == Kind::text && item.text().size() <= text_bytes_max;
        out.emplace_back(item.text());
    });
    if (!words || out.size() > list_items_max) {
        problem(name, "list_expected",
                fmt::format("a list of at most {} texts is expected", list_items_max));
        return std::nullopt;
    }
    return out;
}

void ObjectForm::merge_words(std::string_view name, std::map<std::string, std::string>& target) {
    const Value in = value(name);
    if (!in) return;
    if (in.kind() == Kind::null) return target.clear();
    if (in.kind() != Kind::object) return problem(name, "object_expected", "an object of texts");
    in.each_member([&](std::string_view key, Value word) {
        if (word.kind() == Kind::null) {
            target.erase(std::string(key));
        } else if (word.kind() == Kind::array || word.kind() == Kind::object ||
                   word.scalar_text().size() > text_bytes_max) {
            problem(fmt::format("{}.{}", name, key), "text_expected", "a text is expected");
        } else {
            target[std::string(key)] = word.scalar_text();
        }
    });
    if (target.size() > list_items_max)
        problem(name, "too_many", fmt::format("at most {} entries", list_items_max));
}

std::optional<std::string> ObjectForm::choice(std::string_view name,
                                              std::initializer_list<std::string_view> words) {
    auto word = text(name);
    if (!word || std::find(words.begin(), words.end(), *word) != words.end()) return word;
    problem(name, "not_allowed", fmt::format("one of {} is expected", fmt::join(words, ", ")));
    return std::nullopt;
}

void ObjectForm::note_unknown() {
    object_.each_member([&](std::string_view name, Value) {
        if (!known_.contains(name))
            problem(name, "unknown_field",
                    fmt::format("'{}' is not known; known are {}", name, fmt::join(known_, ", ")));
    });
}

void ObjectForm::take(ObjectForm& part) {
    part.note_unknown();
    for (auto& one : part.problems_) problems_.push_back(std::move(one));
    part.problems_.clear();
}

std::optional<bus::http::Response> ObjectForm::refusal() {
    note_unknown();
    if (problems_.empty()) return std::nullopt;
    return bus::http::problem(422, "invalid_fields",
                              fmt::format("{}: {}", problems_[0].path, problems_[0].message),
                              problems_);
}

std::variant<Value, bus::http::Response> parse_object(schemas::json::Parser& parser,
                                                      std::string_view body) {
    auto parsed = parser.parse(body.empty() ? "{}" : body);
    if (!parsed) return bus::http::problem(parsed.error());
    if (parsed->kind() == Kind::object) return *parsed;
    return bus::http::problem(400, "object_expected", "the body must be one JSON object");
}

}  // namespace producers::commands
