// A job as those see it who fold the log (consumers do not know jobs).
#pragma once

#include "consumers/generation_builder.hpp"
#include "tools/jobs/job_run.hpp"

namespace tools::jobs {

class WatchedBuild final : public consumers::BuildWatch {
public:
    explicit WatchedBuild(JobRun& run) : run_(run) {}
    void advance(std::uint64_t records) override { run_.advance(records); }
    bool go_on() override { return run_.go_on(); }

private:
    JobRun& run_;
};

}  // namespace tools::jobs
