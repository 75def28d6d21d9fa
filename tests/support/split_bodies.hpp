// Any JSON cut by account paths: parts that are JSON, and hold every element exactly once.
#pragma once

#include "producers/body_parts.hpp"

#include <map>

namespace tests {

inline const std::vector<producers::AccountPath>& cut_paths() {
    static schemas::ProviderKind kind;
    static const std::vector<producers::AccountPath> paths = [] {
        kind.kind = "k";
        std::vector<producers::AccountPath> made;
        for (const char* text : {"entry[].changes[].value.metadata.phone_number_id", "entry[].id",
                                 "[][]", "a[][].b", "a[].c[0].d[]", "a[].e[].f", "account"})
            made.push_back({&kind, *producers::JsonPath::compile(text)});
        return made;
    }();
    return paths;
}

// How often each innermost element of the arrays that cut_paths() lead through is there, by its
// compact JSON.
class InnermostElements {
public:
    std::map<std::string, int> counts;

    void count(schemas::json::Value document, int by) {
        if (document.kind() == schemas::json::Kind::array) return two_levels(document, by);
        document["entry"].each_element([&](auto entry) { below(entry, {"changes"}, by); });
        document["a"].each_element([&](auto element) {
            if (element.kind() == schemas::json::Kind::array)
                element.each_element([&](auto inner) { leaf(inner, by); });
            if (element.kind() != schemas::json::Kind::array || element.size() == 0)
                below(element, {"e"}, by);
        });
    }

private:
    void two_levels(schemas::json::Value outer, int by) {
        outer.each_element([&](auto element) {
            if (element.kind() != schemas::json::Kind::array || element.size() == 0)
                return leaf(element, by);
            element.each_element([&](auto inner) { leaf(inner, by); });
        });
    }
    void below(schemas::json::Value element, std::initializer_list<const char*> arrays, int by) {
        bool has_inner = false;
        for (const char* name : arrays) {
            const auto array = element[name];
            if (array.kind() != schemas::json::Kind::array) continue;
            array.each_element([&](auto inner) {
                has_inner = true;
                leaf(inner, by);
            });
        }
        if (!has_inner) leaf(element, by);
    }
    void leaf(schemas::json::Value value, int by) {
        std::string text;
        value.append_to(text);
        counts[text] += by;
    }
};

// What is wrong with the parts of a text; "" = nothing, or it is not JSON. An account is the
// owner's whose number is its length modulo `owners`.
inline std::string wrong_with_split(std::string_view text, std::size_t owners) {
    static schemas::json::Parser parser;
    const auto document = parser.parse(text);
    if (!document) return {};
    InnermostElements elements;
    elements.count(*document, 1);
    const producers::RequestView request{"POST", "/", "", {}, text};
    auto parts = producers::BodyParts::cut(request, *document, cut_paths(), 10'000);
    if (!parts) {
        const bool is_ours = parts.error().code == bus::ErrorCode::corrupt;
        return is_ours ? parts.error().message : std::string{};
    }
    parts->assign([&](std::string_view account) -> std::optional<std::size_t> {
        return account.size() % owners;
    });
    std::size_t made = 0;
    for (std::size_t owner = 0; owner < owners; ++owner) {
        if (!parts->has(owner)) continue;
        ++made;
        const std::string part = parts->part(owner);
        if (parts->is_whole(owner) && part != text) return "what is one owner's was changed";
        const auto again = parser.parse(part);
        if (!again) return "a part is no JSON: " + part;
        elements.count(*again, -1);
    }
    if (made == 0) return "nobody has it";
    for (const auto& [element, count] : elements.counts) {
        if (count != 0) return "not in exactly one part: " + element;
    }
    return {};
}

}  // namespace tests
