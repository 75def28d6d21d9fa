#include "schemas/mapping_channel.hpp"

#include "schemas/yaml/yaml.hpp"

namespace schemas {

std::optional<bus::Topic> mapping_channel(std::string_view text) {
    const auto document = yaml::parse(text, "mapping");
    if (!document) return std::nullopt;
    const yaml::Node* channel = document->find("channel");
    return channel ? bus::parse_topic(channel->text) : std::nullopt;
}

}  // namespace schemas
