// One request as the edge hands it to the door: views into the connection's buffer, nothing copied.
// Valid only during the call that gets it.
#pragma once

#include <span>
#include <string_view>

namespace producers {

struct FieldView {
    std::string_view name;  // letter case as it came
    std::string_view value;
};

struct RequestView {
    std::string_view method;
    std::string_view path;  // percent-encoded, as received, without the query
    std::string_view query;
    std::span<const FieldView> fields;
    std::string_view body;

    std::string_view field(std::string_view lower_case_name) const;  // first, "" if absent
};

bool equals_ignoring_case(std::string_view text, std::string_view lower_case);

}  // namespace producers
