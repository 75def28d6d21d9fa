// A replay as a long job: the fact, the build beside the live rows, the difference, and the switch
// if it was asked for. Stopped or killed, `resume` goes on with what was begun.
#pragma once

#include "tools/jobs/job_run.hpp"
#include "tools/replay/generation_control.hpp"

namespace tools::replay {

inline constexpr std::string_view replay_job_kind = "replay";
inline constexpr std::string_view replay_job_subject = "projections";  // one at a time

class ReplayWork {
public:
    ReplayWork(consumers::ProjectorPool& pool, GenerationControl& control)
        : pool_(pool), control_(control) {}

    // The report: {"generations":[...], "spec", "records", "seconds", "difference":[...],
    // "switched", "remark"?}; of a dry run {"plan": ...}.
    bus::Result<std::string> replay(const ReplayRequest& request, jobs::JobRun& run);
    // {"difference":[...]} of the candidates against what is live.
    bus::Result<std::string> difference(const std::vector<std::string>& projections,
                                        jobs::JobRun& run);
    // Rows that are read and were made by other code, until none is left: {"records"}.
    bus::Result<std::string> rebuild_changed(jobs::JobRun& run);
    bool has_changed() const;  // or may have, once a partition opens
    bool has_dropped() const;
    // Rows of generations that are dropped: {"erased": true}.
    bus::Result<std::string> erase_dropped(jobs::JobRun& run);

private:
    bus::Result<std::string> plan(const ReplayRequest& request,
                                  const std::vector<std::string>& projections) const;
    bus::Result<std::vector<schemas::GenerationName>> begin(
        const ReplayRequest& request, const std::vector<std::string>& projections);
    bus::Result<bus::Done> wait_until_near(bus::milliseconds behind_max, jobs::JobRun& run) const;

    consumers::ProjectorPool& pool_;
    GenerationControl& control_;
};

}  // namespace tools::replay
