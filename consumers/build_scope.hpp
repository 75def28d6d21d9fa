// What is built of a partition's catalogue, and where a build stands meanwhile.
#pragma once

#include "consumers/generation_catalogue.hpp"
#include "consumers/partition_store.hpp"

#include <array>
#include <filesystem>

namespace consumers {

// The two are apart, so that what one has done is not lost to the other.
enum class BuildScope : std::uint8_t {
    candidates,  // of replays
    live,        // what is read and must be built anew, because the code changed
};
inline constexpr std::array<BuildScope, 2> build_scopes{BuildScope::candidates, BuildScope::live};

std::vector<StoredGeneration> building_in(const GenerationCatalogue& catalogue, BuildScope scope);

// The database that a build fills.
std::filesystem::path building_directory(const ProjectorSetup& setup, bus::PartitionId partition,
                                         BuildScope scope);
// The meta of the live store that says how far the rows are which were moved there. "": none are.
std::string building_mark(BuildScope scope);

// Databases of builds that nobody goes on with: their generations are built, or dropped. Nobody
// else may begin a build of the partition meanwhile. unavailable: it stays.
bus::Result<bus::Done> remove_ended_builds(const ProjectorSetup& setup, bus::PartitionId partition,
                                           const GenerationCatalogue& catalogue);

}  // namespace consumers
