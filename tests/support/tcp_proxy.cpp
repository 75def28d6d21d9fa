#include "tests/support/tcp_proxy.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace tests {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int look_again_ms = 10;  // at what others have asked for
constexpr std::size_t waiting_bytes_max = 4u << 20;

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

int connected_to(std::uint16_t port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(port);
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        return socket;
    ::close(socket);
    return -1;
}

void send_at_once(int socket) {
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

bool would_block() {
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

}  // namespace

TcpProxy::Connection::~Connection() {
    ::close(up.from);
    if (up.to >= 0) ::close(up.to);
}

TcpProxy::TcpProxy(Hear hear)
    : hear_(std::move(hear)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(listener_, 128) == 0);
    REQUIRE(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
}

TcpProxy::~TcpProxy() {
    stopping_ = true;
    thread_.join();
    connections_.clear();
    ::close(listener_);
}

void TcpProxy::forget_and_pass() {
    forget_ = true;
    while (forget_ && !stopping_) std::this_thread::sleep_for(std::chrono::milliseconds{1});
    pass();
}

void TcpProxy::run() {
    while (!stopping_) {
        if (mode_ == Mode::cut) connections_.clear();
        if (forget_.exchange(false))
            for (const auto& connection : connections_) connection->dead = true;
        wait_for_more();
        if (mode_ != Mode::swallow) move_bytes();
    }
}

// While it swallows, the kernel alone answers who connects.
void TcpProxy::wait_for_more() {
    std::vector<pollfd> polled;
    const bool swallows = mode_ == Mode::swallow;
    if (!swallows) {
        polled.push_back({listener_, POLLIN, 0});
        for (const auto& connection : connections_) {
            for (const Side* side : {&connection->up, &connection->down}) {
                const bool wants =
                    !connection->dead && !side->ended && side->waiting_bytes < waiting_bytes_max;
                if (wants) polled.push_back({side->from, POLLIN, 0});
            }
        }
    }
    const bool waits_for_due = std::any_of(
        connections_.begin(), connections_.end(),
        [](const auto& one) { return !one->up.chunks.empty() || !one->down.chunks.empty(); });
    ::poll(polled.data(), polled.size(), waits_for_due && !swallows ? 1 : look_again_ms);
    if (!swallows && (polled.front().revents & POLLIN) != 0) accept_one();
}

void TcpProxy::accept_one() {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    const int server = mode_ == Mode::pass ? connected_to(server_port_) : -1;
    if (server < 0) {
        ::close(client);
        return;
    }
    send_at_once(client);
    send_at_once(server);
    auto connection = std::make_unique<Connection>();
    connection->up = {.from = client, .to = server};
    connection->down = {.from = server, .to = client};
    connections_.push_back(std::move(connection));
}

void TcpProxy::move_bytes() {
    std::erase_if(connections_, [this](const auto& connection) {
        if (connection->dead) return false;  // its ends may close it; nobody hears of that
        for (Side* side : {&connection->up, &connection->down}) {
            const std::size_t known = side->chunks.size();
            receive(*side);
            if (hear_ && side == &connection->down)
                for (auto i = known; i < side->chunks.size(); ++i) hear_(side->chunks[i].bytes);
            if (!send_due(*side)) return true;
            if (!side->ended || !side->chunks.empty()) continue;
            if (!hear_ || side == &connection->down) return true;
            ::shutdown(side->to, SHUT_WR);  // what the server still says is heard
        }
        return false;
    });
}

void TcpProxy::receive(Side& side) const {
    std::array<char, 65'536> part{};
    while (!side.ended && side.waiting_bytes < waiting_bytes_max) {
        const ssize_t bytes = ::recv(side.from, part.data(), part.size(), MSG_DONTWAIT);
        if (bytes < 0 && would_block()) return;
        if (bytes <= 0) {
            side.ended = true;
            return;
        }
        const auto count = static_cast<std::size_t>(bytes);
        side.chunks.push_back({Clock::now() + delay_.load(), std::string(part.data(), count)});
        side.waiting_bytes += count;
    }
}

bool TcpProxy::send_due(Side& side) {
    while (!side.chunks.empty() && side.chunks.front().due <= Clock::now()) {
        std::string& bytes = side.chunks.front().bytes;
        const ssize_t sent =
            ::send(side.to, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0) return would_block();
        side.waiting_bytes -= static_cast<std::size_t>(sent);
        bytes.erase(0, static_cast<std::size_t>(sent));
        if (bytes.empty()) side.chunks.pop_front();
    }
    return true;
}

}  // namespace tests
