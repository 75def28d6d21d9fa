// One keep-alive connection: reads strict heads and bounded bodies, answers in order.
// Threads: run() on the connection's own thread.
#pragma once

#include "projections/api/byte_stream.hpp"
#include "projections/api/dispatcher.hpp"

#include <Poco/Net/StreamSocket.h>
#include <Poco/Net/TCPServerConnection.h>

#include <atomic>

namespace projections::api {

// What the connections of one server share. All outlive them.
struct ConnectionShared {
    const ApiOptions& options;
    const Dispatcher& dispatcher;
    std::atomic<bool> stopping{false};
    std::atomic<std::size_t> open{0};  // that have a thread

    bool is_crowded() const { return open > options.connections_max / 4 * 3; }
};

class Connection : public Poco::Net::TCPServerConnection {
public:
    Connection(const Poco::Net::StreamSocket& socket, ConnectionShared& shared);
    ~Connection() override { --shared_.open; }
    void run() override;

private:
    enum class Read { complete, closed, timed_out, too_large };

    bool shake_hands();  // true at once in plain
    bool serve_one();    // false when the connection is to be closed
    Read read_until_head(std::size_t& head_bytes);
    Read read_more(std::chrono::steady_clock::time_point deadline);
    bool read_body(const bus::http::Head& head, std::size_t head_bytes, std::string& body);
    // False when the peer did not take it.
    bool write(const bus::http::Request& request, bus::http::Response response, bool keep_alive);
    void refuse(int status, std::string_view code, std::string_view detail);
    void linger();

    ConnectionShared& shared_;
    const ApiOptions& options_;
    const Dispatcher& dispatcher_;
    ByteStream stream_;
    std::chrono::steady_clock::time_point idle_since_{};
    bool refused_ = false;  // and told so: nothing further is read as a request
    std::string peer_;      // its address
    std::string buffer_;    // bytes received and not yet used
};

}  // namespace projections::api
