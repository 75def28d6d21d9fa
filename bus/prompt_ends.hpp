// The ends of a log for a thread that must not wait for it: one whose broker hangs takes seconds to
// say anything. A thread of its own asks, begun with the first question.
#pragma once

#include "bus/log.hpp"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

namespace bus {

// Threads: any.
class PromptEnds {
public:
    explicit PromptEnds(Log& log);  // outlives this
    ~PromptEnds();                  // waits for a question that is under way

    // As they were after this was called. nullopt: the log has not said so in time, or refuses; at
    // once while it owes an earlier answer.
    std::optional<Offset> end_offset(TopicPartition where, milliseconds wait_max);
    std::optional<Position> end_position(PartitionId partition, milliseconds wait_max);

private:
    template <class Answer>
    std::optional<Answer> ask(std::function<Result<Answer>(Log&)> question, milliseconds wait_max);
    void run();

    Log& log_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::function<void()> question_;  // guarded by mutex_, as all below
    bool is_owed_ = false;            // an answer, whether somebody waits for it or not
    bool ends_ = false;
    std::thread thread_;
};

}  // namespace bus
