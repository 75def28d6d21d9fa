#include "schemas/time/time_text.hpp"

#include "bus/text.hpp"

#include <array>
#include <charconv>
#include <chrono>

namespace schemas::time {

namespace {

struct Parts {
    int year = 1970;
    int month = 1;
    int day = 1;
    int hour = 0;
    int minute = 0;
    int second = 0;
    int micros = 0;
    std::optional<int> offset_s;
    std::optional<bool> afternoon;
};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
bool is_letter(char c) {
    return lower(c) >= 'a' && lower(c) <= 'z';
}

// Takes pieces from the front of a text; each returns false and leaves the rest unspecified when
// the text does not begin with that piece.
class Reader {
public:
    explicit Reader(std::string_view text) : rest_(text) {}

    bool done() const { return rest_.empty(); }
    char peek() const { return rest_.empty() ? '\0' : rest_.front(); }

    bool literal(char c) {
        if (peek() != c || rest_.empty()) return false;
        rest_.remove_prefix(1);
        return true;
    }
    void blanks() {
        while (peek() == ' ') rest_.remove_prefix(1);
    }
    bool number(int& out, std::size_t digits_min, std::size_t digits_max) {
        std::size_t digits = 0;
        int value = 0;
        while (digits < digits_max && digits < rest_.size() && is_digit(rest_[digits])) {
            value = value * 10 + (rest_[digits++] - '0');
        }
        rest_.remove_prefix(digits);
        out = value;
        return digits >= digits_min;
    }
    // Digits after the point; those beyond microseconds are dropped.
    bool fraction(int& micros) {
        int scale = 100'000;
        if (!is_digit(peek())) return false;
        for (micros = 0; is_digit(peek()); rest_.remove_prefix(1), scale /= 10) {
            micros += (peek() - '0') * scale;
        }
        return true;
    }
    std::string_view word() {
        std::size_t length = 0;
        while (length < rest_.size() && is_letter(rest_[length])) ++length;
        const auto word = rest_.substr(0, length);
        rest_.remove_prefix(length);
        return word;
    }

private:
    std::string_view rest_;
};

// "jan" for "Jan" and "January": the position among names of three letters, -1 for none.
int name_index(std::string_view word, std::string_view names) {
    if (word.size() < 3) return -1;
    for (std::size_t i = 0; i + 3 <= names.size(); i += 3) {
        if (lower(word[0]) == names[i] && lower(word[1]) == names[i + 1] &&
            lower(word[2]) == names[i + 2]) {
            return static_cast<int>(i / 3);
        }
    }
    return -1;
}

bool read_month_name(Reader& reader, Parts& parts) {
    parts.month = 1 + name_index(reader.word(), "janfebmaraprmayjunjulaugsepoctnovdec");
    return parts.month > 0;
}

bool read_weekday(Reader& reader) {
    return name_index(reader.word(), "montuewedthufrisatsun") >= 0;
}

// Named zones of RFC 2822 section 4.3; letters of the military zones mean nothing certain there.
bool read_zone_name(std::string_view word, Parts& parts) {
    struct Named {
        std::string_view name;
        int hours;
    };
    static constexpr std::array<Named, 12> names{{{"Z", 0},
                                                  {"UTC", 0},
                                                  {"UT", 0},
                                                  {"GMT", 0},
                                                  {"EST", -5},
                                                  {"EDT", -4},
                                                  {"CST", -6},
                                                  {"CDT", -5},
                                                  {"MST", -7},
                                                  {"MDT", -6},
                                                  {"PST", -8},
                                                  {"PDT", -7}}};
    for (const auto& named : names) {
        if (bus::to_lower_ascii(word) != bus::to_lower_ascii(named.name)) continue;
        parts.offset_s = named.hours * 3600;
        return true;
    }
    return false;
}

// "+05:30", "+0530", "+05", "Z", "GMT".
bool read_offset(Reader& reader, Parts& parts) {
    if (is_letter(reader.peek())) return read_zone_name(reader.word(), parts);
    const int sign = reader.peek() == '-' ? -1 : 1;
    if (!reader.literal('-') && !reader.literal('+')) return false;
    int hours = 0;
    int minutes = 0;
    if (!reader.number(hours, 2, 2)) return false;
    if (reader.literal(':') || is_digit(reader.peek())) {
        if (!reader.number(minutes, 2, 2)) return false;
    }
    if (hours > 23 || minutes > 59) return false;
    parts.offset_s = sign * (hours * 3600 + minutes * 60);
    return true;
}

bool read_clock(Reader& reader, Parts& parts) {
    if (!reader.number(parts.hour, 1, 2) || !reader.literal(':')) return false;
    if (!reader.number(parts.minute, 2, 2)) return false;
    if (!reader.literal(':')) return true;
    if (!reader.number(parts.second, 2, 2)) return false;
    if (reader.literal('.') || reader.literal(',')) return reader.fraction(parts.micros);
    return true;
}

bool read_iso(Reader& reader, Parts& parts) {
    if (!reader.number(parts.year, 4, 4) || !reader.literal('-')) return false;
    if (!reader.number(parts.month, 2, 2) || !reader.literal('-')) return false;
    if (!reader.number(parts.day, 2, 2)) return false;
    if (reader.done()) return true;
    if (!reader.literal('T') && !reader.literal('t') && !reader.literal(' ')) return false;
    if (!read_clock(reader, parts)) return false;
    reader.blanks();
    return reader.done() || read_offset(reader, parts);
}

// Two digits as RFC 2822 section 4.3 and POSIX read them.
int full_year(int year) {
    return year < 70 ? year + 2000 : year < 100 ? year + 1900 : year;
}

// "Tue, 03 Sep 2024 11:44:54 +0530 (IST)"; weekday, seconds and zone may be missing.
bool read_rfc2822(Reader& reader, Parts& parts) {
    reader.blanks();
    if (is_letter(reader.peek())) {
        if (!read_weekday(reader)) return false;
        reader.literal(',');
        reader.blanks();
    }
    if (!reader.number(parts.day, 1, 2)) return false;
    if (!reader.literal('-')) reader.blanks();
    if (!read_month_name(reader, parts)) return false;
    if (!reader.literal('-')) reader.blanks();
    if (!reader.number(parts.year, 2, 4)) return false;
    parts.year = full_year(parts.year);
    reader.blanks();
    if (!read_clock(reader, parts)) return false;
    reader.blanks();
    if (reader.peek() == '+' || reader.peek() == '-' || is_letter(reader.peek())) {
        if (!read_offset(reader, parts)) return false;
        reader.blanks();
    }
    return reader.done() || reader.peek() == '(';
}

bool read_half(Reader& reader, Parts& parts) {
    const auto word = bus::to_lower_ascii(reader.word());
    if (word != "am" && word != "pm") return false;
    parts.afternoon = word == "pm";
    return true;
}

bool read_conversion(char conversion, Reader& reader, Parts& parts) {
    switch (conversion) {
        case 'Y':
            return reader.number(parts.year, 4, 4);
        case 'y':
            if (!reader.number(parts.year, 2, 2)) return false;
            parts.year = full_year(parts.year);
            return true;
        case 'm':
            return reader.number(parts.month, 1, 2);
        case 'b':
            return read_month_name(reader, parts);
        case 'e':
            reader.blanks();
            [[fallthrough]];
        case 'd':
            return reader.number(parts.day, 1, 2);
        case 'H':
        case 'I':
            return reader.number(parts.hour, 1, 2);
        case 'p':
            return read_half(reader, parts);
        case 'M':
            return reader.number(parts.minute, 1, 2);
        case 'S':
            return reader.number(parts.second, 1, 2);
        case 'f':
            return reader.fraction(parts.micros);
        case 'z':
        case 'Z':
            return read_offset(reader, parts);
        case 'a':
            return read_weekday(reader);
        default:
            return reader.literal('%');
    }
}

bool read_pattern(std::string_view pattern, Reader& reader, Parts& parts) {
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        const bool fits = pattern[i] == '%' ? read_conversion(pattern[++i], reader, parts)
                                            : reader.literal(pattern[i]);
        if (!fits) return false;
    }
    return true;
}

bool apply_half(Parts& parts) {
    if (!parts.afternoon) return true;
    if (parts.hour < 1 || parts.hour > 12) return false;
    parts.hour = parts.hour % 12 + (*parts.afternoon ? 12 : 0);
    return true;
}

constexpr std::int64_t second_max = 253'402'300'799;  // the end of the year 9999

// Rows write times with four digits of the year: a later one could not be read back.
bool is_writable(bus::Timestamp time) {
    return time < bus::Timestamp{bus::seconds{second_max + 1}};
}

std::optional<bus::Timestamp> moment(Parts& parts, const Zone& zone) {
    using namespace std::chrono;
    if (!apply_half(parts) || parts.hour > 24 || parts.minute > 59 || parts.second > 60) return {};
    if (parts.hour == 24 && (parts.minute || parts.second || parts.micros)) return {};
    const year_month_day date{year{parts.year}, month(static_cast<unsigned>(parts.month)),
                              day(static_cast<unsigned>(parts.day))};
    if (!date.ok() || parts.year < 1) return {};
    const bus::Timestamp wall = sys_days{date} + hours{parts.hour} + minutes{parts.minute} +
                                seconds{parts.second} + microseconds{parts.micros};
    const bus::Timestamp utc = parts.offset_s ? wall - seconds{*parts.offset_s} : zone.to_utc(wall);
    return is_writable(utc) ? std::optional(utc) : std::nullopt;
}

// `unit` in microseconds: 1,000,000 for seconds.
std::optional<bus::Timestamp> read_unix(std::string_view text, std::int64_t unit) {
    std::int64_t whole = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, whole);
    if (error != std::errc{} || whole < 0 || whole > second_max * 1'000'000 / unit) return {};
    std::int64_t micros = whole * unit;
    if (stop == end) return bus::Timestamp{bus::microseconds{micros}};
    if (*stop != '.') return {};
    std::int64_t scale = unit;
    for (const char* at = stop + 1; at < end; ++at) {
        if (!is_digit(*at)) return {};
        micros += (*at - '0') * (scale /= 10);
    }
    return bus::Timestamp{bus::microseconds{micros}};
}

