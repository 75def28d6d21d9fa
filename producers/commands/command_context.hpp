// What every command handler works with. Plugged together by the program; outlives the routes.
#pragma once

#include "producers/commands/control_writer.hpp"

#include <string>

namespace producers::commands {

// What one client has at most, far more than an honest one needs: all of it is in the memory of
// every node.
struct ClientLimits {
    std::size_t mappings_max = 256;
    std::size_t sources_max = 10'000;
    std::size_t live_keys_max = 1'000;
};

struct CommandContext {
    schemas::Registry& registry;
    ControlWriter& writer;
    SecretVault& vault;
    std::string
        ingress_url;  // "https://hooks.example.com", no slash at its end: base of answered urls
    ClientLimits limits{};
};

}  // namespace producers::commands
