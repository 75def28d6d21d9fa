#include "bus/utf8.hpp"
#include "schemas/json/json.hpp"

#include <fmt/compile.h>

#include <array>
#include <cmath>

namespace schemas::json {

namespace {

// What follows the backslash; 'u' for the long form, 0 for no escape.
constexpr std::array<char, 256> escapes = [] {
    std::array<char, 256> table{};
    for (std::size_t i = 0; i < 0x20; ++i) table[i] = 'u';
    table['\b'] = 'b';
    table['\f'] = 'f';
    table['\n'] = 'n';
    table['\r'] = 'r';
    table['\t'] = 't';
    table['"'] = '"';
    table['\\'] = '\\';
    return table;
}();

void append_escape(std::string& out, unsigned char byte) {
    constexpr std::string_view digits = "0123456789abcdef";
    out += '\\';
    out += escapes[byte];
    if (escapes[byte] != 'u') return;
    out += "00";
    out += digits[byte >> 4];
    out += digits[byte & 15];
}

void append_valid(std::string& out, std::string_view text) {
    std::size_t run = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (!escapes[byte]) continue;
        out.append(text, run, i - run);
        append_escape(out, byte);
        run = i + 1;
    }
    out.append(text, run);
}

// Member names, ids and times: not worth a call of the vectorised validation.
constexpr std::size_t short_bytes_max = 40;

bool is_short_and_plain(std::string_view text) {
    if (text.size() > short_bytes_max) return false;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x80 || escapes[byte]) return false;
    }
    return true;
}

}  // namespace

std::string repaired(std::string_view text) {
    return bus::repaired_utf8(text);
}

void append_escaped(std::string& out, std::string_view text) {
    out += '"';
    if (is_short_and_plain(text)) {
        out += text;
        out += '"';
        return;
    }
    is_utf8(text) ? append_valid(out, text) : append_valid(out, repaired(text));
    out += '"';
}

void Writer::comma() {
    if (needs_comma_) out_ += ',';
    needs_comma_ = true;
}

Writer& Writer::begin_object() {
    comma();
    out_ += '{';
    needs_comma_ = false;
    return *this;
}

Writer& Writer::end_object() {
    out_ += '}';
    needs_comma_ = true;
    return *this;
}

Writer& Writer::begin_array() {
    comma();
    out_ += '[';
    needs_comma_ = false;
    return *this;
}

Writer& Writer::end_array() {
    out_ += ']';
    needs_comma_ = true;
    return *this;
}

Writer& Writer::key(std::string_view name) {
    comma();
    append_escaped(out_, name);
    out_ += ':';
    needs_comma_ = false;
    return *this;
}

Writer& Writer::text(std::string_view value) {
    comma();
    append_escaped(out_, value);
    return *this;
}

Writer& Writer::integer(std::int64_t value) {
    comma();
    fmt::format_to(std::back_inserter(out_), FMT_COMPILE("{}"), value);
    return *this;
}

Writer& Writer::unsigned_integer(std::uint64_t value) {
    comma();
    fmt::format_to(std::back_inserter(out_), FMT_COMPILE("{}"), value);
    return *this;
}

Writer& Writer::decimal(double value) {
    if (!std::isfinite(value)) return null();
    comma();
    fmt::format_to(std::back_inserter(out_), FMT_COMPILE("{}"), value);
    return *this;
}

Writer& Writer::boolean(bool value) {
    comma();
    out_ += value ? "true" : "false";
    return *this;
}

Writer& Writer::null() {
    comma();
    out_ += "null";
    return *this;
}

Writer& Writer::time(bus::Timestamp value) {
    comma();
    out_ += '"';
    bus::append_iso(out_, value);
    out_ += '"';
    return *this;
}

Writer& Writer::raw(std::string_view json) {
    comma();
    out_ += json;
    return *this;
}

}  // namespace schemas::json
