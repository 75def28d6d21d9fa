#include "consumers/build_scope.hpp"

#include "bus/logging.hpp"

namespace consumers {

namespace fs = std::filesystem;

std::vector<StoredGeneration> building_in(const GenerationCatalogue& catalogue, BuildScope scope) {
    std::vector<StoredGeneration> building = catalogue.in_state(GenerationState::building);
    std::erase_if(building, [&](const StoredGeneration& one) {
        return (one.role == schemas::GenerationRole::live) != (scope == BuildScope::live);
    });
    return building;
}

fs::path building_directory(const ProjectorSetup& setup, bus::PartitionId partition,
                            BuildScope scope) {
    return store_directory(setup, partition).string() +
           (scope == BuildScope::candidates ? ".building" : ".rebuilding");
}

std::string building_mark(BuildScope scope) {
    return scope == BuildScope::candidates ? "building" : "rebuilding";
}

bus::Result<bus::Done> remove_ended_builds(const ProjectorSetup& setup, bus::PartitionId partition,
                                           const GenerationCatalogue& catalogue) {
    for (const BuildScope scope : build_scopes) {
        if (!building_in(catalogue, scope).empty()) continue;
        const fs::path directory = building_directory(setup, partition, scope);
        std::error_code failed;
        const std::uintmax_t removed = fs::remove_all(directory, failed);
        if (failed)
            return bus::fail(bus::ErrorCode::unavailable, "remove {}: {}", directory.string(),
                             failed.message());
        if (removed > 0) bus::logging::info("ended_build_removed", {{"path", directory.string()}});
    }
    return bus::Done{};
}

}  // namespace consumers
