// One connection: reads requests, has them decided, sends the answers.
//
// Lives in a slot of the loop until the log owes it nothing and no operation is under way, so that
// a completion never meets another connection. Loop's thread only.
#pragma once

#include "producers/edge/answer_queue.hpp"
#include "producers/edge/chunk_decoder.hpp"
#include "producers/edge/connection_phase.hpp"
#include "producers/edge/edge_server.hpp"
#include "producers/edge/input_buffer.hpp"
#include "producers/edge/request_parser.hpp"
#include "producers/edge/stream.hpp"

#include <list>

namespace producers::edge {

class Connection {
public:
    Connection(EdgeServer::Loop& loop, std::uint32_t slot, boost::asio::ip::tcp::socket socket);
    ~Connection();

    void start();
    void complete(const Ticket& ticket, const bus::Result<bus::Appended>& result) {
        answers_.complete(ticket, result);
    }
    void resume();  // after completions: write what is ready, go on reading
    // True: it is closed, or about to be. `crowded`: there are too many of them.
    bool check_deadline(SteadyTime now, bool crowded);
    void drain();
    void cut() { close(); }

    bool touched = false;  // has completions that resume() has not seen

private:
    // input
    void start_handshake(const bus::tls::Context& tls);
    void on_handshake(bus::tls::Progress progress);
    void leave_handshakes();
    void start_read();
    void on_read(const boost::system::error_code& error, std::size_t bytes);
    void on_eof();
    void process();
    bool takes_more() const { return !answers_.ending() && answers_.has_room(); }  // requests
    bool process_one();
    void answer_too_large(const ParsedHead& head);
    bool begin_body(const ParsedHead& head);
    bool feed_chunks();
    bool count_chunks();
    void drop_chunks();
    void serve(const ParsedHead& head, std::string_view body);
    void consume(std::size_t bytes);

    // output
    void flush();
    void on_written(const boost::system::error_code& error);
    bool has_answered_all() const {
        return answers_.due() == 0 && answers_.output().empty() && !writing_;
    }
    void finish_output();
    void close();
    void release_if_finished();
    void set_phase();
    void rest();
    void enter(Phase phase);

    EdgeServer::Loop& loop_;
    const std::uint32_t slot_;
    Stream stream_;
    std::list<std::uint32_t>::iterator handshake_{};  // in the phase of that name
    bool shakes_hands_ = false;

    InputBuffer input_;
    std::size_t scanned_ = 0;     // of what is unread, no end of head before it
    std::size_t head_bytes_ = 0;  // of the request whose body is awaited
    std::size_t body_bytes_ = 0;
    std::unique_ptr<ChunkDecoder> chunks_;
    std::size_t chunk_bytes_ = 0;  // of chunks_, counted like buffers

    AnswerQueue answers_;
    std::uint32_t active_window_ = 0;  // the last in which it sent a request
    std::string sending_;
    std::size_t sending_bytes_ = 0;  // of sending_, counted like buffers
    ConnectionPhase phase_;
    bool reading_ = false, writing_ = false;
    bool eof_ = false, closed_ = false, released_ = false;
};

}  // namespace producers::edge
