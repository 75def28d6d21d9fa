// The proof of a running installation, or of a journal at rest, as work that can be watched (S-09).
//
// The report:
//   {"proven", "log": {"engine", "proven", "records", "bytes", "bodies", "erased", "unhashed",
//    "parts", "groups", "segments", "damage_count",
//    "damage": [{"where", "file", "at", "what"}], "remarks": [text]},
//    "rows"?: {"proven", "partitions", "of", "keys", "difference_count",
//     "differences": [{"partition", "projection", "generation", "table", "key", "what"}]}}
#pragma once

#include "bus/log.hpp"
#include "consumers/projector_pool.hpp"
#include "tools/jobs/job_run.hpp"

#include <filesystem>

namespace tools::verify {

struct VerifyRequest {
    // Of the bodies one in this many is compared with its hash, and of the partitions one in this
    // many (at least one) has its rows folded anew; 1 = all.
    std::uint64_t one_in = 1;
    bool log_only = false;  // the rows are not compared
};
bus::Result<VerifyRequest> parse_verify_request(std::string_view body);
std::string to_json(const VerifyRequest& request);
// "1%" -> 100, "0.5%" -> 200.
bus::Result<std::uint64_t> parse_share(std::string_view text);

// The log, then the rows: those of the pool are compared, byte for byte, with a fresh fold of the
// log up to where they are. Beside those who write, fold and read.
bus::Result<std::string> verify_all(bus::Log& log, const consumers::ProjectorPool& pool,
                                    const VerifyRequest& request, jobs::JobRun& run);

// A folder of journal segments that nobody has open.
bus::Result<std::string> verify_journal_folder(const std::filesystem::path& directory,
                                               const VerifyRequest& request, jobs::JobRun& run);

}  // namespace tools::verify
