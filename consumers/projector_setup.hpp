// What every projector of a process works with. All of it outlives them.
#pragma once

#include "bus/log.hpp"
#include "projections/measures/measure_set.hpp"
#include "projections/projection.hpp"
#include "projections/store/row_store.hpp"
#include "schemas/registry.hpp"

#include <filesystem>
#include <memory>
#include <vector>

namespace consumers {

// What to do with rows that were made by other code (`serve --on-change`). They are never mixed.
enum class OnChange : std::uint8_t {
    rebuild,  // built anew beside everything else, not shown meanwhile; what cannot be is refused
    refuse,   // the partition does not open
    keep,     // what is live is shown as it is and not fed any more; a candidate begins anew
};

// Many small batches cost twice what few large ones do. So a partition rests after each, longer
// than it worked, but not so long that anybody would see it, and not at all while a reader waits.
struct Rests {
    int per_work = 16;
    bus::milliseconds max{50};
    bus::milliseconds large_batch{10};  // behind one that took so long it goes on at once
};

struct ProjectorSetup {
    bus::Log& log;
    const schemas::Registry& registry;
    std::vector<const projections::Projection*> projections;
    const projections::MeasureSet* measures = nullptr;  // may be null
    std::filesystem::path stores;                       // one folder per partition inside
    std::shared_ptr<projections::store::SharedResources> shared;
    schemas::BodyReader mail_reader = nullptr;  // without one, mails are dead letters
    std::size_t memtable_bytes = 32 << 20;
    std::size_t cached_rows_max = 20'000;  // decoded, per partition
    Rests rests{};                         // of a pool's partitions
    OnChange on_change = OnChange::rebuild;
    std::filesystem::path bases{};  // base_rows.hpp; empty: nothing ever expires
    // By partition: what stands before came from a log whose window misses copies (ARCHITECTURE.md,
    // "On Kafka"). Such a log itself needs no telling.
    std::vector<bus::Position> copies_before{};
};

}  // namespace consumers
