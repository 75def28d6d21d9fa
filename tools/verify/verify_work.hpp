// The proof of a running installation, or of a journal at rest, as work that can be watched (S-09).
//
// The report:
//   {"proven", "log": {"engine", "proven", "records", "bytes", "bodies", "erased", "unhashed",
//    "groups", "segments", "damage_count", "damage": [{"where", "file", "at", "what"}],
//    "remarks": [text]}}
#pragma once

#include "bus/log.hpp"
#include "consumers/projector_pool.hpp"
#include "tools/jobs/job_run.hpp"

#include <filesystem>

namespace tools::verify {

struct VerifyRequest {
    std::uint64_t one_in = 1;  // bodies: one of this many is compared with its hash; 1 = all
};
bus::Result<VerifyRequest> parse_verify_request(std::string_view body);
std::string to_json(const VerifyRequest& request);
// "1%" -> 100, "0.5%" -> 200.
bus::Result<std::uint64_t> parse_share(std::string_view text);

// Beside those who write and fold. `pool` may be null.
bus::Result<std::string> verify_log(bus::Log& log, const consumers::ProjectorPool* pool,
                                    const VerifyRequest& request, jobs::JobRun& run);

// A folder of journal segments that nobody has open.
bus::Result<std::string> verify_journal_folder(const std::filesystem::path& directory,
                                               const VerifyRequest& request, jobs::JobRun& run);

}  // namespace tools::verify
