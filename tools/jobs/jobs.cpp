#include "tools/jobs/jobs.hpp"

#include "bus/logging.hpp"

#include <atomic>
#include <condition_variable>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>

namespace tools::jobs {

using bus::Done;
using bus::ErrorCode;
using bus::Result;

std::string_view name(JobState state) {
    switch (state) {
        case JobState::running:
            return "running";
        case JobState::paused:
            return "paused";
        case JobState::done:
            return "done";
        case JobState::failed:
            return "failed";
        case JobState::cancelled:
            return "cancelled";
    }
    return "";
}

struct Jobs::Job final : JobRun {
    Job(JobStatus first, bus::Clock& source) : status(std::move(first)), clock(source) {}

    void phase(std::string_view name, std::uint64_t total, std::string_view unit) override {
        std::lock_guard lock(mutex);
        status.phase = name;
        status.unit = unit;
        status.total = total;
        status.phase_started_at = clock.now();
        done = 0;
    }
    void advance(std::uint64_t count) override { done += count; }
    bool go_on() override {
        std::unique_lock lock(mutex);
        changed.wait(lock, [this] { return cancelled || status.state != JobState::paused; });
        return !cancelled;
    }

    JobStatus shown() const {
        std::lock_guard lock(mutex);
        JobStatus copy = status;
        copy.done = done;
        return copy;
    }
    Result<Done> set_paused(bool paused) {
        std::lock_guard lock(mutex);
        if (status.ended())
            return bus::fail(ErrorCode::conflict, "job {} has ended: {}", status.id,
                             name(status.state));
        status.state = paused ? JobState::paused : JobState::running;
        changed.notify_all();
        return Done{};
    }
    void request_cancel() {
        std::lock_guard lock(mutex);
        cancelled = true;
        changed.notify_all();
    }
    void end(const Result<std::string>& result) {
        std::lock_guard lock(mutex);
        status.ended_at = clock.now();
        if (result) {
            status.state = JobState::done;
            status.report = *result;
            return;
        }
        const bus::Error& error = result.error();
        status.state = error.code == ErrorCode::cancelled ? JobState::cancelled : JobState::failed;
        status.error = fmt::format("{}: {}", bus::name(error.code), error.message);
    }

    static std::string_view name(JobState state) { return jobs::name(state); }

    mutable std::mutex mutex{};
    std::condition_variable changed;
    JobStatus status;        // guarded by mutex
    bool cancelled = false;  // guarded by mutex
    std::atomic<std::uint64_t> done{0};
    bus::Clock& clock;
    std::thread thread;
};

namespace {

bool takes_bodies_out(std::string_view kind) {
    return kind == "erase" || kind == "resume" || kind == "retention";
}

bool exclude_each_other(std::string_view a, std::string_view b) {
    return (a == "migrate" && takes_bodies_out(b)) || (b == "migrate" && takes_bodies_out(a));
}

}  // namespace

struct Jobs::State {
    bus::Clock& clock;
    bus::IdSource& ids;
    mutable std::mutex mutex{};
    std::list<std::shared_ptr<Job>> jobs{};  // newest first; guarded by mutex
    bool stopping = false;                   // guarded by mutex

    // shared_ptr: a caller may look at a job that is being forgotten.
    std::shared_ptr<Job> find(std::string_view id) const {
        std::lock_guard lock(mutex);
        for (const auto& job : jobs)
            if (job->shown().id == id) return job;
        return nullptr;
    }

    // These two with the mutex held.
    Result<Done> can_start(std::string_view kind) const {
        if (stopping) return bus::fail(ErrorCode::cancelled, "the process is stopping");
        for (const auto& other : jobs) {
            const JobStatus status = other->shown();
            if (!status.ended() && exclude_each_other(status.kind, kind))
                return bus::fail(ErrorCode::conflict,
                                 "{} of '{}' is going on as {}: no body is taken out of the log "
                                 "while it is copied; wait for it or cancel it",
                                 status.kind, status.subject, status.id);
        }
        return Done{};
    }
    Result<Done> can_start(std::string_view kind, std::string_view subject) const {
        if (auto can = can_start(kind); !can) return can;
        std::size_t running = 0;
        for (const auto& other : jobs) {
            const JobStatus status = other->shown();
            if (status.ended()) continue;
            ++running;
            if (status.kind == kind && status.subject == subject)
                return bus::fail(ErrorCode::conflict, "{} of '{}' is going on already as {}", kind,
                                 subject, status.id);
        }
        if (running >= running_jobs_max)
            return bus::fail(ErrorCode::unavailable,
                             "{} jobs are running; wait for one or cancel it", running);
        return Done{};
    }

