// What every command handler works with. Plugged together by the program; outlives the routes.
#pragma once

#include "producers/commands/control_writer.hpp"

#include <string>

namespace producers::commands {

struct CommandContext {
    schemas::Registry& registry;
    ControlWriter& writer;
    SecretVault& vault;
    std::string
        ingress_url;  // "https://hooks.example.com", no slash at its end: base of answered urls
};

}  // namespace producers::commands
