// The demo: a tenant, one source of each kind, some hundreds of signed sample events, then what to
// try.
#pragma once

#include "tools/platform.hpp"

#include <filesystem>
#include <stop_token>

namespace tools {

// Sends the traffic once per data folder (DIR/demo.json remembers) and prints the addresses, the
// tenant's API key and five curl lines on standard output, again at each later start. Blocks until
// the rows have it all; a stop request ends it early without an error, the next start goes on.
bus::Result<bus::Done> run_demo(const Platform& platform, const std::filesystem::path& data,
                                const std::stop_token& stop);

}  // namespace tools
