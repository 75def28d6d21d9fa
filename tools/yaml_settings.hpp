// Settings from a YAML file for CLI11: sections are subcommands, keys are long flags.
//
//   serve:
//     data: /var/lib/tributary
//     api: 127.0.0.1:8081
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>

namespace tools {

class YamlSettings : public CLI::Config {
public:
    std::string to_config(const CLI::App*, bool, bool, std::string) const override { return {}; }
    // Throws CLI::ConversionError with line and column for what is not a map of scalars.
    std::vector<CLI::ConfigItem> from_config(std::istream& input) const override;
};

}  // namespace tools
