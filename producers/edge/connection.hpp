// One connection: reads requests, parks them, answers in their order.
//
// Lives in a slot of the loop until the log owes it nothing and no operation is under way, so that
// a completion never meets another connection. Loop's thread only.
#pragma once

#include "producers/decision.hpp"
#include "producers/edge/chunk_decoder.hpp"
#include "producers/edge/completion_queue.hpp"
#include "producers/edge/edge_server.hpp"
#include "producers/edge/request_parser.hpp"
#include "producers/edge/response_text.hpp"
#include "producers/edge/stream.hpp"

#include <chrono>
#include <list>

namespace producers::edge {

using SteadyTime = std::chrono::steady_clock::time_point;

class Connection {
public:
    Connection(EdgeServer::Loop& loop, std::uint32_t slot, boost::asio::ip::tcp::socket socket);
    ~Connection();

    void start();
    void complete(const Ticket& ticket, const bus::Result<bus::Appended>& result);
    void resume();  // after completions: write what is ready, go on reading
    // True: it is closed, or about to be. `crowded`: there are too many of them.
    bool check_deadline(SteadyTime now, bool crowded);
    void drain();
    void cut();

    bool touched = false;  // has completions that resume() has not seen

private:
    enum class Waits : std::uint8_t { nothing, accepted, rejected, parts, events };
    enum class Phase : std::uint8_t { handshake, idle, head, body, parked, writing, lingering };

    struct Events {
        std::vector<EventOutcome> outcomes;
        std::size_t left = 0;
        bus::PartitionId partition = 0;
        bool batch = false;
    };
    // An answer that is due, in the order of the requests.
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

    // input
    void start_handshake(const bus::tls::Context& tls);
    void on_handshake(bus::tls::Progress progress);
    void leave_handshakes();
    void start_read();
    void on_read(const boost::system::error_code& error, std::size_t bytes);
    void on_eof();
    bool make_room();
    void move_input(std::size_t capacity);
    void process();
    bool takes_more() const;  // there is room for the answers
    bool process_one();
    bool begin_body(const ParsedHead& head);
    bool feed_chunks();
    bool count_chunks();
    void drop_chunks();
    void serve(const ParsedHead& head, std::string_view body);
    void consume(std::size_t bytes);
    std::string_view unread() const { return {in_.get() + begin_, end_ - begin_}; }

    // answers
    Pending& queue(const ParsedHead* head);
    template <class F>
    void write(Pending& pending, F append);
    void answer(Pending& pending, const bus::http::Response& response);
    void refuse(const HeadRefusal& refusal);
    void dispatch(Decision decision, const ParsedHead& head);
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
    std::size_t due() const { return pending_.size() - first_; }
    void advance();

    // output
    void flush();
    void on_written(const boost::system::error_code& error);
    void finish_output();
    void close();
    void release_if_finished();
    void set_phase();
    void enter(Phase phase);
    SteadyTime crowded_deadline() const;

    EdgeServer::Loop& loop_;
    const std::uint32_t slot_;
    Stream stream_;
    std::list<std::uint32_t>::iterator handshake_{};  // in the phase of that name
    bool shakes_hands_ = false;

    std::unique_ptr<char[]> in_;
    std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
    std::size_t scanned_ = 0;     // of unread(), no end of head before it
    std::size_t head_bytes_ = 0;  // of the request whose body is awaited
    std::size_t body_bytes_ = 0;
    std::unique_ptr<ChunkDecoder> chunks_;
    std::size_t chunk_bytes_ = 0;  // of chunks_, counted like buffers

    std::vector<Pending> pending_;
    std::size_t first_ = 0;
    std::size_t ready_bytes_ = 0;  // of all answers in pending_
    std::uint16_t first_sequence_ = 0;
    std::size_t owed_ = 0;  // completions

    std::uint32_t active_window_ = 0;  // the last in which it sent a request
    std::string out_, sending_;
    Phase phase_ = Phase::idle;
    SteadyTime phase_began_{}, deadline_{};
    bool reading_ = false, writing_ = false;
    bool closing_ = false;  // no further request is taken; closes after the last answer
    bool eof_ = false, closed_ = false, released_ = false;
};

}  // namespace producers::edge
