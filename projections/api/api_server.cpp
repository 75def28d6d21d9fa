#include "projections/api/api_server.hpp"

#include "projections/api/connection.hpp"

#include <Poco/Net/NetException.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/TCPServer.h>
#include <Poco/ThreadPool.h>

#include <sys/socket.h>

#include <thread>

namespace projections::api {
namespace {

class ConnectionFactory final : public Poco::Net::TCPServerConnectionFactory {
public:
    explicit ConnectionFactory(ConnectionShared& shared) : shared_(shared) {}
    // Poco owns and deletes what this gives.
    Poco::Net::TCPServerConnection* createConnection(
        const Poco::Net::StreamSocket& socket) override {
        return new Connection(socket, shared_);
    }

private:
    ConnectionShared& shared_;
};

class PocoApiServer final : public ApiServer {
public:
    PocoApiServer(const ApiOptions& options, ApiPorts ports, std::vector<bus::http::Route> routes)
        : options_(options),
          dispatcher_(options, std::move(ports), std::move(routes)),
          threads_("api", 4, static_cast<int>(options.connections_max)),
          socket_(Poco::Net::SocketAddress(options.host, options.port), 256),
          server_(new ConnectionFactory(shared_), threads_, socket_, parameters(options)),
          port_(socket_.address().port()) {
        server_.start();
    }
    ~PocoApiServer() override { stop(bus::milliseconds{0}); }

    std::uint16_t port() const override { return port_; }

    void stop(bus::milliseconds deadline) override {
        if (shared_.stopping.exchange(true)) return;
        stop_listening();
        server_.stop();
        const auto end = std::chrono::steady_clock::now() + deadline;
        while (server_.currentConnections() > 0 && std::chrono::steady_clock::now() < end) {
            std::this_thread::sleep_for(bus::milliseconds{5});
        }
        // Bounded by what one request may take: the deadlines of its connection, the longest wait
        // for a position, the bounds of its handler. A fold of the past is stopped before this.
        threads_.joinAll();
    }

private:
    // Poco's acceptor looks every 250 ms whether it is to stop; this wakes it, and who comes now is
    // refused instead of left waiting.
    void stop_listening() { (void)::shutdown(socket_.impl()->sockfd(), SHUT_RDWR); }

    // Poco counts references to the parameters; it takes this one over.
    static Poco::Net::TCPServerParams::Ptr parameters(const ApiOptions& options) {
        Poco::Net::TCPServerParams::Ptr out(new Poco::Net::TCPServerParams);
        out->setMaxThreads(static_cast<int>(options.connections_max));
        out->setMaxQueued(256);
        return out;
    }

    ApiOptions options_;
    Dispatcher dispatcher_;
    ConnectionShared shared_{options_, dispatcher_};
    Poco::ThreadPool threads_;
    Poco::Net::ServerSocket socket_;
    Poco::Net::TCPServer server_;
    const std::uint16_t port_;
};

}  // namespace

bus::Result<std::unique_ptr<ApiServer>> ApiServer::start(const ApiOptions& options, ApiPorts ports,
                                                         std::vector<bus::http::Route> routes) {
    try {
        return std::unique_ptr<ApiServer>(
            std::make_unique<PocoApiServer>(options, std::move(ports), std::move(routes)));
    } catch (const Poco::Exception& e) {
        return bus::fail(bus::ErrorCode::unavailable, "the API cannot listen on {}:{}: {}",
                         options.host, options.port, e.displayText());
    }
}

}  // namespace projections::api
