// A format, a line end, and a time in it, as wall time of a zone with clock changes.
#include "schemas/time/time_text.hpp"

#include <algorithm>
#include <cstdlib>

namespace {

void read(std::string_view format, std::string_view text) {
    static const auto zone = schemas::time::Zone::find("America/New_York");
    const auto parsed = schemas::time::TimeFormat::parse(format);
    if (!parsed) return;
    const auto time = parsed->read(text, *zone);
    if (time && bus::from_iso(bus::to_iso(*time)).value_or(bus::Timestamp{}) != *time) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const auto format = text.substr(0, text.find('\n'));
    const auto rest = text.substr(std::min(text.size(), format.size() + 1));
    read(format, rest);
    for (const std::string_view named : {"iso", "unix_s", "unix_ms", "unix_us", "rfc2822"})
        read(named, text);
    return 0;
}
