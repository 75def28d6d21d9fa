#include "tools/yaml_settings.hpp"

#include "schemas/yaml/yaml.hpp"

#include <CLI/App.hpp>

#include <sstream>

namespace tools {
namespace {

using schemas::yaml::Node;

[[noreturn]] void refuse(const Node& node, std::string_view reason) {
    throw CLI::ConversionError(schemas::yaml::error_at("settings", node.mark, reason).message,
                               "--config");
}

void collect(const Node& map, std::vector<std::string>& parents,
             std::vector<CLI::ConfigItem>& out) {
    if (!map.is_map()) refuse(map, "expected a map of settings");
    for (const auto& [key, value] : map.members) {
        if (value.is_map()) {
            parents.push_back(key.text);
            collect(value, parents, out);
            parents.pop_back();
            continue;
        }
        CLI::ConfigItem item;
        item.parents = parents;
        item.name = key.text;
        if (value.is_list()) {
            for (const Node& element : value.items) item.inputs.push_back(element.text);
        } else {
            item.inputs.push_back(value.text);
        }
        out.push_back(std::move(item));
    }
}

}  // namespace

std::vector<CLI::ConfigItem> YamlSettings::from_config(std::istream& input) const {
    std::ostringstream text;
    text << input.rdbuf();
    const auto root = schemas::yaml::parse(text.str(), "settings");
    if (!root) throw CLI::ConversionError(root.error().message, "--config");
    std::vector<CLI::ConfigItem> found;
    std::vector<std::string> parents;
    if (!root->is_null()) collect(*root, parents, found);
    return found;
}

}  // namespace tools
