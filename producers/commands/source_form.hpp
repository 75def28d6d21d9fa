// The settable fields of a source, read from a request body: all at its creation, some by a merge
// patch.
#pragma once

#include "producers/commands/object_form.hpp"
#include "schemas/registry.hpp"

namespace producers::commands {

// What the body gave in clear; neither is ever stored so.
struct SourceSecrets {
    std::optional<std::string> secret;
    std::optional<std::string> verify_token;
};

// Sets on `source` what the form gives; the rest stays. Problems are kept by the form.
SourceSecrets read_source(ObjectForm& form, const schemas::ProviderKind& kind,
                          schemas::Source& source);

// Whether this verification compares against a secret of the source.
bool needs_secret(const schemas::Verification& verification);

bool is_slug(std::string_view text);

}  // namespace producers::commands
