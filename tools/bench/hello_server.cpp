// The floor of the read benchmarks: Poco's own HTTP server answering a constant.
#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPServer.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/HTTPServerRequest.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/Net/ServerSocket.h>
#include <fmt/format.h>

#include <unistd.h>
#include <csignal>

namespace {

class Hello final : public Poco::Net::HTTPRequestHandler {
public:
    void handleRequest(Poco::Net::HTTPServerRequest&,
                       Poco::Net::HTTPServerResponse& response) override {
        constexpr char body[] = R"({"hello":"world"})";
        response.setContentType("application/json");
        response.setContentLength(sizeof body - 1);
        response.sendBuffer(body, sizeof body - 1);
    }
};

class Factory final : public Poco::Net::HTTPRequestHandlerFactory {
public:
    // Poco deletes the handler.
    Poco::Net::HTTPRequestHandler* createRequestHandler(
        const Poco::Net::HTTPServerRequest&) override {
        return new Hello;
    }
};

}  // namespace

int main() {
    Poco::Net::ServerSocket socket(Poco::Net::SocketAddress("127.0.0.1", 0));
    Poco::Net::HTTPServerParams::Ptr parameters(new Poco::Net::HTTPServerParams);
    parameters->setMaxThreads(64);
    parameters->setKeepAlive(true);
    parameters->setMaxKeepAliveRequests(0);
    Poco::ThreadPool::defaultPool().addCapacity(64);
    Poco::Net::HTTPServer server(new Factory, socket, parameters);
    server.start();
    fmt::print("port={}\n", socket.address().port());
    std::fflush(stdout);
    ::pause();
    return 0;
}
