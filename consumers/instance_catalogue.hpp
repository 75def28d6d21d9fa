// Which projection instance of a store holds what: a name, the version of the code that made the
// rows, the generation (how often it was built) and the number in front of its keys.
//
// Stored as text, one line each, in this order:
//   NAME version=VERSION generation=N instance=N
// Two names are not projections: "measures" (version = fingerprint of the measure files) and
// "dedup" (ARCHITECTURE.md, "On Kafka").
#pragma once

#include "consumers/projector_setup.hpp"
#include "projections/batch.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace consumers {

inline constexpr std::string_view measures_name = "measures";
inline constexpr std::string_view dedup_name = "dedup";

struct Instance {
    std::string name;
    std::string version;
    std::uint32_t generation = 1;
    projections::InstanceId id = 0;
    bool operator==(const Instance&) const = default;
};

class InstanceCatalogue {
public:
    // What a store that is built now by this program holds.
    static InstanceCatalogue wanted(const ProjectorSetup& setup);
    static bus::Result<InstanceCatalogue> parse(std::string_view text);  // corrupt
    std::string text() const;

    // Names whose rows were made by other code than `other` has; "" when there is none.
    std::string difference(const InstanceCatalogue& other) const;
    // Every generation one above those of `before`: what a whole rebuild makes.
    void continue_from(const InstanceCatalogue& before);

    const Instance* find(std::string_view name) const;
    projections::InstanceId id(std::string_view name) const;  // of a name that is there

private:
    std::vector<Instance> instances_;
};

}  // namespace consumers
