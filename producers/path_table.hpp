// Which kinds of provider a request path belongs to, and what its last segment names.
//
// Built once from the provider files. A path is fixed ("/webhooks/shop") or ends in one
// parameter ("/webhooks/ivr/:slug", "/api/whatsapp/webhook/:token"; "{slug}" is the same).
#pragma once

#include "producers/json_path.hpp"
#include "schemas/registry.hpp"

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace producers {

enum class PathEnd : std::uint8_t { fixed, slug, token };

// Where bodies of a kind name the account they are for.
struct AccountPath {
    const schemas::ProviderKind* kind = nullptr;
    JsonPath path;
};

struct PathEntry {
    std::string pattern;  // as it may be stored: never holds a token
    PathEnd end = PathEnd::fixed;
    std::vector<const schemas::ProviderKind*> kinds;
    std::vector<AccountPath> accounts;

    bool serves(std::string_view kind) const;
};

struct PathMatch {
    const PathEntry* entry = nullptr;
    std::string_view parameter;
    explicit operator bool() const { return entry != nullptr; }
};

class PathTable {
public:
    explicit PathTable(const std::vector<const schemas::ProviderKind*>& kinds);
    PathMatch find(std::string_view path) const;

private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>{}(text);
        }
    };
    using Entries = std::unordered_map<std::string, PathEntry, Hash, std::equal_to<>>;
    void add(std::string_view pattern, const schemas::ProviderKind* kind);

    Entries fixed_;
    Entries with_parameter_;  // by what stands before the parameter
};

}  // namespace producers
