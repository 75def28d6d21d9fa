#include "bus/ids.hpp"

#include <ctime>

namespace bus {
namespace {

constexpr std::string_view crockford_digits = "0123456789abcdefghjkmnpqrstvwxyz";

int crockford_value(char c) {
    const char lower = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    const auto at = crockford_digits.find(lower);
    return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

template <class Id>
Result<Id> parse_prefixed(std::string_view text, std::string_view prefix) {
    if (!text.starts_with(prefix)) {
        return fail(ErrorCode::invalid_input, "id '{}' does not start with '{}'", text, prefix);
    }
    auto value = parse_crockford(text.substr(prefix.size()));
    if (!value) return value.error();
    return Id{*value};
}

void append_digits(std::string& out, unsigned value, int width) {
    char digits[8];
    for (int i = width - 1; i >= 0; --i, value /= 10)
        digits[i] = static_cast<char>('0' + value % 10);
    out.append(digits, static_cast<std::size_t>(width));
}

// A cursor over digits, for the fixed shapes of RFC 3339.
struct Cursor {
    std::string_view rest;
    bool ok = true;

    int digits(int width) {
        int value = 0;
        for (int i = 0; i < width; ++i) {
            if (rest.empty() || rest[0] < '0' || rest[0] > '9') return ok = false, 0;
            value = value * 10 + (rest[0] - '0');
            rest.remove_prefix(1);
        }
        return value;
    }
    bool eat(char c) {
        if (rest.empty() || rest[0] != c) return false;
        rest.remove_prefix(1);
        return true;
    }
    void need(char c) { ok = eat(c) && ok; }
};

std::int64_t fraction_us(Cursor& in) {
    std::int64_t value = 0;
    int count = 0;
    while (!in.rest.empty() && in.rest[0] >= '0' && in.rest[0] <= '9') {
        if (count < 6) value = value * 10 + (in.rest[0] - '0');
        ++count;
        in.rest.remove_prefix(1);
    }
    if (count == 0) in.ok = false;
    for (; count < 6; ++count) value *= 10;
    return value;
}

std::chrono::minutes zone_offset(Cursor& in) {
    if (in.eat('Z') || in.eat('z')) return {};
    const bool behind = !in.rest.empty() && in.rest[0] == '-';
    if (!behind && (in.rest.empty() || in.rest[0] != '+'))
        return in.ok = false, std::chrono::minutes{};
    in.rest.remove_prefix(1);
    const int hours = in.digits(2);
    in.eat(':');
    const int minutes = in.digits(2);
    if (hours > 23 || minutes > 59) in.ok = false;
    const std::chrono::minutes offset{hours * 60 + minutes};
    return behind ? -offset : offset;
}

}  // namespace

void append_iso(std::string& out, Timestamp time) {
    const auto days = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date{days};
    const auto us = (time - days).count();
    append_digits(out, static_cast<unsigned>(static_cast<int>(date.year())), 4);
    out += '-';
    append_digits(out, static_cast<unsigned>(date.month()), 2);
    out += '-';
    append_digits(out, static_cast<unsigned>(date.day()), 2);
    out += 'T';
    const auto day_seconds = static_cast<unsigned>(us / 1'000'000);
    append_digits(out, day_seconds / 3600, 2);
    out += ':';
    append_digits(out, day_seconds / 60 % 60, 2);
    out += ':';
    append_digits(out, day_seconds % 60, 2);
    if (const auto fraction = static_cast<unsigned>(us % 1'000'000); fraction != 0) {
        out += '.';
        append_digits(out, fraction, fraction % 1000 == 0 ? 3 : 6);
        if (fraction % 1000 == 0) {
            out.resize(out.size() - 3);
            append_digits(out, fraction / 1000, 3);
        }
    }
    out += 'Z';
}

std::string to_iso(Timestamp time) {
    std::string out;
    append_iso(out, time);
    return out;
}

Result<Timestamp> from_iso(std::string_view text) {
    using namespace std::chrono;
    Cursor in{text};
    const int y = in.digits(4);
    in.need('-');
    const int m = in.digits(2);
    in.need('-');
    const int d = in.digits(2);
    if (!in.eat('T') && !in.eat('t')) in.need(' ');
    const int h = in.digits(2);
    in.need(':');
    const int min = in.digits(2);
    int s = 0;
    std::int64_t us = 0;
    if (in.eat(':')) {
        s = in.digits(2);
        if (in.eat('.')) us = fraction_us(in);
    }
    const minutes offset = in.ok ? zone_offset(in) : minutes{};
    const year_month_day date{year{y}, month{static_cast<unsigned>(m)},
                              day{static_cast<unsigned>(d)}};
    if (!in.ok || !in.rest.empty() || !date.ok() || h > 23 || min > 59 || s > 60) {
        return fail(ErrorCode::invalid_input, "'{}' is not an ISO 8601 time with Z or an offset",
                    text);
    }
    return Timestamp{sys_days{date}} + hours{h} + minutes{min} + seconds{s} + microseconds{us} -
           offset;
}

std::string crockford(std::uint64_t value) {
    std::string out(13, '0');
    for (std::size_t i = 13; i-- > 0; value >>= 5) out[i] = crockford_digits[value & 31];
    return out;
}

Result<std::uint64_t> parse_crockford(std::string_view text) {
    std::uint64_t value = 0;
    bool ok = text.size() == 13 && crockford_value(text[0]) < 16;
    for (char c : text) {
        const int digit = crockford_value(c);
        ok = ok && digit >= 0;
        value = value << 5 | static_cast<std::uint64_t>(digit & 31);
    }
    if (!ok) return fail(ErrorCode::invalid_input, "'{}' is not an id of 13 base-32 digits", text);
    return value;
}

std::string to_string(TenantId id) {
    return id == platform_tenant ? "_platform" : "tnt_" + crockford(id.value);
}
std::string to_string(SourceId id) {
    return "src_" + crockford(id.value);
}

Result<TenantId> parse_tenant_id(std::string_view text) {
    if (text == "_platform") return platform_tenant;
    return parse_prefixed<TenantId>(text, "tnt_");
}
Result<SourceId> parse_source_id(std::string_view text) {
    return parse_prefixed<SourceId>(text, "src_");
}

std::string to_string(EventId id) {
    constexpr std::string_view hex = "0123456789abcdef";
    std::string out(36, '-');
    char* at = out.data();
    for (std::size_t i = 0; i < 16; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) ++at;
        *at++ = hex[id.bytes[i] >> 4];
        *at++ = hex[id.bytes[i] & 15];
    }
    return out;
}

Result<EventId> parse_event_id(std::string_view text) {
    EventId id;
    std::size_t nibbles = 0;
    for (char c : text) {
        if (c == '-') continue;
        const char lower = static_cast<char>(c | 32);
        const int value = c >= '0' && c <= '9'           ? c - '0'
                          : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10
                                                         : -1;
        if (value < 0 || nibbles == 32) {
            return fail(ErrorCode::invalid_input, "'{}' is not an event id", text);
        }
        auto& byte = id.bytes[nibbles / 2];
        byte = static_cast<std::uint8_t>(nibbles % 2 == 0 ? value << 4 : byte | value);
        ++nibbles;
    }
    if (nibbles != 32) return fail(ErrorCode::invalid_input, "'{}' is not an event id", text);
    return id;
}

EventId uuid_v7(Timestamp now, const std::array<std::uint8_t, 10>& random) {
    EventId id;
    const auto ms = static_cast<std::uint64_t>(now.time_since_epoch().count() / 1000);
    for (std::size_t i = 0; i < 6; ++i) id.bytes[i] = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
    for (std::size_t i = 0; i < 10; ++i) id.bytes[6 + i] = random[i];
    id.bytes[6] = static_cast<std::uint8_t>(0x70 | (id.bytes[6] & 0x0F));
    id.bytes[8] = static_cast<std::uint8_t>(0x80 | (id.bytes[8] & 0x3F));
    return id;
}

}  // namespace bus
