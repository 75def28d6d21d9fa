// What long work sees of the job that it is: where it tells its progress and learns to stop.
//
// The work asks go_on() between small steps (at most some tens of milliseconds apart), counts what
// it did and gives its report when it is done. The same work runs as a job of a serving process
// (jobs.hpp) or in the foreground of a subcommand (foreground_job.hpp).
#pragma once

#include "bus/result.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace tools::jobs {

class JobRun {
public:
    virtual ~JobRun() = default;
    // A new part of the work begins: counts start at 0. `total` 0 = not known; `unit` in the
    // plural ("events", "mails", "bytes").
    virtual void phase(std::string_view name, std::uint64_t total, std::string_view unit) = 0;
    virtual void advance(std::uint64_t count) = 0;  // any thread
    // Waits while the job is paused. False once it is cancelled: undo or leave what can be
    // continued, and give `cancelled`. Any thread.
    virtual bool go_on() = 0;
};

// Gives the report: a JSON object in text form.
using Work = std::function<bus::Result<std::string>(JobRun&)>;

}  // namespace tools::jobs
