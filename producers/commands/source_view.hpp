// Sources, clients and keys as the API shows them. Secrets are write-only: {set, last4,
// rotated_at}.
#pragma once

#include "producers/commands/command_context.hpp"
#include "schemas/json/json.hpp"

namespace producers::commands {

void show(schemas::json::Writer& out, const schemas::Tenant& tenant);  // members only, no braces
void show(schemas::json::Writer& out, const schemas::ApiKey& key);     // members only, no braces
// Members only, no braces.
void show(schemas::json::Writer& out, const CommandContext& context, const schemas::Source& source);

// The address that the provider shall be given.
std::string url_of(const CommandContext& context, const schemas::Source& source);

}  // namespace producers::commands
