#include "tools/options.hpp"

#include <charconv>

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

bus::Result<std::map<std::string, std::string>> parse_properties(
    const std::vector<std::string>& properties) {
    std::map<std::string, std::string> parsed;
    for (const std::string& property : properties) {
        const auto equals = property.find('=');
        if (equals == std::string::npos) {
            return bus::fail(bus::ErrorCode::invalid_input, "--kafka takes NAME=VALUE, not '{}'",
                             property);
        }
        parsed[property.substr(0, equals)] = property.substr(equals + 1);
    }
    return parsed;
}

}  // namespace tools
