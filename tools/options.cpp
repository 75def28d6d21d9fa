#include "tools/options.hpp"

#include <charconv>
#include <fstream>

namespace tools {

bus::Result<Endpoint> parse_endpoint(std::string_view text) {
    const auto colon = text.rfind(':');
    Endpoint endpoint;
    if (colon != std::string_view::npos) {
        endpoint.host = text.substr(0, colon);
        const auto port = text.substr(colon + 1);
        const auto [end, error] =
            std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
        if (error == std::errc{} && end == port.data() + port.size() && !endpoint.host.empty())
            return endpoint;
    }
    return bus::fail(bus::ErrorCode::invalid_input, "'{}' is not HOST:PORT, e.g. 127.0.0.1:8080",
                     text);
}

std::string to_string(const Endpoint& endpoint) {
    return fmt::format("{}:{}", endpoint.host, endpoint.port);
}

namespace {

using Properties = std::map<std::string, std::string>;

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blank = " \t\r";
    const auto from = text.find_first_not_of(blank);
    if (from == std::string_view::npos) return {};
    return text.substr(from, text.find_last_not_of(blank) - from + 1);
}

bool take_property(std::string_view line, Properties& properties) {
    const auto equals = line.find('=');
    if (equals == std::string_view::npos || equals == 0) return false;
    const std::string_view value = trimmed(line.substr(equals + 1));
    properties[std::string(trimmed(line.substr(0, equals)))] = value;
    return true;
}

bus::Result<bus::Done> read_properties(const std::filesystem::path& file, Properties& properties) {
    std::ifstream lines(file);
    if (!lines)
        return bus::fail(bus::ErrorCode::invalid_input, "--kafka-properties: {} cannot be read",
                         file.string());
    std::string line;
    for (int number = 1; std::getline(lines, line); ++number) {
        const std::string_view said = trimmed(line);
        if (said.empty() || said.front() == '#') continue;
        if (!take_property(said, properties))
            return bus::fail(bus::ErrorCode::invalid_input,
                             "--kafka-properties: line {} of {} is not NAME=VALUE", number,
                             file.string());
    }
    return bus::Done{};
}

}  // namespace

bus::Result<Properties> parse_properties(const std::vector<std::string>& properties,
                                         const std::filesystem::path& file) {
    Properties parsed;
    if (!file.empty())
        if (auto read = read_properties(file, parsed); !read) return read.error();
    for (const std::string& property : properties)
        if (!take_property(property, parsed))
            return bus::fail(bus::ErrorCode::invalid_input,
                             "--kafka takes NAME=VALUE, as ssl.ca.location=FILE");
    return parsed;
}

}  // namespace tools
