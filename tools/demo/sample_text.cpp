#include "tools/demo/sample_text.hpp"

#include "bus/result.hpp"
#include "bus/text.hpp"

#include <ctime>

namespace tools::demo {
namespace {

constexpr bus::seconds india_offset{5 * 3600 + 30 * 60};

std::string format_utc(bus::Timestamp time, const char* pattern) {
    const std::time_t seconds = std::chrono::floor<bus::seconds>(time).time_since_epoch().count();
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[64];
    return {text, std::strftime(text, sizeof text, pattern, &parts)};
}

const std::string& sample(std::string_view file) {
    static const auto samples = [] {
        std::map<std::string, std::string, std::less<>> by_name;
        for (auto& [name, text] : embedded_samples()) by_name.emplace(name, text);
        return by_name;
    }();
    const auto found = samples.find(file);
    BUS_ASSERT(found != samples.end(), "a sample of the demo is missing");
    return found->second;
}

bool is_url_encoded(std::string_view file) {
    return file.ends_with(".query") || file.ends_with(".form");
}

}  // namespace

std::string india_time(bus::Timestamp time) {
    return format_utc(time + india_offset, "%Y-%m-%d %H:%M:%S");
}

void add_time(Values& values, const std::string& name, bus::Timestamp time) {
    values[name + ".iso"] = bus::to_iso(time);
    values[name + ".naive"] = format_utc(time, "%Y-%m-%dT%H:%M:%S.000000");
    values[name + ".unix"] =
        std::to_string(std::chrono::floor<bus::seconds>(time).time_since_epoch().count());
    values[name + ".india"] = india_time(time);
    values[name + ".mail"] = format_utc(time, "%a, %d %b %Y %H:%M:%S +0000");
}

std::string fill_sample(std::string_view file, const Values& values) {
    std::string_view rest = sample(file);
    if (is_url_encoded(file)) rest = bus::trim(rest);
    std::string out;
    for (auto open = rest.find("{{"); open != rest.npos; open = rest.find("{{")) {
        const auto close = rest.find("}}", open);
        BUS_ASSERT(close != rest.npos, "a placeholder of a sample does not end");
        const auto value = values.find(rest.substr(open + 2, close - open - 2));
        BUS_ASSERT(value != values.end(), "a placeholder of a sample has no value");
        out += rest.substr(0, open);
        out += is_url_encoded(file) ? bus::percent_encode(value->second) : value->second;
        rest.remove_prefix(close + 2);
    }
    return out.append(rest);
}

}  // namespace tools::demo
