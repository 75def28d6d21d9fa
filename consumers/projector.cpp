#include "consumers/projector.hpp"

#include "bus/crash_point.hpp"
#include "consumers/store_target.hpp"

namespace consumers {

using bus::Done;
using bus::ErrorCode;
using bus::Result;

namespace {
constexpr std::size_t behind_records_max = 1'024;
}

// The store's rows and its checkpoint.
class Projector::Target final : public StoreTarget {
public:
    using StoreTarget::StoreTarget;
    Result<Done> commit(const std::vector<projections::store::StoreWrite>& writes,
                        const bus::Position& position) override {
        bus::crash_point("projector.before_commit");
        auto committed = StoreTarget::commit(writes, position);
        bus::crash_point("projector.committed");
        return committed;
    }
};

Projector::Projector(const ProjectorSetup& setup, bus::PartitionId partition, PartitionStore store,
                     bus::Signal& more)
    : setup_(setup),
      partition_(partition),
      more_(more),
      probe_(partition),
      store_(std::move(store)),
      target_(std::make_unique<Target>(*store_.rows)) {
    feed();
}

Projector::~Projector() = default;

void Projector::feed() {
    LogFolding::Options options;
    options.behind_records_max = behind_records_max;
    options.cached_rows_max = setup_.cached_rows_max;
    folding_ = std::make_unique<LogFolding>(setup_, partition_,
                                            store_.catalogue.feeds(wanted_projections(setup_)),
                                            store_.catalogue.dedup(), *target_, more_, options);
}

Result<std::size_t> Projector::step() {
    if (const auto damage = store_.rows->damage()) {
        store_damaged_ = true;
        return *damage;
    }
    Result<std::size_t> applied = folding_->step();
    const FoldingCounts counts = folding_->records().take_counts();
    if (!applied) return failed(applied.error());
    if (*applied == 0) return applied;
    store_closed_to_writes_ = false;
    if (counts.dead_letters > 0) probe_.dead_lettered(counts.dead_letters);
    for (std::uint64_t i = 0; i < counts.duplicates; ++i) probe_.duplicate_skipped();
    probe_.committed(*applied, folding_->commit_took());
    return applied;
}

bus::Error Projector::failed(const bus::Error& error) {
    probe_.failed();
    const FoldFailure failure = folding_->failure();
    const bool in_store = failure == FoldFailure::rows_read || failure == FoldFailure::rows_write;
    if (in_store && error.code == ErrorCode::corrupt) store_damaged_ = true;
    if (failure == FoldFailure::rows_write) store_closed_to_writes_ = true;
    return error;
}

bus::Timestamp Projector::newest_ingest_time() const {
    return folding_->records().newest_ingest_time();
}

Result<Done> Projector::change_catalogue(GenerationCatalogue catalogue) {
    if (auto written = write_catalogue(*store_.rows, catalogue); !written) return written;
    store_.catalogue = std::move(catalogue);
    feed();
    return Done{};
}

}  // namespace consumers
