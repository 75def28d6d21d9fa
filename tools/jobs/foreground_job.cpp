#include "tools/jobs/foreground_job.hpp"

#include "tools/jobs/progress_line.hpp"

#include <signal.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace tools::jobs {

using bus::ErrorCode;
using bus::Result;

namespace {

constexpr std::chrono::milliseconds look_every{250};

std::atomic<bool> interrupted{false};

// SIGINT sets a flag while one of these lives.
class InterruptWatch {
public:
    InterruptWatch() {
        interrupted = false;
        struct sigaction action = {};
        action.sa_handler = [](int) { interrupted = true; };
        ::sigaction(SIGINT, &action, &before_);
    }
    ~InterruptWatch() { ::sigaction(SIGINT, &before_, nullptr); }
    InterruptWatch(const InterruptWatch&) = delete;
    InterruptWatch& operator=(const InterruptWatch&) = delete;

private:
    struct sigaction before_ = {};
};

class ForegroundRun final : public JobRun {
public:
    void phase(std::string_view name, std::uint64_t total, std::string_view unit) override {
        progress_.phase(name, total, unit);
    }
    void advance(std::uint64_t count) override { progress_.advance(count); }
    bool go_on() override { return !interrupted; }
    void end() { progress_.end(); }

private:
    ProgressLine progress_;
};

Result<std::string> parse_id(std::string_view job) {
    schemas::json::Parser parser;
    auto json = parser.parse(job);
    if (!json) return json.error();
    return std::string((*json)["id"].text());
}

}  // namespace

Result<std::string> follow_job(RunningInstance& instance, const std::string& job_id) {
    const InterruptWatch watch;
    ProgressLine progress;
    for (;;) {
        auto text = instance.get("/v1/jobs/" + job_id);
        if (!text) return text.error();
        schemas::json::Parser parser;
        auto job = parser.parse(
            *text, {.bytes_max = text->size() + 1, .depth_max = 64, .keys_max = 1'000'000});
        if (!job) return job.error();
        const std::string_view state = (*job)["state"].text();
        progress.show((*job)["phase"].text(),
                      static_cast<std::uint64_t>((*job)["done"].integer().value_or(0)),
                      static_cast<std::uint64_t>((*job)["total"].integer().value_or(0)),
                      (*job)["unit"].text());
        if (state == "done") {
            progress.end();
            std::string report;
            (*job)["report"].append_to(report);
            return report;
        }
        if (state == "failed" || state == "cancelled") {
            progress.end();
            const auto code = state == "failed" ? ErrorCode::unavailable : ErrorCode::cancelled;
            return bus::fail(code, "job {} {}: {}", job_id, state, (*job)["error"].text());
        }
        if (interrupted) {
            progress.end();
            return bus::fail(ErrorCode::cancelled,
                             "job {0} goes on without you: tributary jobs follow {0}, pause {0}, "
                             "cancel {0}",
                             job_id);
        }
        std::this_thread::sleep_for(look_every);
    }
}

Result<std::string> start_job(RunningInstance& instance, const std::string& target,
                              const std::string& body) {
    auto started = instance.call("POST", target, body);
    if (!started) return started.error();
    return parse_id(*started);
}

Result<std::string> start_and_follow(RunningInstance& instance, const std::string& target,
                                     const std::string& body) {
    const auto id = start_job(instance, target, body);
    if (!id) return id.error();
    return follow_job(instance, *id);
}

Result<std::string> run_in_foreground(const Work& work) {
    const InterruptWatch watch;
    ForegroundRun run;
    auto report = work(run);
    run.end();
    return report;
}

}  // namespace tools::jobs
