// Applies the retention settings once a day in the serving process, and looks at the wall clock
// in between. What is due while that is not believed waits.
#pragma once

#include "tools/retention/retention_work.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace tools::retention {

inline constexpr bus::seconds apply_first_after{15 * 60};  // of the start
inline constexpr bus::seconds apply_interval{24 * 3600};
inline constexpr bus::seconds clock_look_interval{5 * 60};

class DailyRetention {
public:
    explicit DailyRetention(RetentionPorts ports);
    ~DailyRetention();  // waits for no job

private:
    void run();

    const RetentionPorts ports_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool stopping_ = false;  // guarded by mutex_
    std::thread thread_;
};

}  // namespace tools::retention
