#include "producers/json_path.hpp"

#include "bus/http/http.hpp"
#include "bus/text.hpp"

#include <algorithm>
#include <charconv>

namespace producers {

using schemas::json::Kind;
using schemas::json::Value;

bus::Result<JsonPath> JsonPath::compile(std::string_view text) {
    const auto bad = [&] {
        return bus::fail(bus::ErrorCode::invalid_input, "'{}' is not a path the door knows", text);
    };
    JsonPath path;
    path.name_ = text;
    if (text.starts_with("$header.")) {
        path.from_ = From::header;
        path.name_ = bus::to_lower_ascii(text.substr(8));
        return path;
    }
    if (text.starts_with("$query.")) {
        path.from_ = From::query;
        path.name_ = text.substr(7);
        return path;
    }
    std::string_view rest = text;
    for (std::string_view root : {"$body.", "$."}) {
        if (rest.starts_with(root)) rest.remove_prefix(root.size());
    }
    if (rest.empty() || rest.starts_with('$')) return bad();
    while (!rest.empty()) {
        if (rest.front() == '[') {
            const auto close = rest.find(']');
            if (close == std::string_view::npos) return bad();
            Step step{.member = {}, .into_array = true};
            const auto digits = rest.substr(1, close - 1);
            if (!digits.empty()) {
                const auto [end, error] =
                    std::from_chars(digits.data(), digits.data() + digits.size(), step.index);
                if (error != std::errc{} || end != digits.data() + digits.size() || step.index < 0)
                    return bad();
            }
            path.steps_.push_back(std::move(step));
            rest.remove_prefix(close + 1);
        } else {
            const auto member = rest.substr(0, rest.find_first_of(".["));
            if (member.empty()) return bad();
            path.steps_.push_back({.member = std::string(member)});
            rest.remove_prefix(member.size());
        }
        if (!rest.empty() && rest.front() == '.') {
            rest.remove_prefix(1);
            if (rest.empty()) return bad();
        }
    }
    return path;
}

bool JsonPath::collect(const RequestView& request, const Payload& payload,
                       std::vector<std::string>& out, std::size_t values_max) const {
    if (from_ == From::header) {
        const auto value = request.field(name_);
        if (!value.empty()) out.emplace_back(value);
        return !value.empty();
    }
    if (from_ == From::query) return parameter(request.query, out);
    if (payload.document) return walk(payload.document, 0, out, values_max);
    return parameter(payload.parameters, out);
}

bool JsonPath::finds_many() const {
    return std::any_of(steps_.begin(), steps_.end(),
                       [](const Step& step) { return step.into_array && step.index < 0; });
}

bool JsonPath::parameter(std::string_view query, std::vector<std::string>& out) const {
    auto value = bus::http::query_value(query, name_);
    if (!value || value->empty()) return false;
    out.push_back(*std::move(value));
    return true;
}

bool JsonPath::walk(Value at, std::size_t step, std::vector<std::string>& out,
                    std::size_t values_max) const {
    if (step == steps_.size()) {
        std::string text = at.kind() == Kind::text ? std::string(at.text()) : at.scalar_text();
        if (text.empty()) return false;
        out.push_back(std::move(text));
        return true;
    }
    const Step& next = steps_[step];
    if (!next.into_array) return walk(at[next.member], step + 1, out, values_max);
    if (next.index >= 0)
        return walk(at.at(static_cast<std::size_t>(next.index)), step + 1, out, values_max);
    bool found = false, missed = false;
    at.each_element([&](Value element) {
        if (out.size() > values_max) return;
        (walk(element, step + 1, out, values_max) ? found : missed) = true;
    });
    return found && !missed;
}

}  // namespace producers
