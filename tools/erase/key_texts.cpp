#include "tools/erase/key_texts.hpp"

#include "bus/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace tools::erase {

namespace {

constexpr std::size_t text_bytes_min = 5;
constexpr std::string_view phone_kind = "phone:";
constexpr std::string_view between_digits = " -().+/";
constexpr std::size_t gap_max = 3;      // of them in a row, as in "(0) 98"
constexpr std::size_t digits_max = 20;  // an E.164 number (15) behind prefixes

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// Only such escapes as stand for one ASCII character: nobody's keys have others.
std::string without_json_escapes(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        unsigned code = 0;
        if (text.compare(at, 2, "\\u") == 0 && at + 6 <= text.size()) {
            const char* const begin = text.data() + at + 2;
            const auto [end, error] = std::from_chars(begin, begin + 4, code, 16);
            if (error == std::errc{} && end == begin + 4 && code < 0x80) {
                out += static_cast<char>(code);
                at += 5;
                continue;
            }
        }
        if (text.compare(at, 2, "\\/") != 0) out += text[at];
    }
    return out;
}

// Groups of digits that only such characters divide as numbers are grouped with.
using Groups = std::vector<std::string_view>;

bool is_date(const Groups& groups, std::size_t first, std::size_t end) {
    return end - first == 3 && groups[first].size() == 4 && groups[first + 1].size() == 2 &&
           groups[first + 2].size() == 2;
}

// Whether some groups, one behind the other, are one of the numbers. A longer number that holds it
// is another one.
bool is_written_in(const Groups& groups, const std::set<std::string>& numbers) {
    for (std::size_t first = 0; first < groups.size(); ++first) {
        std::string number;
        for (std::size_t end = first; end < groups.size() && number.size() <= digits_max;) {
            number += groups[end++];
            if (numbers.contains(number) && !is_date(groups, first, end)) return true;
        }
    }
    return false;
}

bool is_dialled_in(std::string_view text, const std::set<std::string>& numbers) {
    Groups groups;
    std::size_t gap = 0;
    for (std::size_t at = 0; at < text.size();) {
        if (!is_digit(text[at])) {
            gap += between_digits.find(text[at++]) == std::string_view::npos ? gap_max + 1 : 1;
            continue;
        }
        if (gap > gap_max) {
            if (is_written_in(groups, numbers)) return true;
            groups.clear();
        }
        const std::size_t first = at;
        while (at < text.size() && is_digit(text[at])) ++at;
        groups.push_back(text.substr(first, at - first));
        gap = 0;
    }
    return is_written_in(groups, numbers);
}

}  // namespace

KeyTexts::KeyTexts(const std::vector<std::string>& keys, const schemas::mapping::Country& country) {
    for (const std::string_view key : keys) {
        const std::string_view text = key.substr(key.rfind(':') + 1);
        if (key.starts_with(phone_kind) && text.starts_with('+'))
            add_phone(text.substr(1), country);
        else if (text.size() >= text_bytes_min)
            words_.push_back(bus::to_lower_ascii(text));
    }
}

// As they are dialled at home, with and without the trunk prefix, and from abroad.
void KeyTexts::add_phone(std::string_view digits, const schemas::mapping::Country& country) {
    const bool at_home = country && digits.starts_with(country.code);
    const std::string_view code = at_home ? country.code : "";
    const std::string_view national = digits.substr(code.size());
    numbers_.insert({std::string(national), fmt::format("00{}", digits)});
    if (at_home)
        for (const std::string& prefix : {std::string("0"), std::string(code),
                                          fmt::format("{}0", code), fmt::format("00{}0", code)})
            numbers_.insert(prefix + std::string(national));
}

bool KeyTexts::found_in(std::string_view body) const {
    const std::string text =
        bus::to_lower_ascii(without_json_escapes(bus::percent_decode(body, false)));
    return std::any_of(
               words_.begin(), words_.end(),
               [&](const std::string& word) { return text.find(word) != std::string::npos; }) ||
           (!numbers_.empty() && is_dialled_in(text, numbers_));
}

}  // namespace tools::erase
