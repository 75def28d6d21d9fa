// One keep-alive connection: reads strict heads and bounded bodies, answers in order.
// Threads: run() on the connection's own thread.
#pragma once

#include "projections/api/dispatcher.hpp"

#include <Poco/Net/StreamSocket.h>
#include <Poco/Net/TCPServerConnection.h>

#include <atomic>

namespace projections::api {

class Connection : public Poco::Net::TCPServerConnection {
public:
    Connection(const Poco::Net::StreamSocket& socket, const ApiOptions& options,
               const Dispatcher& dispatcher, const std::atomic<bool>& stopping);
    void run() override;

private:
    enum class Read { complete, closed, timed_out, too_large };

    bool serve_one();  // false when the connection is to be closed
    Read read_until_head(std::size_t& head_bytes);
    Read read_more(std::chrono::steady_clock::time_point deadline);
    bool read_body(const bus::http::Head& head, std::size_t head_bytes, std::string& body);
    void write(const bus::http::Request& request, bus::http::Response response, bool keep_alive);
    void refuse(int status, std::string_view code, std::string_view detail);

    const ApiOptions& options_;
    const Dispatcher& dispatcher_;
    const std::atomic<bool>& stopping_;
    std::string buffer_;  // bytes received and not yet used
};

}  // namespace projections::api
