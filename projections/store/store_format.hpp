// The `format` file of a store directory, one line: "tributary store VERSION partition NUMBER\n".
// Written before the first row, so that a store is never opened on a guess. Private to this folder.
#pragma once

#include "projections/store/row_store.hpp"

namespace projections::store {

// In the default column family: the checkpoint, written with the rows that it is true for.
inline constexpr std::string_view checkpoint_key = "checkpoint";

std::filesystem::path rows_directory(const std::filesystem::path& directory);

// Creates the directory and its format file, or checks the one that is there.
bus::Result<bus::Done> prepare_directory(const std::filesystem::path& directory,
                                         bus::PartitionId partition);

}  // namespace projections::store
