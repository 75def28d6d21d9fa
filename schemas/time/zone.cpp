#include "schemas/time/zone.hpp"

#include <date/tz.h>

namespace schemas::time {

namespace {

const date::time_zone& tz(const void* zone) {
    return *static_cast<const date::time_zone*>(zone);
}

bool is_utc_name(std::string_view name) {
    return name.empty() || name == "UTC" || name == "Etc/UTC" || name == "GMT" || name == "Z";
}

}  // namespace

bus::Result<Zone> Zone::find(std::string_view name) {
    Zone zone;
    if (is_utc_name(name)) return zone;
    try {
        zone.zone_ = date::locate_zone(std::string(name));
    } catch (const std::exception&) {
        return bus::fail(bus::ErrorCode::invalid_input, "unknown time zone '{}'", name);
    }
    return zone;
}

bus::seconds Zone::offset_at(bus::Timestamp utc) const {
    if (!zone_) return bus::seconds{0};
    return tz(zone_).get_info(utc).offset;
}

Zone::Period Zone::period_at(bus::Timestamp utc) const {
    if (!zone_) return {bus::Timestamp::min(), bus::Timestamp::max()};
    const auto info = tz(zone_).get_info(utc);
    return {info.begin, info.end, info.offset};
}

bus::Timestamp Zone::to_local(bus::Timestamp utc) const {
    return utc + offset_at(utc);
}

bus::Timestamp Zone::to_utc(bus::Timestamp local) const {
    if (!zone_) return local;
    const date::local_time<bus::microseconds> wall{local.time_since_epoch()};
    const auto info = tz(zone_).get_info(wall);
    if (info.result == date::local_info::nonexistent) return bus::Timestamp{info.first.end};
    return local - info.first.offset;
}

}  // namespace schemas::time