    // The ended jobs that are too many; their threads have come to an end.
    std::vector<std::shared_ptr<Job>> take_forgotten() {
        std::vector<std::shared_ptr<Job>> forgotten;
        std::size_t ended = 0;
        for (auto job = jobs.begin(); job != jobs.end();) {
            if ((*job)->shown().ended() && ++ended > ended_jobs_max) {
                forgotten.push_back(*job);
                job = jobs.erase(job);
            } else {
                ++job;
            }
        }
        return forgotten;
    }
};

namespace {

Result<std::string> run(const Work& work, JobRun& job) {
    try {
        return work(job);
    } catch (const std::exception& thrown) {  // an adapter let one through
        return bus::fail(ErrorCode::unavailable, "{}", thrown.what());
    }
}

void log_end(const JobStatus& job) {
    if (job.state == JobState::failed)
        bus::logging::error("job failed",
                            {{"job", job.id}, {"kind", job.kind}, {"error", job.error}});
    else
        bus::logging::info(
            "job ended",
            {{"job", job.id}, {"kind", job.kind}, {"state", std::string{name(job.state)}}});
}

template <class Job>
Result<Done> begin(const std::shared_ptr<Job>& job, Work work) {
    try {
        job->thread = std::thread([job, work = std::move(work)] {
            job->end(run(work, *job));
            log_end(job->shown());
        });
        return Done{};
    } catch (const std::system_error& failed) {
        return bus::fail(ErrorCode::unavailable, "there is no thread for it: {}", failed.what());
    }
}

}  // namespace

Jobs::Jobs(bus::Clock& clock, bus::IdSource& ids) : state_(new State{clock, ids}) {}

Jobs::~Jobs() {
    stop();
}

Result<std::string> Jobs::start(std::string kind, std::string subject, Work work) {
    std::vector<std::shared_ptr<Job>> forgotten;
    std::shared_ptr<Job> job;
    {
        std::lock_guard lock(state_->mutex);
        if (auto can = state_->can_start(kind, subject); !can) return can.error();
        const bus::Timestamp now = state_->clock.now();
        job =
            std::make_shared<Job>(JobStatus{.id = "job_" + bus::crockford(state_->ids.next_id64()),
                                            .kind = std::move(kind),
                                            .subject = std::move(subject),
                                            .phase = {},
                                            .unit = {},
                                            .started_at = now,
                                            .phase_started_at = now,
                                            .ended_at = {},
                                            .report = {},
                                            .error = {}},
                                  state_->clock);
        // Before it is listed: one that has no thread would run for ever.
        if (auto begun = begin(job, std::move(work)); !begun) return begun.error();
        state_->jobs.push_front(job);
        forgotten = state_->take_forgotten();
    }
    for (const auto& ended : forgotten) ended->thread.join();
    return job->shown().id;
}

Result<Done> Jobs::can_start(std::string_view kind) const {
    std::lock_guard lock(state_->mutex);
    return state_->can_start(kind);
}

std::optional<JobStatus> Jobs::find(std::string_view id) const {
    const auto job = state_->find(id);
    if (!job) return std::nullopt;
    return job->shown();
}

std::vector<JobStatus> Jobs::all() const {
    std::lock_guard lock(state_->mutex);
    std::vector<JobStatus> statuses;
    for (const auto& job : state_->jobs) statuses.push_back(job->shown());
    return statuses;
}

namespace {
bus::Error no_job(std::string_view id) {
    return bus::fail(ErrorCode::not_found, "no job '{}' in this process; GET /v1/jobs lists them",
                     id);
}
}  // namespace

Result<Done> Jobs::pause(std::string_view id) {
    const auto job = state_->find(id);
    if (!job) return no_job(id);
    return job->set_paused(true);
}

Result<Done> Jobs::resume(std::string_view id) {
    const auto job = state_->find(id);
    if (!job) return no_job(id);
    return job->set_paused(false);
}

Result<Done> Jobs::cancel(std::string_view id) {
    const auto job = state_->find(id);
    if (!job) return no_job(id);
    if (auto running = job->set_paused(false); !running) return running;
    job->request_cancel();
    return Done{};
}

void Jobs::stop() {
    std::list<std::shared_ptr<Job>> jobs;
    {
        std::lock_guard lock(state_->mutex);
        state_->stopping = true;
        jobs.swap(state_->jobs);
    }
    for (const auto& job : jobs) job->request_cancel();
    for (const auto& job : jobs) job->thread.join();
}

}  // namespace tools::jobs
