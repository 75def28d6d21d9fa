#include "tools/erase/key_texts.hpp"

#include "bus/text.hpp"

#include <algorithm>
#include <charconv>

namespace tools::erase {

namespace {

constexpr std::size_t text_bytes_min = 5;
constexpr std::string_view phone_kind = "phone:";
constexpr std::string_view between_digits = " -().+/";
constexpr std::size_t gap_max = 3;  // of them in a row, as in "(0) 98"

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

// The digits of each run that only such characters divide as numbers are grouped with; a line each.
std::string digit_runs(std::string_view text) {
    std::string out;
    std::size_t gap = 0;
    for (const char c : text) {
        if (is_digit(c)) {
            if (gap > gap_max && !out.empty()) out += '\n';
            out += c;
            gap = 0;
        } else {
            gap += between_digits.find(c) == std::string_view::npos ? gap_max + 1 : 1;
        }
    }
    return out;
}

bool holds_one(std::string_view text, const std::vector<std::string>& words) {
    return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
        return text.find(word) != std::string_view::npos;
    });
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

void KeyTexts::add_phone(std::string_view digits, const schemas::mapping::Country& country) {
    if (country && digits.starts_with(country.code)) digits.remove_prefix(country.code.size());
    if (digits.size() >= text_bytes_min) digits_.emplace_back(digits);
}

bool KeyTexts::found_in(std::string_view body) const {
    const std::string text =
        bus::to_lower_ascii(without_json_escapes(bus::percent_decode(body, false)));
    return holds_one(text, words_) || (!digits_.empty() && holds_one(digit_runs(text), digits_));
}

}  // namespace tools::erase
