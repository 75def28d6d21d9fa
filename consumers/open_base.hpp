// A base whose rows are read: a copy of it that is open, in a folder of its own.
#pragma once

#include "consumers/base_rows.hpp"
#include "consumers/projector_setup.hpp"

namespace consumers {

// The copy goes with this; what a dead process left of one goes at the next start (leftovers.hpp).
// Threads: any; however many of one base may be open at once.
class OpenBase {
public:
    static bus::Result<OpenBase> open(const ProjectorSetup& setup, const Base& base);

    OpenBase(OpenBase&& other) noexcept;
    OpenBase& operator=(OpenBase&&) = delete;
    ~OpenBase();

    std::unique_ptr<projections::store::Snapshot> snapshot() const { return rows_->snapshot(); }

private:
    explicit OpenBase(std::filesystem::path directory);

    std::filesystem::path directory_;  // empty: given away
    std::unique_ptr<projections::store::RowStore> rows_;
};

}  // namespace consumers
