#include "tools/retention/retention_settings.hpp"

#include "bus/durable_file.hpp"
#include "tools/backup/durable_files.hpp"

#include <array>
#include <charconv>
#include <sstream>

namespace tools::retention {

using bus::Done;
using bus::ErrorCode;
using bus::Result;

namespace {

struct Unit {
    char name;
    std::int64_t seconds;
};
constexpr std::array<Unit, 4> units{{{'d', 86'400}, {'h', 3'600}, {'m', 60}, {'s', 1}}};

std::optional<std::int64_t> number_of(std::string_view text) {
    std::int64_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size())
        return std::nullopt;
    return number;
}

}  // namespace

Result<Settings> read_settings(const std::filesystem::path& data) {
    Settings settings;
    const std::filesystem::path file = data / settings_name;
    const auto text = read_whole(file);
    if (!text && text.error().code == ErrorCode::not_found) return settings;
    if (!text) return text.error();
    std::istringstream lines(*text);
    for (std::string line; std::getline(lines, line);) {
        const std::size_t equals = line.find('=');
        const auto topic = parse_limited_topic(std::string_view(line).substr(0, equals));
        const auto keep = equals == std::string::npos
                              ? std::nullopt
                              : number_of(std::string_view(line).substr(equals + 1));
        if (!topic || !keep || *keep < keep_min.count() || *keep > keep_max.count())
            return bus::fail(ErrorCode::corrupt,
                             "{}: line '{}' is not TOPIC=SECONDS; nothing expires until it is",
                             file.string(), line);
        settings[*topic] = bus::seconds{*keep};
    }
    return settings;
}

Result<Done> write_settings(const std::filesystem::path& data, const Settings& settings) {
    std::string text;
    for (const auto& [topic, keep] : settings)
        text += fmt::format("{}={}\n", bus::short_name(topic), keep.count());
    return bus::write_durably(data / settings_name, text);
}

Result<bus::Topic> parse_limited_topic(std::string_view text) {
    const auto topic = bus::parse_topic(text);
    if (topic && bus::may_expire(*topic)) return *topic;
    std::string names;
    for (std::size_t i = 0; i < bus::topic_count; ++i)
        if (bus::may_expire(bus::topic_at(i)))
            names += (names.empty() ? "" : ", ") + std::string(bus::short_name(bus::topic_at(i)));
    return bus::fail(ErrorCode::invalid_input,
                     "'{}' is no topic that can be kept for a time; these can: {}", text, names);
}

Result<bus::seconds> parse_age(std::string_view text) {
    const auto wrong = [&] {
        return bus::fail(ErrorCode::invalid_input,
                         "'{}' is no age: a number and d, h, m or s, such as 365d, from 1s to {}d",
                         text, keep_max.count() / 86'400);
    };
    if (text.empty()) return wrong();
    const auto number = number_of(text.substr(0, text.size() - 1));
    for (const Unit& unit : units) {
        if (text.back() != unit.name || !number) continue;
        if (*number < 1 || *number > keep_max.count() / unit.seconds) return wrong();
        return bus::seconds{*number * unit.seconds};
    }
    return wrong();
}

std::string age_text(bus::seconds age) {
    for (const Unit& unit : units)
        if (age.count() % unit.seconds == 0)
            return fmt::format("{}{}", age.count() / unit.seconds, unit.name);
    return fmt::format("{}s", age.count());
}

}  // namespace tools::retention
