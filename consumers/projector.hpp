// Folds one partition of the log into its store: poll, map once, feed all folds, one atomic write
// of rows and checkpoint.
//
// A failed step leaves nothing behind: rows in memory are forgotten and reading starts again at the
// store's checkpoint, so step() may simply be called again. Once in effect, whatever crashes.
// Threads: one at a time.
#pragma once

#include "consumers/partition_store.hpp"
#include "consumers/projector_probe.hpp"

#include <memory>
#include <string>
#include <unordered_map>

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
    const InstanceCatalogue& catalogue() const { return store_.catalogue; }
    const bus::Position& complete_from() const { return store_.complete_from; }

private:
    class StoredRows;
    using Folds = std::vector<std::pair<const projections::Projection*, projections::InstanceId>>;

    bus::Result<bus::Done> open_reader();
    bus::Result<std::size_t> apply(const bus::RecordBatch& records);
    bus::Result<bus::Done> apply_record(const bus::RecordView& record);
    bus::Result<bus::Done> fold_raw(const bus::RecordView& record, const bus::Envelope& envelope);
    void show(const bus::RecordView& record, const bus::Envelope& envelope, std::size_t events,
              std::size_t failures);
    bool is_copy(const bus::RecordView& record, const bus::Envelope& envelope);
    bus::Result<const schemas::BoundMapping*> mapping(std::string_view stamp);
    bus::Result<bus::Done> use_source(bus::SourceId source);
    void use_tenant(bus::TenantId tenant);
    bus::Result<bus::Done> commit(const bus::Position& position, std::size_t records);
    bus::Error store_failed(const bus::Error& error);
    void forget();

    const ProjectorSetup& setup_;
    const bus::PartitionId partition_;
    bus::Signal& more_;
    const bool checks_copies_;
    ProjectorProbe probe_;
    PartitionStore store_;
    Folds folds_;

    std::unique_ptr<StoredRows> stored_rows_;  // before batch_, which reads through it
    std::unique_ptr<projections::Batch> batch_;
    std::unique_ptr<bus::Reader> reader_;  // null = to be opened at the checkpoint
    schemas::Scratch scratch_;             // with the mail reader of the setup

    // Immutable things of the registry, looked up once.
    std::unordered_map<std::string, std::shared_ptr<const schemas::BoundMapping>> mappings_;
    std::unordered_map<bus::SourceId, std::string> slugs_;
    std::string_view slug_;  // of the current record's source

    // Views of the current tenant, one per fold, valid until the batch is finished.
    std::vector<projections::Rows*> rows_;
    bus::TenantId tenant_;
    bool store_damaged_ = false;
    bool store_closed_to_writes_ = false;
};

}  // namespace consumers
