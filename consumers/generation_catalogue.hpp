// What a partition's store holds: which generation of which projection, under which instance in
// front of its keys, made by which code, and how far it has come.
//
// `.control` decides which generations there are and which is live (schemas/generations.hpp); this
// says what has become of it here. reconcile() brings one into line with the other: at start, and
// after every fact. Stored as text in the store's meta, one line each, in this order:
//   PROJECTION number=N instance=N state=STATE fingerprint=TEXT
// One name is no projection: "dedup" (ARCHITECTURE.md, "On Kafka").
#pragma once

#include "consumers/projector_setup.hpp"
#include "consumers/record_folding.hpp"
#include "schemas/generations.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace consumers {

inline constexpr std::string_view dedup_name = "dedup";

enum class GenerationState : std::uint8_t {
    building,  // not fed: a builder works on it, or will
    ready,     // fed, can go live
    live,      // fed and read
    retired,   // fed, was live, can become it again
    frozen,    // read but not fed: made by other code, and the operator wants it kept
    dropped,   // its rows are being removed
};
std::string_view name(GenerationState state);
std::string instance_prefix(projections::InstanceId instance);  // of all its keys

struct StoredGeneration {
    schemas::GenerationName name;
    projections::InstanceId instance = 0;
    GenerationState state = GenerationState::building;
    std::string fingerprint;  // of the code that makes the rows

    // From `.control`, not stored here.
    std::shared_ptr<const schemas::ReplaySpec> spec;
    schemas::GenerationRole role = schemas::GenerationRole::candidate;

    bool is_fed() const;
};
// The seen hashes of requests, under the instance where somebody keeps them.
StoredGeneration dedup_generation(projections::InstanceId instance);

struct WantedProjection {
    const projections::Projection* projection = nullptr;
    std::string fingerprint;
};
// What this program makes of the log.
std::vector<WantedProjection> wanted_projections(const ProjectorSetup& setup);

class GenerationCatalogue {
public:
    // Of a store that has no rows yet: every generation is fed from the first record on.
    static GenerationCatalogue fresh(const schemas::GenerationTable& table,
                                     const std::vector<WantedProjection>& wanted);
    static bus::Result<GenerationCatalogue> parse(std::string_view text);  // corrupt
    std::string text() const;

    // In line with `table` and with the code. What is made by other code is built anew, or is
    // frozen where it is live and `keep` is set; what is not wanted any more is `dropped`.
    GenerationCatalogue reconciled(const schemas::GenerationTable& table,
                                   const std::vector<WantedProjection>& wanted, bool keep) const;
    // Projections whose rows were made by other code, or are not there at all: "calls,mails".
    std::string changed_projections(const std::vector<WantedProjection>& wanted) const;
    void set_built(projections::InstanceId instance);  // building -> what its role says
    void forget(projections::InstanceId instance);

    const std::vector<StoredGeneration>& all() const { return generations_; }
    const StoredGeneration* find(const schemas::GenerationName& name) const;
    // Whose rows a reader of the tenant gets: its own live ones, else those of all. Null: none.
    const StoredGeneration* shown(std::string_view projection, bus::TenantId tenant) const;
    bool knows(std::string_view projection) const;
    projections::InstanceId dedup() const;
    std::vector<Feed> feeds(const std::vector<WantedProjection>& wanted) const;
    std::vector<StoredGeneration> in_state(GenerationState state) const;

private:
    projections::InstanceId free_instance() const;
    void add(const StoredGeneration& generation) { generations_.push_back(generation); }
    void take_over(const StoredGeneration& stored, const schemas::Generation& decided,
                   const WantedProjection& wanted, bool keep);

    std::vector<StoredGeneration> generations_;
};

}  // namespace consumers
