// The provider kinds whose files are compiled into the program: every schemas/providers/*.yaml.
#pragma once

#include "schemas/registry.hpp"

namespace schemas {

struct EmbeddedFile {
    std::string_view name;  // "stripe.yaml"
    std::string_view text;
};
std::vector<EmbeddedFile> embedded_provider_files();

// In the order of their file names. invalid_input names file, line and column.
bus::Result<std::vector<ProviderKind>> built_in_providers();

}  // namespace schemas
