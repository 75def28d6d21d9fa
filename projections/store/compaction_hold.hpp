// While it lives, flushes and compactions of the stores hardly write: a start has the cores for
// what somebody waits for, the opening of all stores. What was put off is done afterwards.
#pragma once

#include "projections/store/row_store.hpp"

#include <memory>

namespace projections::store {

class CompactionHold {
public:
    explicit CompactionHold(std::shared_ptr<SharedResources> shared);
    ~CompactionHold();
    CompactionHold(const CompactionHold&) = delete;
    CompactionHold& operator=(const CompactionHold&) = delete;

private:
    const std::shared_ptr<SharedResources> shared_;
    const std::int64_t before_;  // bytes a second
};

}  // namespace projections::store
