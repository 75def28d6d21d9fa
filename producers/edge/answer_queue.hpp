// The answers that a connection owes, in the order of its requests.
//
// Each is due from its request on: a decision that the log has to take is parked until every record
// of it is durable or refused, and an answer that is ready waits behind those that are due before
// it. What may be sent stands in output(). Loop's thread only.
#pragma once

#include "producers/decision.hpp"
#include "producers/edge/completion_queue.hpp"
#include "producers/edge/edge_server.hpp"
#include "producers/edge/request_parser.hpp"
#include "producers/edge/response_text.hpp"

namespace producers::edge {

class AnswerQueue {
public:
    // Unsent, and as much ready behind an answer that is due; more, and the next request waits.
    static constexpr std::size_t answer_bytes_max = 64 * 1024;

    // `slot` is the connection's, for the tickets of its records.
    AnswerQueue(EdgeServer::Loop& loop, std::uint32_t slot);

    void dispatch(Decision decision, const ParsedHead& head);
    void answer(const ParsedHead& head, const bus::http::Response& response);
    void say_continue();
    void refuse(const HeadRefusal& refusal);  // of no request that can be served; ends
    void complete(const Ticket& ticket, const bus::Result<bus::Appended>& result);

    // No further request is to be taken: the connection closes after the last answer. An answer
    // that says so ends it too, once it stands in output().
    void end() { ending_ = true; }
    bool ending() const { return ending_; }
    // The connection is closed: what is parked is let go of, and completions are only counted.
    void abandon();

    bool has_room() const { return due() < due_max_ && ready_bytes_ < answer_bytes_max; }
    std::size_t due() const { return pending_.size() - first_; }
    std::size_t owed() const { return owed_; }  // completions
    std::string& output() { return out_; }      // who sends it clears it
    const std::string& output() const { return out_; }

private:
    enum class Waits : std::uint8_t { nothing, accepted, rejected, parts, events };

    struct Events {
        std::vector<EventOutcome> outcomes;
        std::size_t left = 0;
        bus::PartitionId partition = 0;
        bool batch = false;
    };
    struct Pending {
        Waits waits = Waits::nothing;
        AnswerTraits traits;
        bool must_keep = false;
        const schemas::ProviderKind* kind = nullptr;
        std::size_t parked_bytes = 0;
        std::unique_ptr<bus::http::Response> refusal;
        std::unique_ptr<PartsOutcome> parts;
        std::unique_ptr<Events> events;
        std::string ready;  // bytes, while answers before it are still due
    };

    Pending& queue(const ParsedHead* head);
    template <class F>
    void write(Pending& pending, F append);
    void answer(Pending& pending, const bus::http::Response& response);
    void park_accepted(Accepted accepted, Pending& pending);
    void park_rejected(Rejected rejected, Pending& pending);
    void park_parts(AcceptedParts parts, Pending& pending);
    void park_events(AcceptedEvents events, Pending& pending);
    bool park(std::size_t bytes, Pending& pending);  // false: it is answered
    void append(bus::NewRecord record, Pending& pending, std::size_t item);
    void settle_accepted(Pending& pending, const bus::Result<bus::Appended>& result);
    void settle_parts(Pending& pending, std::size_t part, const bus::Result<bus::Appended>& result);
    void settle_events(Pending& pending, std::size_t item,
                       const bus::Result<bus::Appended>& result);
    void answer_events(Pending& pending);
    bool is_front(const Pending& pending) const { return &pending == &pending_[first_]; }
    void advance();

    EdgeServer::Loop& loop_;
    const std::uint32_t slot_;
    const std::size_t due_max_;

    std::vector<Pending> pending_;
    std::size_t first_ = 0;
    std::size_t ready_bytes_ = 0;  // of all answers in pending_
    std::uint16_t first_sequence_ = 0;
    std::size_t owed_ = 0;
    std::string out_;
    bool ending_ = false, abandoned_ = false;
};

}  // namespace producers::edge
