// One attempt to bring all of a spool to its log: until nothing is left or one record is refused.
// What was not answered then is read again by the next attempt, so some come twice, which readers
// know.
#pragma once

#include "bus/returning_log.hpp"
#include "bus/spool/spool.hpp"

#include <deque>
#include <functional>

namespace bus::spool {

class Forwarding {
public:
    using Failed = std::function<void(const Error&)>;  // called by run()

    // Both outlive this.
    Forwarding(std::unique_ptr<OrderedAppends> appends, Spool& spool, Failed failed);
    ~Forwarding();

    // Until the spool is empty, a record was refused, or `stopping`. How many were forwarded. Once.
    std::uint64_t run(const std::atomic<bool>& stopping);

private:
    using Steady = std::chrono::steady_clock;
    struct OnItsWay {
        Address address;
        bool is_stored = false;
    };
    struct Lane {  // a partition of the spool
        std::size_t under_way = 0;
        bool unreadable = false;
        Steady::time_point read_again_at{};
    };
    class Answers;

    bool is_full() const;
    bool send_some();
    bool send_some(PartitionId partition);
    void send(const RecordView& record);
    void take_answers(milliseconds wait_max);
    void tell_spool(std::size_t slot);
    void save_marks();
    bool has_unreadable() const;

    Spool& spool_;
    const Slots slots_;
    std::vector<Lane> lanes_;                   // by partition
    std::vector<std::deque<OnItsWay>> queues_;  // by slot, in order
    std::size_t under_way_ = 0, bytes_under_way_ = 0;
    Steady::time_point marks_due_{};
    bool refused_ = false;
    std::uint64_t forwarded_ = 0;
    const Failed failed_;
    std::shared_ptr<Answers> answers_;
    std::unique_ptr<OrderedAppends> appends_;
};

}  // namespace bus::spool
