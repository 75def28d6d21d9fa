#include "tools/erase/key_texts.hpp"

#include "bus/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace tools::erase {

namespace {

constexpr std::size_t text_bytes_min = 5;
constexpr std::string_view phone_kind = "phone:";
constexpr std::string_view mail_kind = "email:";
constexpr std::string_view external_kind = "external:";
constexpr std::string_view between_digits = " -().+/";
constexpr std::size_t gap_max = 3;      // of them in a row, as in "(0) 98"
constexpr std::size_t digits_max = 20;  // an E.164 number (15) behind prefixes
constexpr int escapes_max = 3;          // one in another

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_letter(char c) {
    return c >= 'a' && c <= 'z';
}

struct JsonEscape {
    std::size_t size = 0;  // 0: it is none
    unsigned code = 0;     // a UTF-16 unit
};

JsonEscape json_escape_at(std::string_view text) {
    constexpr std::string_view letters = "bfnrt\"/\\", characters = "\b\f\n\r\t\"/\\";
    if (text.size() < 2 || text[0] != '\\') return {};
    if (const auto at = letters.find(text[1]); at != std::string_view::npos)
        return {2, static_cast<unsigned>(characters[at])};
    if (text[1] != 'u' || text.size() < 6) return {};
    unsigned code = 0;
    const auto [end, error] = std::from_chars(text.data() + 2, text.data() + 6, code, 16);
    if (error != std::errc{} || end != text.data() + 6) return {};
    return {6, code};
}

// Half of a surrogate pair becomes bytes that are in nobody's key.
void append_utf8(std::string& out, unsigned code) {
    const auto six_bits = [&](unsigned shift) {
        return static_cast<char>(0x80 | (code >> shift & 0x3f));
    };
    if (code < 0x80) {
        out += static_cast<char>(code);
    } else if (code < 0x800) {
        out += {static_cast<char>(0xc0 | code >> 6), six_bits(0)};
    } else {
        out += {static_cast<char>(0xe0 | code >> 12), six_bits(6), six_bits(0)};
    }
}

std::string without_json_escapes(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const JsonEscape escape = json_escape_at(text);
        if (escape.size > 0) {
            append_utf8(out, escape.code);
        } else {
            out += text.front();
        }
        text.remove_prefix(std::max<std::size_t>(escape.size, 1));
    }
    return out;
}

// In a form. Whoever writes an '@' as such writes a plus in that way too.
bool has_plus_for_space(std::string_view text) {
    return text.find("%40") != std::string_view::npos &&
           text.find_first_of(" \r\n\"{<") == std::string_view::npos;
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

std::optional<char> quoted_byte_at(std::string_view text) {
    constexpr std::string_view hex = "0123456789ABCDEF";
    if (text.size() < 3 || text[0] != '=') return std::nullopt;
    const auto high = hex.find(text[1]), low = hex.find(text[2]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    return static_cast<char>(high << 4 | low);
}

// As quoted-printable text reads (RFC 2045 section 6.7), whose soft line breaks divide words.
std::string without_quoting(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const auto byte = quoted_byte_at(text);
        std::size_t taken = byte                        ? 3
                            : text.starts_with("=\r\n") ? 3
                            : text.starts_with("=\n")   ? 2
                                                        : 0;
        if (byte) out += *byte;
        if (taken == 0) out += text.front(), taken = 1;
        text.remove_prefix(taken);
    }
    return out;
}

std::string without_escapes(std::string_view text) {
    return without_json_escapes(bus::percent_decode(text, has_plus_for_space(text)));
}

bool is_word(char c) {
    return is_letter(c) || is_digit(c);
}

// "jo.ann@x.in" is another address than "ann@x.in"; "_ann@x.in_" and "mail...ann@x.in" are not.
bool goes_on_before(std::string_view before, bool is_mail) {
    if (before.empty()) return false;
    if (is_word(before.back())) return true;
    return is_mail && std::string_view("._%+-").find(before.back()) != std::string_view::npos &&
           before.size() > 1 && is_word(before[before.size() - 2]);
}

// A full stop or a hyphen with no blank behind it is taken for more of the domain.
bool goes_on_behind(std::string_view behind, bool is_mail) {
    if (behind.empty()) return false;
    if (is_word(behind.front())) return true;
    if (!is_mail || behind.size() < 2) return false;
    return (behind.front() == '-' && is_word(behind[1])) ||
           (behind.front() == '.' && is_letter(behind[1]));
}

// A longer word or address that holds it is another one.
bool is_named_in(std::string_view text, std::string_view word, bool is_mail) {
    for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1))
        if (!goes_on_before(text.substr(0, at), is_mail) &&
            !goes_on_behind(text.substr(at + word.size()), is_mail))
            return true;
    return false;
}

// What others write too: behind the kind, and behind the system of an external id.
std::string_view text_of(std::string_view key) {
    std::string_view text = key.substr(key.find(':') + 1);
    if (key.starts_with(external_kind)) text = text.substr(text.find(':') + 1);
    return text;
}

}  // namespace

KeyTexts::KeyTexts(const std::vector<std::string>& keys, const Countries& countries) {
    for (const std::string_view key : keys) {
        const std::string_view text = text_of(key);
        if (key.starts_with(phone_kind) && text.starts_with('+'))
            add_phone(text.substr(1), countries);
        else if (text.size() >= text_bytes_min)
            words_.push_back({bus::to_lower_ascii(text), key.starts_with(mail_kind)});
    }
}

// As they are dialled from abroad, and at home with and without the trunk prefix.
void KeyTexts::add_phone(std::string_view digits, const Countries& countries) {
    numbers_.insert({std::string(digits), fmt::format("00{}", digits)});
    for (const schemas::mapping::Country& country : countries) {
        if (!country || !digits.starts_with(country.code)) continue;
        const std::string national(digits.substr(country.code.size()));
        numbers_.insert({national, "0" + national, fmt::format("{}0{}", country.code, national),
                         fmt::format("00{}0{}", country.code, national)});
    }
}

// What looks like an escape may be none ("50%9876543210"), so each reading is searched.
bool KeyTexts::found_in(std::string_view body) const {
    std::string text{body};
    for (int escapes = 0;
         !is_in(bus::to_lower_ascii(text)) && !is_in(bus::to_lower_ascii(without_quoting(text)));
         ++escapes) {
        std::string inner = without_escapes(text);
        if (escapes == escapes_max || inner == text) return false;
        text = std::move(inner);
    }
    return true;
}

bool KeyTexts::is_in(std::string_view text) const {
    return std::any_of(
               words_.begin(), words_.end(),
               [&](const Word& word) { return is_named_in(text, word.text, word.is_mail); }) ||
           (!numbers_.empty() && is_dialled_in(text, numbers_));
}

}  // namespace tools::erase
