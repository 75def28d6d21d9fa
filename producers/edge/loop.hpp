// The edge's thread: accepts, owns the connections, hands the log's completions to them, and looks
// at deadlines a few times a second.
#pragma once

#include "bus/prompt_ends.hpp"
#include "producers/edge/completion_queue.hpp"
#include "producers/edge/connection.hpp"
#include "producers/edge/edge_probe.hpp"
#include "producers/edge/edge_server.hpp"

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <thread>

namespace producers::edge {

class EdgeServer::Loop {
public:
    Loop(EdgeOptions options, Door& door, bus::Log& log, std::vector<bus::http::Route> routes);
    ~Loop();

    bus::Result<bus::Done> listen();
    void run();  // starts the thread
    void stop(bus::milliseconds deadline);
    std::uint16_t port() const { return port_; }

    // For connections, on the loop's thread.
    const EdgeOptions& options() const { return options_; }
    Door& door() { return door_; }
    EdgeProbe& probe() { return probe_; }
    bool draining() const { return draining_; }
    std::vector<FieldView>& fields() { return fields_; }  // scratch of one request
    SteadyTime now() const { return now_; }
    void tick() { now_ = std::chrono::steady_clock::now(); }
    // False: too much is parked already.
    bool park(std::size_t bytes);
    void unpark(std::size_t bytes) { parked_bytes_ -= bytes; }
    bool reserve_buffer(std::size_t bytes);  // false: too much is held already
    void take_buffer(std::size_t bytes) { buffer_bytes_ += bytes; }  // whatever is held
    // The connection sent a request.
    void count_active(std::uint32_t& last_window);
    void release_buffer(std::size_t bytes) { buffer_bytes_ -= bytes; }
    void append(bus::NewRecord record, Ticket ticket) {
        log_.append(std::move(record), completions_->expect(ticket));
    }
    // Of all that is stored; the first there is where the log does not say so at once.
    std::string position_of(bus::PartitionId partition);
    // The answer of a mounted route, or none.
    std::optional<bus::http::Response> answer_route(const RequestView& request);
    bool has_route(std::string_view path) const;
    // Makes room by ending the oldest where too many are under way.
    std::list<std::uint32_t>::iterator begin_handshake(std::uint32_t slot);
    void end_handshake(std::list<std::uint32_t>::iterator which) { handshakes_.erase(which); }
    void release(std::uint32_t slot);  // the connection is finished

private:
    void accept();
    void turn_away(boost::asio::ip::tcp::socket socket);
    void complete();
    void sweep();
    void drain();
    bus::http::Response call(const bus::http::Route& route, const RequestView& request);
    bus::http::Response failed(const bus::http::Route& route, std::string_view reason);

    const EdgeOptions options_;
    Door& door_;
    bus::Log& log_;
    bus::PromptEnds ends_;
    std::map<std::string, std::vector<bus::http::Route>, std::less<>> routes_;  // by path
    EdgeProbe probe_;
    std::uint16_t port_ = 0;

    boost::asio::io_context context_{1};
    boost::asio::ip::tcp::acceptor acceptor_{context_};
    boost::asio::steady_timer sweeper_{context_};
    boost::asio::steady_timer accept_pause_{context_};
    std::unique_ptr<CompletionQueue> completions_;

    // Of the loop's thread.
    std::vector<std::unique_ptr<Connection>> connections_;
    std::vector<std::uint32_t> free_slots_;
    std::list<std::uint32_t> handshakes_;  // slots, the oldest first
    std::size_t open_ = 0;
    std::vector<Completion> settled_;
    std::vector<std::uint32_t> touched_;
    std::vector<FieldView> fields_;
    std::size_t parked_bytes_ = 0;
    std::size_t buffer_bytes_ = 0;
    SteadyTime now_ = std::chrono::steady_clock::now();
    std::uint32_t window_ = 1;  // the 10 ms in which we are
    SteadyTime window_end_{};
    std::size_t active_now_ = 0, active_told_ = 0;
    bool draining_ = false;
    bool told_of_failure_ = false;

    std::atomic<bool> drained_{false};
    std::thread thread_;
};

}  // namespace producers::edge
