#include "projections/measures/time_buckets.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace projections {

using namespace std::chrono;

bus::Result<TimeBuckets> TimeBuckets::of(std::string_view width, std::string_view time_zone) {
    static constexpr std::array<std::pair<std::string_view, Width>, 5> widths{
        {{"", Width::all},
         {"hour", Width::hour},
         {"day", Width::day},
         {"week", Width::week},
         {"month", Width::month}}};
    const auto zone = schemas::time::Zone::find(time_zone);
    if (!zone) return zone.error();
    const auto found = std::find_if(widths.begin(), widths.end(),
                                    [width](const auto& one) { return one.first == width; });
    if (found == widths.end())
        return bus::fail(bus::ErrorCode::invalid_input,
                         "bucket '{}' is not one of hour, day, week, month", width);
    return TimeBuckets(found->second, *zone);
}

// Days and longer ones begin by the wall clock, where it first shows that; hours by the offset that
// holds.
bus::Timestamp TimeBuckets::start_of(bus::Timestamp time) const {
    if (is_one()) return bus::Timestamp::min();
    if (width_ == Width::hour) {
        const auto period = zone_.period_at(time);
        return std::max(period.begin, local_start(time + period.offset) - period.offset);
    }
    const bus::Timestamp local = local_start(zone_.to_local(time));
    const bus::Timestamp following = zone_.to_utc(local_next(local));
    return following <= time ? following : zone_.to_utc(local);
}

bus::Timestamp TimeBuckets::next(bus::Timestamp start) const {
    if (is_one()) return bus::Timestamp::max();
    if (width_ != Width::hour) return zone_.to_utc(local_next(local_start(zone_.to_local(start))));
    const auto period = zone_.period_at(start);
    return std::min(period.end, local_next(local_start(start + period.offset)) - period.offset);
}

bus::Timestamp TimeBuckets::local_start(bus::Timestamp local) const {
    if (width_ == Width::hour) return floor<hours>(local);
    const auto day = floor<days>(local);
    if (width_ == Width::week) return day - (weekday{day} - Monday);
    if (width_ == Width::day) return day;
    const year_month_day date{day};
    return sys_days{date.year() / date.month() / 1};
}

bus::Timestamp TimeBuckets::local_next(bus::Timestamp local_start) const {
    if (width_ == Width::hour) return local_start + hours{1};
    if (width_ == Width::day) return local_start + days{1};
    if (width_ == Width::week) return local_start + weeks{1};
    const year_month_day date{floor<days>(local_start)};
    return sys_days{(date.year() / date.month() / 1) + months{1}};
}

std::string TimeBuckets::text(bus::Timestamp start) const {
    if (is_one()) return {};
    const auto offset = duration_cast<minutes>(zone_.offset_at(start)).count();
    std::string text = bus::to_iso(zone_.to_local(start));
    if (offset == 0) return text;
    text.pop_back();
    const auto distance = offset < 0 ? -offset : offset;
    return text +
           fmt::format("{}{:02}:{:02}", offset < 0 ? '-' : '+', distance / 60, distance % 60);
}

}  // namespace projections
