// Reading times as providers write them.
//
// Formats: "iso" (ISO 8601 with T or blank, date alone, fraction and offset optional), "unix_s",
// "unix_ms", "unix_us" (decimals allowed), "rfc2822" (mail dates, zone optional), or a pattern of
// literal text and %Y %y %m %b %d %e %H %I %p %M %S %f %z %Z %a %% in the meaning of strptime; %f
// is a fraction of a second, %z an offset or Z, %b and %a English names, short or long. A time
// without offset is wall time of the given zone.
#pragma once

#include "schemas/time/zone.hpp"

namespace schemas::time {

class TimeFormat {
public:
    // invalid_input for a pattern that names no date or an unknown conversion.
    static bus::Result<TimeFormat> parse(std::string_view text);

    // None unless the whole text fits and names a moment of the years 1 to 9999.
    std::optional<bus::Timestamp> read(std::string_view text, const Zone& zone) const;

    bool operator==(const TimeFormat&) const = default;

private:
    enum class Kind : std::uint8_t { iso, unix_s, unix_ms, unix_us, rfc2822, pattern };
    Kind kind_ = Kind::iso;
    std::string pattern_;
};

}  // namespace schemas::time
