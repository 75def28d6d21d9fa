// The rows that the log gives when it is folded from its beginning (or from the base, where records
// have expired: base_rows.hpp), in a database aside; and how the live ones differ from them. For
// proving rows, and for making a tenant's rows anew.
//
// Threads: one, beside the partition's projector.
#pragma once

#include "consumers/base_rows.hpp"
#include "consumers/generation_builder.hpp"
#include "consumers/tenant_rows.hpp"

namespace consumers {

// One key that is not alike in both.
struct RowDifference {
    schemas::GenerationName generation;
    std::uint8_t table = 0;
    std::string key;                   // complete
    std::optional<std::string> fresh;  // none: it should not be there
    bool is_live = false;              // false: it is missing
};

class FreshFold {
public:
    // Begins anew in `directory`, which goes with this. Every generation that `catalogue` feeds is
    // folded, of one tenant or of all. conflict: other work is using the directory.
    static bus::Result<std::unique_ptr<FreshFold>> begin(const ProjectorSetup& setup,
                                                         bus::PartitionId partition,
                                                         const GenerationCatalogue& catalogue,
                                                         std::optional<bus::TenantId> only,
                                                         std::filesystem::path directory);
    virtual ~FreshFold() = default;

    // What it began with; none: with nothing.
    virtual const std::optional<Base>& base() const = 0;
    virtual bus::Timestamp newest_ingest_time() const = 0;  // of the records folded
    // Flushed; the directory stays when this goes. Nothing can be folded after it.
    virtual bus::Result<bus::Done> keep() = 0;

    // Exactly up to `end`. cancelled, unavailable, and what the log says.
    virtual bus::Result<bus::Done> fold_until(const bus::Position& end, BuildWatch& watch) = 0;
    // Key by key, in order, of rows that are true at the position folded to. `visit` gives false
    // to stop. The sum of the keys that were compared.
    virtual bus::Result<std::uint64_t> compare(
        const projections::store::Snapshot& live,
        const std::function<bool(const RowDifference&)>& visit) = 0;
};

// A tenant's rows become what the log says now, in one write between two steps of the projector:
// readers see them before or after. What was changed, by table; nothing of a tenant that is erased
// as a whole, also meanwhile: that erasure takes its rows. conflict: a generation is being
// built, or another tenant of the partition is being folded. unavailable: rows of the tenant are
// frozen, and nothing makes them anew until they are fed again.
bus::Result<RowCounts> refold_tenant(ProjectorPool& pool, bus::PartitionId partition,
                                     bus::TenantId tenant, BuildWatch& watch);

}  // namespace consumers
