// Opens the store of a partition so that it can be believed: damaged, or ahead of the log, it is
// set aside and rebuilt. Its catalogue is brought into line with `.control` and with this program:
// projections whose code changed are left to be built anew. The log has everything.
#pragma once

#include "consumers/generation_catalogue.hpp"
#include "projections/store/row_store.hpp"

namespace consumers {

struct PartitionStore {
    std::unique_ptr<projections::store::RowStore> rows;
    GenerationCatalogue catalogue;
    // Where the log ended when these rows began to be built from nothing: until they cover it
    // they are not shown.
    bus::Position complete_from;
};

std::filesystem::path store_directory(const ProjectorSetup& setup, bus::PartitionId partition);

// unavailable, conflict: try again. invalid_input: a store of another format, or rows of other
// code where that is to be refused or they could not be made anew (check_seed()); left alone.
bus::Result<PartitionStore> open_partition_store(const ProjectorSetup& setup,
                                                 bus::PartitionId partition);

// Out of the way, so that the next opening rebuilds it. Its RowStore must be gone.
bus::Result<bus::Done> set_store_aside(const ProjectorSetup& setup, bus::PartitionId partition,
                                       std::string_view reason);

// Those that were set aside and are still there, for an operator to look at. unavailable: what is
// there cannot be listed.
bus::Result<std::vector<std::filesystem::path>> stores_set_aside(const ProjectorSetup& setup,
                                                                 bus::PartitionId partition);

bus::Result<bus::Done> write_catalogue(projections::store::RowStore& rows,
                                       const GenerationCatalogue& catalogue);

}  // namespace consumers
