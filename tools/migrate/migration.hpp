// Moves an installation from one log engine to another, offsets and all (B-15).
//
// The target is filled while the source is written, and compared with it record by record. Then
// intake pauses, the rest is copied and compared, and the `installation` file names the new log:
// before that line the old log is the truth, after it the new one. Rows stay as they are, since
// every record keeps its place. The old log is left as it is.
#pragma once

#include "bus/spool/spooling_log.hpp"
#include "tools/jobs/job_run.hpp"
#include "tools/options.hpp"

namespace tools::migrate {

// Intake pauses at most so long; if the rest takes longer, everything stays as it was.
inline constexpr bus::milliseconds pause_max{15'000};

struct MigrationPlan {
    ServeOptions to;         // data folder, partitions and log of the target
    bool copy_only = false;  // the installation stays on its log; a copy in a folder is its own
};

struct MigrationSource {
    bus::Log& log;
    std::string name;            // as --log takes it
    std::filesystem::path data;  // the folder that it is served from
    // Ends intake: the log takes no more and has settled what came before. Unset: nothing serves.
    std::function<void()> pause{};
    // Set where events may wait for the log in a spool: they are in no log and would be left
    // behind.
    const bus::spool::SpoolingLog* spool = nullptr;
};

// The report: {from, to, records, copied, copied_per_second, compared, paused_ms, took_ms, next}.
// After a kill call it again: it goes on where it ended. Errors: conflict (the target holds
// something else), corrupt (the logs differ), invalid_input, unavailable, cancelled; then the
// installation is on its old log.
bus::Result<std::string> migrate(const MigrationSource& source, const MigrationPlan& plan,
                                 jobs::JobRun& run);

// Of a folder that no process serves; `from` names its log as --log takes it. Takes its lock.
bus::Result<std::string> migrate_offline(const ServeOptions& from, const MigrationPlan& plan,
                                         jobs::JobRun& run);

// "embedded:DIR" or "kafka:HOST:PORT,...".
struct LogName {
    bool kafka = false;
    std::string log;               // as --log takes it
    std::filesystem::path folder;  // of embedded
};
bus::Result<LogName> parse_log_name(std::string_view text);

// DIR/migration.json: how the last migration of a serving process ended, since its jobs end with
// the log that they ran on.
bus::Result<bus::Done> write_outcome(const std::filesystem::path& data,
                                     const bus::Result<std::string>& outcome);
void forget_outcome(const std::filesystem::path& data);
// not_found: none yet.
bus::Result<std::string> read_outcome(const std::filesystem::path& data);

}  // namespace tools::migrate
