// A blocking loopback client that sends exactly the bytes it is given.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

namespace tests {

struct WireAnswer {
    int status = 0;  // 0 = the connection ended, or nothing came in time
    std::string head, body;

    std::string header(std::string_view name) const {  // as spelled by the server
        const auto at = head.find("\r\n" + std::string(name) + ": ");
        if (at == std::string::npos) return {};
        const auto from = at + name.size() + 4;
        return head.substr(from, head.find("\r\n", from) - from);
    }
};

// Of "http://HOST:PORT".
inline std::uint16_t port_of(const std::string& address) {
    return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
}

class Wire {
public:
    explicit Wire(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
        const int on = 1;
        ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    ~Wire() { close(); }
    Wire(Wire&& other) noexcept
        : socket_(std::exchange(other.socket_, -1)), connected_(other.connected_) {}
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;

    bool connected() const { return connected_; }
    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }
    void half_close() { ::shutdown(socket_, SHUT_WR); }
    void close() {
        if (socket_ >= 0) ::close(std::exchange(socket_, -1));
    }

    WireAnswer receive(std::chrono::milliseconds wait = std::chrono::seconds{5}) {
        WireAnswer answer;
        const auto until = std::chrono::steady_clock::now() + wait;
        while (true) {
            const auto end = buffer_.find("\r\n\r\n");
            if (end != std::string::npos) {
                answer.head = buffer_.substr(0, end + 2);
                const std::string length = answer.header("Content-Length");
                const std::size_t body =
                    length.empty() ? 0 : std::strtoul(length.c_str(), nullptr, 10);
                if (buffer_.size() >= end + 4 + body) {
                    answer.status = std::atoi(answer.head.c_str() + 9);
                    answer.body = buffer_.substr(end + 4, body);
                    buffer_.erase(0, end + 4 + body);
                    return answer;
                }
            }
            if (!more(until)) return {};
        }
    }
    // The answer to a HEAD request: its Content-Length is of a body that does not come.
    WireAnswer receive_head() {
        WireAnswer answer;
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{5};
        while (buffer_.find("\r\n\r\n") == std::string::npos) {
            if (!more(until)) return answer;
        }
        const auto end = buffer_.find("\r\n\r\n");
        answer.head = buffer_.substr(0, end + 2);
        answer.status = std::atoi(answer.head.c_str() + 9);
        buffer_.erase(0, end + 4);
        return answer;
    }
    // True when the peer closes without sending anything further.
    bool closed(std::chrono::milliseconds wait = std::chrono::seconds{5}) {
        const auto until = std::chrono::steady_clock::now() + wait;
        while (buffer_.empty()) {
            if (!more(until)) return ended_;
        }
        return false;
    }
    // True when the peer has sent nothing that is not received yet, and not ended it.
    bool is_quiet() const {
        pollfd waiting{socket_, POLLIN, 0};
        return buffer_.empty() && ::poll(&waiting, 1, 0) == 0;
    }

private:
    bool more(std::chrono::steady_clock::time_point until) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            until - std::chrono::steady_clock::now());
        pollfd waiting{socket_, POLLIN, 0};
        if (left.count() <= 0 || ::poll(&waiting, 1, static_cast<int>(left.count())) <= 0)
            return false;
        char bytes[16 * 1024];
        const auto got = ::recv(socket_, bytes, sizeof bytes, 0);
        ended_ = got <= 0;
        if (got > 0) buffer_.append(bytes, static_cast<std::size_t>(got));
        return got > 0;
    }

    int socket_;
    bool connected_ = false, ended_ = false;
    std::string buffer_;
};

}  // namespace tests
