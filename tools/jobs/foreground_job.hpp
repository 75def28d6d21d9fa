// Long work in front of a person or a script: a job of a running instance that is watched, or work
// that this very process does. On a terminal a progress bar with rate and time left, else one JSON
// object a line on standard error, at most one a second; the report goes to the caller.
#pragma once

#include "tools/jobs/job_run.hpp"
#include "tools/running_instance.hpp"

namespace tools::jobs {

// Follows a job until it ends and gives its report. SIGINT leaves it running and says how to find
// it again (`cancelled`).
bus::Result<std::string> follow_job(RunningInstance& instance, const std::string& job_id);

// Starts one with POST `target` (answer 202 with the job); its id.
bus::Result<std::string> start_job(RunningInstance& instance, const std::string& target,
                                   const std::string& body);

// Starts one and follows it.
bus::Result<std::string> start_and_follow(RunningInstance& instance, const std::string& target,
                                          const std::string& body);

// Runs the work here. SIGINT cancels it.
bus::Result<std::string> run_in_foreground(const Work& work);

}  // namespace tools::jobs
