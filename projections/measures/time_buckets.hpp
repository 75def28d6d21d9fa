// What a range of time is cut into, in a zone: hours, days, weeks or months.
//
// A bucket is named by the instant that it begins at, and ends where the next one begins. An hour
// that a clock change repeats is two buckets with an offset each, one that it skips is none; a day
// around a change is one bucket of 23 or 25 hours.
#pragma once

#include "schemas/time/zone.hpp"

namespace projections {

class TimeBuckets {
public:
    // Width: hour, day, week (from Monday), month; "" for one bucket of all there is.
    // invalid_input: another width, or an unknown zone.
    static bus::Result<TimeBuckets> of(std::string_view width, std::string_view time_zone);

    bus::Timestamp start_of(bus::Timestamp time) const;  // of the bucket that has it
    bus::Timestamp next(bus::Timestamp start) const;     // where that one ends

    bool is_one() const { return width_ == Width::all; }
    // Whether no bucket begins inside a UTC day.
    bool keep_utc_days() const { return is_one() || (zone_.is_utc() && width_ != Width::hour); }
    // Local wall time and offset, "2026-10-25T02:00:00+01:00"; "" for the one bucket.
    std::string text(bus::Timestamp start) const;

private:
    enum class Width { all, hour, day, week, month };
    TimeBuckets(Width width, schemas::time::Zone zone) : width_(width), zone_(zone) {}

    bus::Timestamp local_start(bus::Timestamp local) const;
    bus::Timestamp local_next(bus::Timestamp local_start) const;

    Width width_;
    schemas::time::Zone zone_;
};

}  // namespace projections
