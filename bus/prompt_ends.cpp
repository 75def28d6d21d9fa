#include "bus/prompt_ends.hpp"

#include <memory>

namespace bus {

PromptEnds::PromptEnds(Log& log) : log_(log) {}

PromptEnds::~PromptEnds() {
    {
        const std::lock_guard lock(mutex_);
        ends_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

std::optional<Offset> PromptEnds::end_offset(TopicPartition where, milliseconds wait_max) {
    return ask<Offset>([where](Log& log) { return log.end_offset(where); }, wait_max);
}

std::optional<Position> PromptEnds::end_position(PartitionId partition, milliseconds wait_max) {
    return ask<Position>([partition](Log& log) { return log.end_position(partition); }, wait_max);
}

// Who does not wait any longer leaves the answer to the thread that asks.
template <class Answer>
std::optional<Answer> PromptEnds::ask(std::function<Result<Answer>(Log&)> question,
                                      milliseconds wait_max) {
    const auto answer = std::make_shared<std::optional<Result<Answer>>>();
    std::unique_lock lock(mutex_);
    if (is_owed_) return std::nullopt;
    is_owed_ = true;
    question_ = [this, answer, question = std::move(question)] {
        auto told = question(log_);
        const std::lock_guard answering(mutex_);
        *answer = std::move(told);
        is_owed_ = false;
    };
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    changed_.notify_all();
    changed_.wait_for(lock, wait_max, [&] { return answer->has_value(); });
    if (!answer->has_value() || !**answer) return std::nullopt;
    return *std::move(**answer);
}

void PromptEnds::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [&] { return ends_ || question_; });
        if (ends_) return;
        const auto question = std::exchange(question_, nullptr);
        lock.unlock();
        question();
        changed_.notify_all();
        lock.lock();
    }
}

}  // namespace bus
