// The load of bench_ingress, run in a process of its own: signed WhatsApp bodies of 1.5 KB from 200
// tenants over a fixed number of connections, each with one request under way.
#pragma once

#include <cstdint>
#include <string>

namespace bench {

inline constexpr std::size_t tenants = 200;
inline constexpr std::size_t body_bytes = 1500;

std::string token_of(std::size_t tenant);
std::string secret_of(std::size_t tenant);

struct LoadOptions {
    std::uint16_t port = 0;
    std::size_t connections = 128;
    std::size_t requests = 200'000;
    std::string run;  // makes the message ids of this run new
    // Lines of "PATH SECRET", one per tenant, instead of the bench's own; "" = its own.
    std::string targets;
    std::size_t rate = 0;  // requests a second over all connections; 0 = as fast as answers come
    std::string server;    // who answers: stands first in the line; "" = left out
};

// Prints one line of key=value to standard output; the exit code of the load process.
int run_load(const LoadOptions& options);

}  // namespace bench
