// Rows as files that a store can take over whole (InstanceWriter::ingest): how a generation that
// was built elsewhere comes into the live store without passing its log and its compactions.
#pragma once

#include "projections/store/row_store.hpp"

#include <array>

namespace projections::store {

struct SortedFiles {
    std::array<std::vector<std::filesystem::path>, 4> of_table;
    std::uint64_t rows = 0;
};

// All rows whose keys start with one of `prefixes`, in new files in `directory`, which is emptied
// first. `wrote` is told how many rows came since the last call; false cancels. Errors: cancelled,
// unavailable, corrupt.
bus::Result<SortedFiles> write_sorted_files(const Snapshot& rows, std::vector<std::string> prefixes,
                                            const std::filesystem::path& directory,
                                            const SharedResources& shared,
                                            const std::function<bool(std::uint64_t)>& wrote);

}  // namespace projections::store
