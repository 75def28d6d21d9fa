// That the rows follow from the log: a fresh fold of it, in a database aside, is compared with the
// live rows of one moment, byte for byte.
#pragma once

#include "consumers/fresh_fold.hpp"
#include "tools/jobs/job_run.hpp"

namespace tools::verify {

struct RowsProof {
    static constexpr std::size_t listed_max = 1000;

    struct Difference {
        bus::PartitionId partition = 0;
        consumers::RowDifference row;  // the fresh value left out
    };
    std::uint64_t partitions = 0, of = 0;  // compared, and how many there are
    std::vector<std::string> bases;        // what the fold began with where records have expired
    std::uint64_t keys = 0;
    std::uint64_t difference_count = 0;
    std::vector<Difference> differences;  // the first listed_max

    bool proven() const { return difference_count == 0; }
    std::string json() const;
};

// One partition in `one_in`, at least one; another one at another time. unavailable: rows that are
// not there yet cannot be compared.
bus::Result<RowsProof> prove_rows(bus::Log& log, const consumers::ProjectorPool& pool,
                                  std::uint64_t one_in, jobs::JobRun& run);

}  // namespace tools::verify
