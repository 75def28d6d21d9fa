#include "producers/json_slices.hpp"

namespace producers {
namespace {

constexpr std::string_view blanks = " \t\r\n";

void skip_blanks(std::string_view& rest) {
    rest.remove_prefix(std::min(rest.find_first_not_of(blanks), rest.size()));
}

std::size_t text_length(std::string_view rest) {
    std::size_t at = 1;
    while (at < rest.size() && rest[at] != '"') at += rest[at] == '\\' ? 2 : 1;
    return std::min(at + 1, rest.size());
}

std::size_t container_length(std::string_view rest) {
    std::size_t depth = 0, at = 0;
    while (at < rest.size()) {
        const char c = rest[at];
        if (c == '"') {
            at += text_length(rest.substr(at));
            continue;
        }
        ++at;
        if (c == '{' || c == '[') ++depth;
        if ((c == '}' || c == ']') && --depth == 0) break;
    }
    return at;
}

std::string_view take_value(std::string_view& rest) {
    skip_blanks(rest);
    std::size_t length = 0;
    if (rest.starts_with('"'))
        length = text_length(rest);
    else if (rest.starts_with('{') || rest.starts_with('['))
        length = container_length(rest);
    else
        length = std::min(rest.find_first_of(",]} \t\r\n"), rest.size());
    const auto value = rest.substr(0, length);
    rest.remove_prefix(length);
    skip_blanks(rest);
    return value;
}

bool enter(std::string_view& rest, char open, char close) {
    skip_blanks(rest);
    if (rest.empty() || rest.front() != open) return false;
    rest.remove_prefix(1);
    skip_blanks(rest);
    return !rest.empty() && rest.front() != close;
}

bool next(std::string_view& rest) {
    if (rest.empty() || rest.front() != ',') return false;
    rest.remove_prefix(1);
    return true;
}

}  // namespace

void each_element_slice(std::string_view array,
                        const std::function<void(std::string_view)>& visit) {
    if (!enter(array, '[', ']')) return;
    do visit(take_value(array));
    while (next(array));
}

std::string_view member_slice(std::string_view object, std::size_t number) {
    if (!enter(object, '{', '}')) return {};
    do {
        take_value(object);  // the name
        if (object.empty() || object.front() != ':') return {};
        object.remove_prefix(1);
        const auto value = take_value(object);
        if (number-- == 0) return value;
    } while (next(object));
    return {};
}

}  // namespace producers
