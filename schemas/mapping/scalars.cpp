#include "schemas/mapping/scalars.hpp"

#include "bus/text.hpp"

#include <algorithm>
#include <charconv>

namespace schemas::mapping {

namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// A decimal number taken apart: sign, digits before and after the point.
struct Decimal {
    bool negative = false;
    std::string_view whole;
    std::string_view fraction;
};

std::optional<Decimal> split_decimal(std::string_view text) {
    Decimal decimal;
    text = bus::trim(text);
    if (text.starts_with('-') || text.starts_with('+')) {
        decimal.negative = text.front() == '-';
        text.remove_prefix(1);
    }
    const auto point = text.find('.');
    decimal.whole = text.substr(0, point);
    if (point != text.npos) decimal.fraction = text.substr(point + 1);
    const auto digits_only = [](std::string_view part) {
        return std::all_of(part.begin(), part.end(), is_digit);
    };
    if (decimal.whole.empty() && decimal.fraction.empty()) return {};
    if (!digits_only(decimal.whole) || !digits_only(decimal.fraction)) return {};
    return decimal;
}

std::optional<std::int64_t> parse_digits(std::string_view digits) {
    if (digits.empty()) return 0;
    std::int64_t value = 0;
    const auto end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value);
    if (error != std::errc{} || stop != end) return {};
    return value;
}

// "00:00:12", "12:34": each part after the first has two digits below 60.
std::optional<std::int64_t> read_clock(std::string_view text) {
    std::int64_t total = 0;
    for (std::size_t parts = 0;; ++parts) {
        const auto part = text.substr(0, text.find(':'));
        const auto value = parse_digits(part);
        if (part.empty() || part.size() > 6 || !value || *value < 0 || parts == 3) return {};
        if (parts > 0 && (part.size() != 2 || *value > 59)) return {};
        total = total * 60 + *value;
        if (part.size() == text.size()) return total;
        text.remove_prefix(part.size() + 1);
    }
}

constexpr std::int64_t amount_max = 1'000'000'000'000'000'000;

// "1,234.50" and "1,00,000", but not the decimal comma of "1,5" and "1.234,50".
bool commas_group_thousands(std::string_view text) {
    const auto last = text.rfind(',');
    if (last == text.npos) return true;
    const auto point = text.find('.');
    if (point != text.npos && point < last) return false;
    return std::min(point, text.size()) - last == 4;
}

std::string_view without_symbol(std::string_view text) {
    text = bus::trim(text);
    for (std::string_view symbol : {"₹", "$", "€", "£", "Rs.", "Rs"}) {
        if (text.starts_with(symbol)) return bus::trim(text.substr(symbol.size()));
    }
    return text;
}

}  // namespace

std::optional<std::int64_t> read_integer(std::string_view text) {
    const auto decimal = split_decimal(text);
    if (!decimal || decimal->whole.empty()) return {};
    if (decimal->fraction.find_first_not_of('0') != std::string_view::npos) return {};
    const auto value = parse_digits(decimal->whole);
    if (!value) return {};
    return decimal->negative ? -*value : *value;
}

std::optional<std::int64_t> read_seconds(std::string_view text) {
    text = bus::trim(text);
    if (text.find(':') != text.npos) return read_clock(text);
    const auto decimal = split_decimal(text);
    if (!decimal || decimal->negative || decimal->whole.empty()) return {};
    return parse_digits(decimal->whole);
}

std::optional<bool> read_boolean(std::string_view text) {
    const auto word = bus::to_lower_ascii(bus::trim(text));
    if (word == "true" || word == "yes" || word == "on" || word == "1") return true;
    if (word == "false" || word == "no" || word == "off" || word == "0") return false;
    return {};
}

int currency_exponent(std::string_view currency) {
    constexpr std::string_view none = "BIFCLPDJFGNFISKJPYKMFKRWPYGRWFUGXUYIVNDVUVXAFXOFXPF";
    constexpr std::string_view three = "BHDIQDJODKWDLYDOMRTND";
    if (currency.size() != 3) return 2;
    char upper[3];
    std::transform(currency.begin(), currency.end(), upper,
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    const auto among = [&](std::string_view codes) {
        for (std::size_t i = 0; i < codes.size(); i += 3) {
            if (codes.substr(i, 3) == std::string_view{upper, 3}) return true;
        }
        return false;
    };
    return among(none) ? 0 : among(three) ? 3 : 2;
}

std::optional<std::int64_t> read_money(std::string_view text, std::string_view currency) {
    text = without_symbol(text);
    if (!commas_group_thousands(text)) return {};
    std::string plain(text);
    std::erase(plain, ',');
    const auto decimal = split_decimal(plain);
    if (!decimal) return {};
    const auto exponent = static_cast<std::size_t>(currency_exponent(currency));
    std::string digits(decimal->whole);
    for (std::size_t i = 0; i < exponent; ++i) {
        digits += i < decimal->fraction.size() ? decimal->fraction[i] : '0';
    }
    auto minor = parse_digits(digits);
    if (!minor || *minor > amount_max) return {};
    if (decimal->fraction.size() > exponent && decimal->fraction[exponent] >= '5') ++*minor;
    return decimal->negative ? -*minor : *minor;
}

std::optional<std::string> read_email(std::string_view text) {
    text = bus::trim(text);
    if (text.ends_with('>')) {
        const auto open = text.rfind('<');
        if (open == text.npos) return {};
        text = bus::trim(text.substr(open + 1, text.size() - open - 2));
    }
    if (text.starts_with("mailto:")) text.remove_prefix(7);
    const auto at = text.find('@');
    if (at == text.npos || at == 0 || at + 1 == text.size() || text.size() > 254) return {};
    if (text.find('@', at + 1) != text.npos) return {};
    for (char c : text) {
        if (static_cast<unsigned char>(c) <= ' ' || c == ',' || c == '<' || c == '"') return {};
    }
    return bus::to_lower_ascii(text);
}

}  // namespace schemas::mapping
