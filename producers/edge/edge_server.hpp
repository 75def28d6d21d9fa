// The public port: webhooks, /v1/events, health and metrics. Strict HTTP/1.1, one thread, no thread
// per connection, bounded in everything.
//
// A request is parked until the log has its record; answers leave in the order of the requests.
// Threads: start and stop from one thread. The door belongs to the edge's thread from start() on.
#pragma once

#include "bus/http/http.hpp"
#include "bus/log.hpp"
#include "bus/tls/tls_context.hpp"
#include "producers/door.hpp"

#include <memory>
#include <string>
#include <vector>

namespace producers::edge {

struct EdgeOptions {
    std::string host = "127.0.0.1";
    std::uint16_t port = 8080;             // 0 = any free one
    std::size_t connections_max = 16'384;  // 10,000 idle ones leave room
    std::size_t head_bytes_max = 32 * 1024;
    std::size_t field_bytes_max = 8 * 1024;
    std::size_t fields_max = 100;
    std::size_t target_bytes_max = 8 * 1024;
    std::size_t pipeline_max = 64;             // requests of one connection under way
    std::size_t parked_bytes_max = 256 << 20;  // bodies the log has not taken yet; more is 503
    // Of requests not whole yet and answers not sent yet, all connections together; then further
    // requests are 503, but for 4 KiB of each.
    std::size_t buffer_bytes_max = 512 << 20;
    bus::milliseconds head_deadline{10'000};  // from a request's first byte
    bus::milliseconds body_deadline{30'000};  // from the end of its head
    bus::milliseconds idle_max{75'000};
    // While three quarters of the connections are taken, those that say nothing, or take long over
    // a request or over reading an answer, are let go sooner, until it is fewer.
    bus::milliseconds crowded_idle_max{500};
    bus::milliseconds crowded_request_deadline{3'000};  // head, body, answer: each anew
    bus::milliseconds write_deadline{30'000};
    bus::milliseconds linger_max{2'000};     // after an answer that closes, for the peer to read it
    const bus::tls::Context* tls = nullptr;  // null: plain HTTP; outlives the server
    bus::milliseconds handshake_deadline{10'000};  // from the connection's start
    // Under way at a time; one more ends the oldest, which an honest one never is for long.
    std::size_t handshakes_max = 1'000;
    // Told, when it changes, how many connections sent a request in the last 10 ms or so: under
    // load the journal waits for half of them before it syncs. May be empty.
    std::function<void(std::size_t)> active_callers = {};
};

class EdgeServer {
public:
    // unavailable: the address cannot be bound. `routes`: those with on_ingress are served here;
    // they run on the edge's thread and must not block.
    static bus::Result<std::unique_ptr<EdgeServer>> start(EdgeOptions options, Door& door,
                                                          bus::Log& log,
                                                          std::vector<bus::http::Route> routes);
    ~EdgeServer();  // stop(0) if it still runs

    std::uint16_t port() const;
    // Stops accepting, answers what is parked, closes. What is not answered by the deadline is cut.
    void stop(bus::milliseconds deadline);

    class Loop;

private:
    explicit EdgeServer(std::unique_ptr<Loop> loop);
    std::unique_ptr<Loop> loop_;
};

}  // namespace producers::edge
