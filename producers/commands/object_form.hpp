// Reads the JSON object of a request body and collects every problem with its field, so that one
// answer names them all. Each name asked for is known; the others are refused.
#pragma once

#include "bus/http/http.hpp"
#include "schemas/json/json.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace producers::commands {

class ObjectForm {
public:
    static constexpr std::size_t text_bytes_max = 4096;
    static constexpr std::size_t list_items_max = 1000;

    explicit ObjectForm(schemas::json::Value object, std::string path = "");

    bool given(std::string_view name);  // null counts as given
    // null gives the empty value, so that a merge patch can clear a field.
    std::optional<std::string> text(std::string_view name);
    std::string required_text(std::string_view name);
    // A text that `parse` (bus::parse_tenant_id, ...) reads.
    template <class Id>
    std::optional<Id> id(std::string_view name, bus::Result<Id> (*parse)(std::string_view)) {
        const auto given = text(name);
        if (!given || given->empty()) return std::nullopt;
        const auto read = parse(*given);
        if (read) return *read;
        problem(name, "invalid", read.error().message);
        return std::nullopt;
    }
    std::optional<bool> flag(std::string_view name);
    std::optional<std::int64_t> integer(std::string_view name, std::int64_t least,
                                        std::int64_t most);
    std::optional<std::vector<std::string>> list(std::string_view name);
    // Merges name -> word into `target`; a null word removes, a null object clears.
    void merge_words(std::string_view name, std::map<std::string, std::string>& target);
    std::optional<std::string> choice(std::string_view name,
                                      std::initializer_list<std::string_view> words);
    schemas::json::Value value(std::string_view name);

    void problem(std::string_view name, std::string_view code, std::string message);
    void take(ObjectForm& part);  // its problems, the unknown names among them
    bool ok() const { return problems_.empty(); }

    // 422 with all problems, unknown fields included; nothing when there are none.
    std::optional<bus::http::Response> refusal();

private:
    void note_unknown();
    std::string path_of(std::string_view name) const;

    schemas::json::Value object_;
    std::string path_;
    std::set<std::string, std::less<>> known_;
    std::vector<bus::http::FieldProblem> problems_;
};

// Parses a body as one JSON object; 400 otherwise. The value lives as long as the parser. An empty
// body is an empty object.
std::variant<schemas::json::Value, bus::http::Response> parse_object(schemas::json::Parser& parser,
                                                                     std::string_view body);

}  // namespace producers::commands
