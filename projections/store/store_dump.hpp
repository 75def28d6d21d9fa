// Rows of a store in readable form, for `tributary dump rows`. Opens it read-only.
#pragma once

#include "bus/result.hpp"

#include <filesystem>
#include <functional>
#include <string_view>

namespace projections::store {

// A line per row: table, instance, tenant, the rest of the key in hex, the value as it is. `prefix`
// is hex of complete keys. not_found: no store there; corrupt: it does not open.
bus::Result<bus::Done> dump_store(const std::filesystem::path& directory, std::string_view prefix,
                                  std::size_t limit,
                                  const std::function<void(std::string_view)>& line);

}  // namespace projections::store
