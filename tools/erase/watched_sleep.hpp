// Waiting for what others do, in work that can be watched.
#pragma once

#include "bus/ids.hpp"
#include "tools/jobs/job_run.hpp"

namespace tools::erase {

// In small steps, before each of which it asks whether to go on. cancelled.
bus::Result<bus::Done> sleep_while_watched(bus::milliseconds time, jobs::JobRun& run);

}  // namespace tools::erase
