// An answer of a running instance as a command reads it, and the queries that ask for it.
#pragma once

#include "bus/text.hpp"
#include "schemas/json/json.hpp"
#include "tools/running_instance.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace tools {

// Values live as long as this.
class ParsedAnswer {
public:
    static bus::Result<ParsedAnswer> parse(bus::Result<std::string> text) {
        if (!text) return text.error();
        ParsedAnswer answer;
        answer.text_ = std::make_unique<std::string>(*std::move(text));
        const auto root = answer.parser_->parse(
            *answer.text_,
            {.bytes_max = answer.text_->size() + 1, .depth_max = 64, .keys_max = 10'000'000});
        if (!root) return root.error();
        answer.root_ = *root;
        return answer;
    }
    const std::string& text() const { return *text_; }
    schemas::json::Value root() const { return root_; }
    schemas::json::Value operator[](std::string_view name) const { return root_[name]; }

private:
    std::unique_ptr<std::string> text_;
    std::unique_ptr<schemas::json::Parser> parser_ = std::make_unique<schemas::json::Parser>();
    schemas::json::Value root_;
};

// "&name=value", encoded; nothing for an empty value.
inline std::string query_part(std::string_view name, std::string_view value) {
    if (value.empty()) return {};
    return std::string("&").append(name).append("=").append(bus::percent_encode(value));
}

inline std::string json_of(schemas::json::Value value) {
    std::string out;
    value.append_to(out);
    return out;
}

}  // namespace tools
