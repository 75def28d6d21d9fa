#include "producers/edge/edge_server.hpp"

#include "producers/edge/loop.hpp"

namespace producers::edge {

EdgeServer::EdgeServer(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}

EdgeServer::~EdgeServer() {
    stop(bus::milliseconds{0});
}

bus::Result<std::unique_ptr<EdgeServer>> EdgeServer::start(EdgeOptions options, Door& door,
                                                           bus::Log& log,
                                                           std::vector<bus::http::Route> routes) {
    auto loop = std::make_unique<Loop>(std::move(options), door, log, std::move(routes));
    if (auto listening = loop->listen(); !listening) return listening.error();
    loop->run();
    return std::unique_ptr<EdgeServer>(new EdgeServer(std::move(loop)));  // private constructor
}

std::uint16_t EdgeServer::port() const {
    return loop_->port();
}

void EdgeServer::stop(bus::milliseconds deadline) {
    loop_->stop(deadline);
}

}  // namespace producers::edge
