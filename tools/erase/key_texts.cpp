#include "tools/erase/key_texts.hpp"

#include "bus/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

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

// Of quoted-printable (RFC 2045 section 6.7): there they divide words.
std::string without_soft_breaks(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const std::size_t size = text.starts_with("=\r\n") ? 3 : text.starts_with("=\n") ? 2 : 0;
        if (size == 0) out += text.front();
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
    return out;
}

std::string without_escapes(std::string_view text) {
    const std::string decoded = bus::percent_decode(text, has_plus_for_space(text));
    return without_json_escapes(without_soft_breaks(decoded));
}

bool goes_on_before(std::string_view before, bool is_mail) {
    if (before.empty()) return false;
    const char last = before.back();
    return is_letter(last) || is_digit(last) ||
           (is_mail && std::string_view("._%+-").find(last) != std::string_view::npos);
}

bool goes_on_behind(std::string_view behind, bool is_mail) {
    if (behind.empty()) return false;
    const char first = behind.front();
    return is_letter(first) || is_digit(first) ||
           (is_mail &&
            (first == '-' || (first == '.' && behind.size() > 1 && is_letter(behind[1]))));
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
    for (int escapes = 0; !is_in(bus::to_lower_ascii(text)); ++escapes) {
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
