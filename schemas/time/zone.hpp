// IANA time zones. Hides the date library; the rules come from the system's tz database.
#pragma once

#include "bus/ids.hpp"
#include "bus/result.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace schemas::time {

// A zone of the database; copies are cheap and live as long as the process. Default: UTC.
// Threads: any.
class Zone {
public:
    Zone() = default;
    static bus::Result<Zone> find(std::string_view name);  // invalid_input for an unknown name

    // Local wall time as if it were UTC, and back. A wall time that a clock change skips means the
    // moment of the change; one that occurs twice means its first occurrence.
    bus::Timestamp to_local(bus::Timestamp utc) const;
    bus::Timestamp to_utc(bus::Timestamp local) const;
    bus::seconds offset_at(bus::Timestamp utc) const;

    // From one clock change up to before the next.
    struct Period {
        bus::Timestamp begin, end;
        bus::seconds offset{0};
    };
    Period period_at(bus::Timestamp utc) const;

    bool is_utc() const { return zone_ == nullptr; }
    bool operator==(const Zone&) const = default;

private:
    const void* zone_ = nullptr;
};

}  // namespace schemas::time
