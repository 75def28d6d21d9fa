// Lets records expire whose topic is kept for a time only, as work that can be watched.
//
// Per topic partition what is older than the limit goes up to the first record that is not, as far
// as the rows have applied it. First the rows are made safe: stores are flushed and what the
// records meant becomes part of the partition's base; then the bodies go. Done again after a crash
// it continues.
//
// Damage holds up as little as can be: behind a record that cannot be read, its topic partition
// keeps everything, since no base has what that record meant; a file of the log that is damaged
// beyond single bodies keeps its own, which is tried again each time, and no other file is read
// for it.
//
// The report: {"commit", "paused"? (why it would not happen now), "topics": [{"topic", "keep"}],
// "ranges": ["chat/3/0-4710"], "bases", "records", "body_bytes", "segments", "bytes_before",
// "bytes_after", "damaged": [what stays for it]}.
#pragma once

#include "consumers/projector_pool.hpp"
#include "tools/jobs/jobs.hpp"
#include "tools/retention/expiry_clock.hpp"
#include "tools/retention/retention_settings.hpp"

namespace tools::retention {

inline constexpr std::string_view bases_folder = "bases";  // in the data folder

// All outlive the jobs.
struct RetentionPorts {
    std::filesystem::path data;
    bus::Log& log;
    consumers::ProjectorPool& pool;
    ExpiryClock* clock;  // none where the log's engine keeps its own retention
    jobs::Jobs& jobs;
};

struct ApplyOptions {
    bool commit = false;       // else it is only counted
    bool trust_clock = false;  // with commit: the wall clock is right, whatever it said before
};

// As a job; the log is told when it has done something. conflict: one is running, or the wall
// clock is not believed (expiry_clock.hpp).
bus::Result<std::string> start_retention(const RetentionPorts& ports, Settings settings,
                                         const ApplyOptions& options);

// invalid_input where the log's engine keeps its own retention.
bus::Result<bus::Done> can_expire(const bus::Log& log);

}  // namespace tools::retention
