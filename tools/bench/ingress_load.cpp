#include "tools/bench/ingress_load.hpp"

#include "bus/crypto/digest.hpp"
#include "bus/text.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <thread>
#include <vector>

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;

std::string body_of(const LoadOptions& options, std::size_t number) {
    std::string body = fmt::format(
        R"({{"object":"whatsapp_business_account","entry":[{{"id":"900102","changes":[{{"value":)"
        R"({{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"919900000000",)"
        R"("phone_number_id":"{}"}},"contacts":[{{"profile":{{"name":"Asha"}},"wa_id":)"
        R"("9198{:08}"}}],"messages":[{{"from":"9198{:08}","id":"wamid.{}-{}","timestamp":)"
        R"("1800000000","type":"text","text":{{"body":")",
        number % tenants, number % 50'000, number % 50'000, options.run, number);
    const std::string_view end = R"("}}]},"field":"messages"}]}]})";
    for (std::size_t i = 0; body.size() + end.size() < body_bytes; ++i)
        body += i % 7 == 6 ? ' ' : static_cast<char>('a' + i % 26);
    return body.append(end);
}

struct Target {
    std::string path;
    std::string secret;
};

std::vector<Target> targets_of(const LoadOptions& options) {
    std::vector<Target> out;
    if (options.targets.empty()) {
        for (std::size_t i = 0; i < tenants; ++i)
            out.push_back({"/api/whatsapp/webhook/" + token_of(i), secret_of(i)});
        return out;
    }
    std::ifstream in(options.targets);
    for (Target target; in >> target.path >> target.secret;) out.push_back(target);
    return out;
}

std::string request_of(const LoadOptions& options, const std::vector<Target>& targets,
                       std::size_t number) {
    const Target& target = targets[number % targets.size()];
    const std::string body = body_of(options, number);
    const std::string signature =
        bus::to_hex(bus::crypto::hmac(bus::crypto::Hash::sha256, target.secret, {body}));
    return fmt::format(
        "POST {} HTTP/1.1\r\nHost: ingress.example\r\nUser-Agent: "
        "facebookexternalua\r\nAccept: */*\r\nContent-Type: application/json\r\n"
        "X-Hub-Signature-256: sha256={}\r\nContent-Length: {}\r\n\r\n{}",
        target.path, signature, body.size(), body);
}

struct Peer {
    int socket = -1;
    std::string input;
    Clock::time_point asked{};
};

class Load {
public:
    explicit Load(const LoadOptions& options)
        : options_(options), targets_(targets_of(options)), peers_(options.connections) {
        latencies_us_.reserve(options.requests);
    }

    int run() {
        poll_ = ::epoll_create1(0);
        for (std::size_t i = 0; i < peers_.size(); ++i) {
            if (!connect(i)) return 1;
        }
        const auto start = Clock::now();
        start_ = start;
        for (Peer& peer : peers_) ask(peer);
        while (latencies_us_.size() + failed_ < options_.requests) {
            epoll_event events[256];
            const int ready = ::epoll_wait(poll_, events, 256, 10'000);
            if (ready <= 0) return 1;
            for (int i = 0; i < ready; ++i) {
                if (!receive(peers_[events[i].data.u64])) return 1;
            }
        }
        report(std::chrono::duration<double>(Clock::now() - start).count());
        return 0;
    }

private:
    bool connect(std::size_t i) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(options_.port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        peers_[i].socket = ::socket(AF_INET, SOCK_STREAM, 0);
        const int on = 1;
        ::setsockopt(peers_[i].socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
        return ::connect(peers_[i].socket, reinterpret_cast<sockaddr*>(&address), sizeof address) ==
                   0 &&
               ::epoll_ctl(poll_, EPOLL_CTL_ADD, peers_[i].socket, &event) == 0;
    }

    void ask(Peer& peer) {
        if (asked_ == options_.requests) return;
        const std::string request = request_of(options_, targets_, asked_++);
        if (options_.rate > 0) {
            const auto due = start_ + std::chrono::microseconds{asked_ * 1'000'000 / options_.rate};
            std::this_thread::sleep_until(due);
        }
        peer.asked = Clock::now();
        [[maybe_unused]] const auto sent =
            ::send(peer.socket, request.data(), request.size(), MSG_NOSIGNAL);
    }

    bool receive(Peer& peer) {
        char bytes[4096];
        const auto got = ::recv(peer.socket, bytes, sizeof bytes, 0);
        if (got <= 0) return false;
        peer.input.append(bytes, static_cast<std::size_t>(got));
        const auto end = peer.input.find("\r\n\r\n");
        if (end == std::string::npos) return true;
        std::size_t length = 0;
        const auto at = peer.input.find("Content-Length: ");
        if (at < end) length = std::strtoul(peer.input.c_str() + at + 16, nullptr, 10);
        if (peer.input.size() < end + 4 + length) return true;
        if (peer.input.compare(9, 1, "2") == 0)
            latencies_us_.push_back(static_cast<float>(
                std::chrono::duration<double, std::micro>(Clock::now() - peer.asked).count()));
        else if (failed_++ == 0)
            fmt::print("first_failure={}\n", peer.input.substr(0, 400));
        peer.input.clear();
        ask(peer);
        return true;
    }

    double percentile(double share) {
        if (latencies_us_.empty()) return 0;
        const auto at =
            latencies_us_.begin() +
            static_cast<std::ptrdiff_t>(share * static_cast<double>(latencies_us_.size() - 1));
        std::nth_element(latencies_us_.begin(), at, latencies_us_.end());
        return *at;
    }

    void report(double seconds) {
        if (!options_.server.empty()) fmt::print("server={} ", options_.server);
        fmt::print("requests_per_s={:.0f} failed={} p50_us={:.0f} p99_us={:.0f} p999_us={:.0f}\n",
                   static_cast<double>(options_.requests) / seconds, failed_, percentile(0.5),
                   percentile(0.99), percentile(0.999));
    }

    const LoadOptions& options_;
    const std::vector<Target> targets_;
    Clock::time_point start_{};
    std::vector<Peer> peers_;
    std::vector<float> latencies_us_;
    std::size_t asked_ = 0, failed_ = 0;
    int poll_ = -1;
};

}  // namespace

std::string token_of(std::size_t tenant) {
    return fmt::format("bench-token-of-tenant-{:04}", tenant);
}

std::string secret_of(std::size_t tenant) {
    return fmt::format("bench-app-secret-of-tenant-{:04}", tenant);
}

int run_load(const LoadOptions& options) {
    return Load(options).run();
}

}  // namespace bench
