// Opens a store that no process has open, changing nothing in it.
#pragma once

#include "bus/position.hpp"

#include <filesystem>

namespace projections::store {

// The checkpoint of a store that opens with all its tables. With `thorough` every block of every
// file is checked against its checksum. corrupt, not_found, invalid_input (another format),
// unavailable.
bus::Result<bus::Position> check_store(const std::filesystem::path& directory,
                                       bus::PartitionId partition, bool thorough);

}  // namespace projections::store
