// Applies the retention settings once a day in the serving process.
#pragma once

#include "tools/retention/retention_work.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace tools::retention {

inline constexpr bus::seconds apply_first_after{15 * 60};  // of the start
inline constexpr bus::seconds apply_interval{24 * 3600};

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
