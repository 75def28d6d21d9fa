#include "consumers/build_scope.hpp"

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

}  // namespace consumers