constexpr std::string_view conversions = "YymbdeHIpMSfzZa%";

bus::Result<bus::Done> check_pattern(std::string_view pattern) {
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] != '%') continue;
        if (++i == pattern.size() || conversions.find(pattern[i]) == std::string_view::npos) {
            return bus::fail(bus::ErrorCode::invalid_input,
                             "unknown conversion in time format '{}'", pattern);
        }
    }
    const bool has_date = pattern.find("%Y") != pattern.npos || pattern.find("%y") != pattern.npos;
    if (has_date) return bus::Done{};
    return bus::fail(
        bus::ErrorCode::invalid_input,
        "time format '{}': iso, unix_s, unix_ms, unix_us, rfc2822 or a pattern with %Y", pattern);
}

}  // namespace

bus::Result<TimeFormat> TimeFormat::parse(std::string_view text) {
    TimeFormat format;
    if (text == "iso") return format;
    if (text == "unix_s") return format.kind_ = Kind::unix_s, format;
    if (text == "unix_ms") return format.kind_ = Kind::unix_ms, format;
    if (text == "unix_us") return format.kind_ = Kind::unix_us, format;
    if (text == "rfc2822") return format.kind_ = Kind::rfc2822, format;
    if (auto checked = check_pattern(text); !checked) return checked.error();
    format.kind_ = Kind::pattern;
    format.pattern_ = text;
    return format;
}

std::optional<bus::Timestamp> TimeFormat::read(std::string_view text, const Zone& zone) const {
    text = bus::trim(text);
    Reader reader(text);
    Parts parts;
    bool fits = false;
    switch (kind_) {
        case Kind::unix_s:
            return read_unix(text, 1'000'000);
        case Kind::unix_ms:
            return read_unix(text, 1'000);
        case Kind::unix_us:
            return read_unix(text, 1);
        case Kind::iso:
            fits = read_iso(reader, parts) && reader.done();
            break;
        case Kind::rfc2822:
            fits = read_rfc2822(reader, parts);
            break;
        case Kind::pattern:
            fits = read_pattern(pattern_, reader, parts) && reader.done();
            break;
    }
    if (!fits) return {};
    return moment(parts, zone);
}

}  // namespace schemas::time
