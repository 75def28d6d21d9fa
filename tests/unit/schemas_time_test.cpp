#include "schemas/time/time_text.hpp"

#include <doctest/doctest.h>

using namespace schemas::time;

namespace {

struct Row {
    std::string_view format;
    std::string_view text;
    std::string_view zone;
    std::string_view expected;  // "" when not readable
};

void check_row(const Row& row) {
    CAPTURE(row.format);
    CAPTURE(row.text);
    CAPTURE(row.zone);
    const auto format = TimeFormat::parse(row.format);
    REQUIRE(format);
    const auto time = format->read(row.text, *Zone::find(row.zone));
    CHECK((time ? bus::to_iso(*time) : "") == row.expected);
}

}  // namespace

TEST_CASE("time: providers' spellings are read") {
    const Row rows[] = {
        {"iso", "2026-02-24T14:45:15Z", "Asia/Kolkata", "2026-02-24T14:45:15Z"},
        {"iso", "2026-02-24T14:45:15+05:30", "UTC", "2026-02-24T09:15:15Z"},
        {"iso", "2026-02-24T14:45:15-0800", "UTC", "2026-02-24T22:45:15Z"},
        {"iso", "2026-02-24 14:45:15", "Asia/Kolkata", "2026-02-24T09:15:15Z"},
        {"iso", "2026-02-24T14:45:15.123456789", "UTC", "2026-02-24T14:45:15.123456Z"},
        {"iso", "2026-02-24 14:45:15.5 UTC", "Asia/Kolkata", "2026-02-24T14:45:15.500Z"},
        {"iso", "2026-02-24", "Asia/Kolkata", "2026-02-23T18:30:00Z"},
        {"iso", "2026-02-24T14:45", "UTC", "2026-02-24T14:45:00Z"},
        {"iso", "2024-02-29", "UTC", "2024-02-29T00:00:00Z"},
        {"iso", "2026-02-29", "UTC", ""},
        {"iso", "2026-13-01", "UTC", ""},
        {"iso", "2026-02-24T25:00:00", "UTC", ""},
        {"iso", "2026-02-24T14:45:15Zx", "UTC", ""},
        {"iso", "", "UTC", ""},
        {"iso", "9999-12-31T23:59:59.999999Z", "UTC", "9999-12-31T23:59:59.999999Z"},
        {"iso", "9999-12-31T23:59:59-05:00", "UTC", ""},  // no year of four digits
        {"iso", "9999-12-31 23:59:59", "America/New_York", ""},
        {"iso", "9999-12-31T24:00:00Z", "UTC", ""},
        {"unix_s", "1700000000", "Asia/Kolkata", "2023-11-14T22:13:20Z"},
        {"unix_s", "1700000000.25", "UTC", "2023-11-14T22:13:20.250Z"},
        {"unix_s", "1700000000123", "UTC", ""},
        {"unix_s", "-1", "UTC", ""},
        {"unix_s", "17x", "UTC", ""},
        {"unix_ms", "1700000000123", "UTC", "2023-11-14T22:13:20.123Z"},
        {"unix_us", "1700000000123456", "UTC", "2023-11-14T22:13:20.123456Z"},
        {"rfc2822", "Tue, 03 Sep 2024 11:44:54", "Asia/Kolkata", "2024-09-03T06:14:54Z"},
        {"rfc2822", "Tue, 3 Sep 2024 11:44:54 +0530 (IST)", "UTC", "2024-09-03T06:14:54Z"},
        {"rfc2822", "03 Sep 24 11:44 EST", "UTC", "2024-09-03T16:44:00Z"},
        {"rfc2822", "Sept", "UTC", ""},
        {"%d/%m/%Y %I:%M %p", "24/02/2026 02:45 PM", "Asia/Kolkata", "2026-02-24T09:15:00Z"},
        {"%d/%m/%Y %I:%M %p", "24/02/2026 12:05 am", "UTC", "2026-02-24T00:05:00Z"},
        {"%d/%m/%Y %I:%M %p", "24/02/2026 13:05 am", "UTC", ""},
        {"%Y-%m-%dn%H:%M:%S", "2020-04-09n13:46:56", "Asia/Kolkata", "2020-04-09T08:16:56Z"},
        {"%b %d, %Y", "February 3, 2026", "UTC", "2026-02-03T00:00:00Z"},
        {"%a %d-%b-%y %H:%M:%S.%f %z", "Tue 24-Feb-26 14:45:15.5 +01:00", "UTC",
         "2026-02-24T13:45:15.500Z"},
        {"%Y%m%d%H%M%S", "20260224144515", "UTC", "2026-02-24T14:45:15Z"},
        {"%Y%%", "2026%", "UTC", "2026-01-01T00:00:00Z"},
    };
    for (const Row& row : rows) check_row(row);
}

TEST_CASE("time: a clock change is where the zone puts it") {
    const std::string_view zone = "America/New_York";
    check_row({"iso", "2026-03-08 01:59:59", zone, "2026-03-08T06:59:59Z"});
    check_row({"iso", "2026-03-08 02:30:00", zone, "2026-03-08T07:00:00Z"});  // skipped
    check_row({"iso", "2026-03-08 03:00:00", zone, "2026-03-08T07:00:00Z"});
    check_row({"iso", "2026-11-01 01:30:00", zone, "2026-11-01T05:30:00Z"});  // the first of two
    check_row({"iso", "2026-11-01 02:00:00", zone, "2026-11-01T07:00:00Z"});
}

TEST_CASE("time: a zone gives local time and back") {
    const Zone zone = *Zone::find("Asia/Kolkata");
    const bus::Timestamp noon = *bus::from_iso("2026-02-24T12:00:00Z");
    CHECK(bus::to_iso(zone.to_local(noon)) == "2026-02-24T17:30:00Z");
    CHECK(zone.to_utc(zone.to_local(noon)) == noon);
    CHECK(zone.offset_at(noon) == bus::seconds{19'800});
    CHECK(Zone::find("Europe/Nowhere").error().message == "unknown time zone 'Europe/Nowhere'");
    CHECK(Zone::find("UTC")->is_utc());
}

TEST_CASE("time: a format that cannot work is refused") {
    for (auto text : {"", "%H:%M", "%Q %Y", "%Y %", "ISO", "unix"}) {
        CAPTURE(text);
        CHECK_FALSE(TimeFormat::parse(text));
    }
}
