#include "schemas/providers/built_in.hpp"

#include "schemas/providers/provider_file.hpp"

namespace schemas {

bus::Result<std::vector<ProviderKind>> built_in_providers() {
    std::vector<ProviderKind> kinds;
    for (const EmbeddedFile& file : embedded_provider_files()) {
        auto kind = parse_provider_file(file.text, file.name);
        if (!kind) return kind.error();
        kinds.push_back(*std::move(kind));
    }
    return kinds;
}

}  // namespace schemas
