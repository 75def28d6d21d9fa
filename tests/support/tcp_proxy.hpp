// A network between a client and one server on loopback that can be slow, silent or cut.
//
// Threads: one of its own forwards; the others may be called from any.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace tests {

class TcpProxy {
public:
    // `hear` gets what the server says, piece by piece, on the thread, also after the client left.
    using Hear = std::function<void(std::string_view)>;
    // Listens on a free port; nothing is forwarded before forward_to().
    explicit TcpProxy(Hear hear = {});
    ~TcpProxy();
    TcpProxy(const TcpProxy&) = delete;
    TcpProxy& operator=(const TcpProxy&) = delete;

    std::uint16_t port() const { return port_; }
    void forward_to(std::uint16_t server_port) { server_port_ = server_port; }

    // As at the beginning. What was held back goes on its way.
    void pass() { mode_ = Mode::pass; }
    // Every byte comes that much later, in both directions.
    void delay(std::chrono::milliseconds by) { delay_ = by; }
    // A black hole: connections stay open, new ones are made, nothing comes through.
    void swallow() { mode_ = Mode::swallow; }
    // The same ends, but connections that were open in it stay dead, and nobody is told: as behind
    // a firewall that has forgotten them.
    void forget_and_pass();
    // Connections are closed, and new ones at once.
    void cut() { mode_ = Mode::cut; }

private:
    enum class Mode { pass, swallow, cut };
    struct Chunk {
        std::chrono::steady_clock::time_point due;
        std::string bytes;
    };
    struct Side {
        int from = -1, to = -1;
        std::deque<Chunk> chunks{};
        std::size_t waiting_bytes = 0;
        bool ended = false;  // `from` has said all
    };
    struct Connection {
        Side up, down;
        bool dead = false;  // forgotten
        ~Connection();
    };

    void run();
    void accept_one();
    void wait_for_more();
    void move_bytes();
    void receive(Side& side) const;
    static bool send_due(Side& side);  // false: the receiver is gone

    const Hear hear_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<std::uint16_t> server_port_{0};
    std::atomic<Mode> mode_{Mode::pass};
    std::atomic<std::chrono::milliseconds> delay_{std::chrono::milliseconds{0}};
    std::atomic<bool> forget_{false};
    std::atomic<bool> stopping_{false};
    std::vector<std::unique_ptr<Connection>> connections_;  // of the thread
    std::thread thread_;
};

}  // namespace tests
