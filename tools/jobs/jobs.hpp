// The long jobs of a serving process: replay, verify, export, import, backup, migrate, erase.
//
// A job runs on a thread of its own, can be paused, resumed and cancelled, and keeps its report
// until the process ends (the last `ended_jobs_max`). What must survive a crash is the work's own
// affair: it continues where it finds itself when it is started again. Threads: any.
#pragma once

#include "bus/clock.hpp"
#include "tools/jobs/job_run.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace tools::jobs {

enum class JobState : std::uint8_t { running, paused, done, failed, cancelled };
std::string_view name(JobState state);

struct JobStatus {
    std::string id;       // "job_..."
    std::string kind;     // "replay", "verify", ...
    std::string subject;  // what it works on: two jobs of one kind never share it
    JobState state = JobState::running;
    std::string phase;
    std::string unit;  // of done and total
    std::uint64_t done = 0;
    std::uint64_t total = 0;  // 0 = not known
    bus::Timestamp started_at{};
    bus::Timestamp phase_started_at{};
    std::optional<bus::Timestamp> ended_at;
    std::string report;  // JSON object, when done
    std::string error;   // "code: message", when failed

    bool ended() const { return state != JobState::running && state != JobState::paused; }
};

inline constexpr std::size_t running_jobs_max = 8;
inline constexpr std::size_t ended_jobs_max = 100;

class Jobs {
public:
    Jobs(bus::Clock& clock, bus::IdSource& ids);
    ~Jobs();  // as stop()

    // conflict: one of this kind and subject is running, or one that must not see what this kind
    // does: no body is taken out of a log while it is copied (the id is in the message).
    // unavailable: too many run, or there is no thread for it.
    bus::Result<std::string> start(std::string kind, std::string subject, Work work);
    // Whether those that run let one of this kind start, however many they are; for who decides
    // something that the job, or that of the next start, is to carry out. conflict: as start().
    bus::Result<bus::Done> can_start(std::string_view kind) const;

    std::optional<JobStatus> find(std::string_view id) const;
    std::vector<JobStatus> all() const;  // newest first
    // not_found; conflict when it has ended.
    bus::Result<bus::Done> pause(std::string_view id);
    bus::Result<bus::Done> resume(std::string_view id);
    bus::Result<bus::Done> cancel(std::string_view id);

    void stop();  // cancels all, waits for them, takes no more; idempotent

private:
    struct Job;
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace tools::jobs
