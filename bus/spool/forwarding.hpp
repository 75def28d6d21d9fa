// One attempt to bring all of a spool to its log: until nothing is left that can be sent, or what
// appends in order has failed. What was not answered then is read again by the next attempt, so
// some come twice, which readers know.
#pragma once

#include "bus/returning_log.hpp"
#include "bus/spool/spool.hpp"

#include <deque>
#include <functional>

namespace bus::spool {

class Forwarding {
public:
    using Failed = std::function<void(const Error&)>;  // called by run()

    // All outlive this.
    Forwarding(ReturningLog& target, Spool& spool, Rests& rests, Failed failed);
    ~Forwarding();

    // Until nothing can be sent, the attempt failed, or `stopping`. How many were forwarded. Once.
    std::uint64_t run(const std::atomic<bool>& stopping);

private:
    using Steady = std::chrono::steady_clock;
    // Records are told apart by how many of the lane were sent before.
    struct Lane {
        TopicPartition where;
        std::uint64_t sent = 0;
        std::deque<bool> stored;  // of those on their way, in order
        std::size_t under_way = 0, bytes_under_way = 0;
    };
    struct Room {
        std::size_t records = 0, bytes = 0;
    };
    class Answers;
    struct Answer;

    bool is_full() const;
    Room room(const Lane& lane) const;
    bool send_some();
    bool send_some(Lane& lane);
    bool send_one_apart(Lane& lane);
    bool send_among_others(Lane& lane);
    bool open_appends();
    RecordBatch next(Lane& lane, const Room& room);
    void send(Lane& lane, const RecordView& record, bool apart);
    void take_answers(milliseconds wait_max);
    void take(const Answer& answer);
    void refused(Lane& lane, const Answer& answer);
    void tell_spool(Lane& lane);
    void end(const Error& error);
    void give_up();
    void save_marks();

    ReturningLog& target_;
    Spool& spool_;
    Rests& rests_;
    const Slots slots_;
    std::vector<Lane> lanes_;  // by slot
    std::size_t turn_ = 0;     // the lane that sends next
    std::size_t under_way_ = 0, bytes_under_way_ = 0;
    Steady::time_point marks_due_{};
    bool ended_ = false;
    std::uint64_t forwarded_ = 0;
    const Failed failed_;
    std::shared_ptr<Answers> answers_;
    std::unique_ptr<OrderedAppends> appends_;  // none until it is needed
};

}  // namespace bus::spool
