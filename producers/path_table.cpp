#include "producers/path_table.hpp"

#include "bus/logging.hpp"

#include <algorithm>

namespace producers {

bool PathEntry::serves(std::string_view kind) const {
    return std::any_of(kinds.begin(), kinds.end(), [&](const auto* k) { return k->kind == kind; });
}

PathTable::PathTable(const std::vector<const schemas::ProviderKind*>& kinds) {
    for (const schemas::ProviderKind* kind : kinds) {
        for (const std::string& path : kind->paths) add(path, kind);
        if (!kind->url_path.empty()) add(kind->url_path, kind);
    }
}

void PathTable::add(std::string_view pattern, const schemas::ProviderKind* kind) {
    const auto slash = pattern.rfind('/');
    const auto last = pattern.substr(slash + 1);
    PathEntry* entry = nullptr;
    if (last.starts_with(':') || last.starts_with('{')) {
        const auto prefix = pattern.substr(0, slash + 1);
        entry = &with_parameter_[std::string(prefix)];
        const bool token = last.find("token") != std::string_view::npos;
        entry->end = token ? PathEnd::token : PathEnd::slug;
        entry->pattern = std::string(prefix) + (token ? "{token}" : "{slug}");
    } else {
        entry = &fixed_[std::string(pattern)];
        entry->pattern = pattern;
    }
    if (pattern.find_first_of(":{") < slash)
        bus::logging::warn("path_not_served", {{"path", pattern}, {"kind", kind->kind}});
    if (entry->serves(kind->kind)) return;
    entry->kinds.push_back(kind);
    for (const std::string& text : kind->account_id_paths) {
        if (auto path = JsonPath::compile(text))
            entry->accounts.push_back({kind, *std::move(path)});
        else
            bus::logging::error("account_path_refused", {{"kind", kind->kind}, {"path", text}});
    }
}

PathMatch PathTable::find(std::string_view path) const {
    if (auto found = fixed_.find(path); found != fixed_.end()) return {&found->second, {}};
    const auto slash = path.rfind('/');
    if (slash == std::string_view::npos || slash + 1 == path.size()) return {};
    auto found = with_parameter_.find(path.substr(0, slash + 1));
    if (found == with_parameter_.end()) return {};
    return {&found->second, path.substr(slash + 1)};
}

}  // namespace producers
