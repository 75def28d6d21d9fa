// The demo: a tenant, one source of each kind, some hundreds of signed sample events, then what to
// try.
#pragma once

#include "tools/platform.hpp"

#include <filesystem>
#include <stop_token>

namespace tools {

// Sends the traffic once per data folder (DIR/demo.done remembers); prints the addresses, the
// tenant's API key and five curl lines either way. Blocks until the rows have it all.
bus::Result<bus::Done> run_demo(const Platform& platform, const std::filesystem::path& data,
                                std::stop_token stop);

}  // namespace tools
