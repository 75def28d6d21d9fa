// Clients, their keys, sources and mappings over HTTP: routes that the program mounts on the API's
// server. Every write is a fact on `.control`; a 2xx leaves once this process has applied it.
#pragma once

#include "producers/commands/command_context.hpp"

namespace producers::commands {

// `context` and what it names must outlive the routes.
std::vector<bus::http::Route> command_routes(const CommandContext& context);

std::vector<bus::http::Route> client_routes(const CommandContext& context);
std::vector<bus::http::Route> key_routes(const CommandContext& context);
std::vector<bus::http::Route> source_routes(const CommandContext& context);
std::vector<bus::http::Route> mapping_routes(const CommandContext& context);

// Binds every source to the mapping it should have now: after an upgrade of the program the text of
// a built-in mapping may differ from the one that its sources are stamped with. Returns how many
// sources changed.
bus::Result<std::size_t> rebind_sources(const CommandContext& context);
bus::Result<std::size_t> rebind_sources(const CommandContext& context, bus::TenantId tenant);

}  // namespace producers::commands
