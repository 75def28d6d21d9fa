// The overlay in which the folds of one partition work: decoded rows, one write per batch.
//
// Owned by the partition's only writer. After finish() the hot rows stay decoded (bounded) for the
// next batch; when the commit fails, call forget() so that nothing uncommitted is believed.
#pragma once

#include "projections/batch_writes.hpp"
#include "projections/projection.hpp"

#include <memory>
#include <span>
#include <string>

namespace projections {

class MeasureSet;  // measures/measure_set.hpp

// Where committed rows are read from: a store, or a std::map in tests.
class CommittedRows {
public:
    virtual ~CommittedRows() = default;
    virtual std::optional<std::string> get(Table table, std::string_view key) = 0;  // complete key
};

using InstanceId = std::uint16_t;  // one generation of one projection

// instance (2 bytes) | tenant (8 bytes) | row key
std::string complete_key(InstanceId instance, bus::TenantId tenant, std::string_view row_key);
bus::TenantId tenant_of(std::string_view complete_key);

class Batch {
public:
    // `measures` may be null. Both must outlive the batch. Aggregates stand under the instance of
    // the rows they count; one that counts nothing must be empty(), else a duplicate would leave a
    // trace of zero.
    Batch(CommittedRows& committed, const MeasureSet* measures,
          std::size_t cached_rows_max = 50'000);
    ~Batch();

    // Valid until finish() or forget().
    Rows& rows(InstanceId instance, bus::TenantId tenant);

    // Encodes what changed, derives index entries and measures from what each row was before the
    // batch and is now, and gives the writes in key order, until the next finish() of any batch on
    // this thread. corrupt when a stored row did not decode.
    bus::Result<std::span<const Write>> finish();
    void forget();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace projections
