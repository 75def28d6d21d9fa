// Folds one partition of the log into its store: all generations that are fed, with one read.
//
// A failed step leaves nothing behind, so step() may simply be called again. Once in effect,
// whatever crashes. Threads: one at a time.
#pragma once

#include "consumers/log_folding.hpp"
#include "consumers/partition_store.hpp"
#include "consumers/projector_probe.hpp"

#include <memory>

namespace consumers {

class Projector {
public:
    // `more` is notified when step() may find records; it outlives the projector.
    Projector(const ProjectorSetup& setup, bus::PartitionId partition, PartitionStore store,
              bus::Signal& more);
    ~Projector();

    // Applies whatever is there, 1 to 512 records, and gives how many; 0 = none yet.
    // unavailable: try again later. gone, corrupt: this partition cannot go on: with
    // store_damaged() the store is to be set aside and rebuilt, else the log holds what this
    // program must not skip.
    bus::Result<std::size_t> step();
    bool store_damaged() const { return store_damaged_; }
    // A write failed (disk full): the database takes no more until it is opened again.
    bool store_closed_to_writes() const { return store_closed_to_writes_; }

    projections::store::RowStore& store() { return *store_.rows; }
    const GenerationCatalogue& catalogue() const { return store_.catalogue; }
    const bus::Position& complete_from() const { return store_.complete_from; }
    // Of the newest record that was applied by this process.
    bus::Timestamp newest_ingest_time() const;

    // The catalogue on disk and what is fed from the next step on, at once. When it fails, neither
    // has changed.
    bus::Result<bus::Done> change_catalogue(GenerationCatalogue catalogue);

private:
    class Target;

    void feed();
    bus::Error failed(const bus::Error& error);

    const ProjectorSetup& setup_;
    const bus::PartitionId partition_;
    bus::Signal& more_;
    ProjectorProbe probe_;
    PartitionStore store_;
    std::unique_ptr<Target> target_;  // before folding_, which writes through it
    std::unique_ptr<LogFolding> folding_;
    bool store_damaged_ = false;
    bool store_closed_to_writes_ = false;
};

}  // namespace consumers
