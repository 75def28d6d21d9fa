// Hostile HTTP against both ports of the running program: every probe gets its designed answer,
// nothing hidden in one request is taken for another, also behind a proxy, and who drips, idles or
// floods does it at nobody else's cost.
#include "tests/prove/nginx_proxy.hpp"
#include "tests/prove/section.hpp"
#include "tests/support/child_platform.hpp"
#include "tests/support/http_probes.hpp"
#include "tests/support/sample_webhooks.hpp"
#include "tests/support/wire.hpp"

#include <fmt/ranges.h>
#include <sys/resource.h>

#include <algorithm>
#include <random>
#include <thread>

using namespace tests;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t drippers = 1'000, idlers = 2'000;
constexpr int others_requests = 400;
constexpr int proxied_rounds = 3;

void raise_file_limit() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::uint16_t port_of(const std::string& address) {
    return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
}

class HttpWorld {
public:
    explicit HttpWorld(prove::Section& section) : section_(section), random_(section.seed()) {
        child_.start();
        client_.emplace(child_.addresses());
        tenant_ = client_->create_tenant("guarded");
        source_ = client_->create_source(tenant_, "interakt", "guarded", "s");
    }

    void probe_all() {
        for (const Port port : {Port::ingress, Port::api})
            for (const HttpProbe& probe : probes(port))
                section_.fault(fmt::format("{}: {}", name(port), printable(probe.name)),
                               fmt::format("{}", fmt::join(probe.answers, " or ")), [&] {
                                   const std::string problem = probe_problem(address(port), probe);
                                   return problem.empty()
                                              ? fmt::format("{}", fmt::join(probe.answers, " or "))
                                              : problem;
                               });
    }

    void bodies_without_end() {
        section_.fault("ingress: 1 GB sent in chunks", "413 after less than 8 MiB", [&] {
            return flood("Transfer-Encoding: chunked\r\n", "10000\r\n", "\r\n");
        });
        section_.fault("ingress: a head that never ends", "431 after less than 8 MiB",
                       [&] { return flood("X: ", "", ""); });
    }

    void crowds() {
        const auto alone = served_in_ms();
        std::vector<Wire> crowd = connect_crowd();
        std::jthread dripping([&](const std::stop_token& stop) {
            while (!stop.stop_requested()) drip(crowd);
        });
        std::vector<double> crowded;
        section_.fault(
            fmt::format("{} drippers and {} idle connections", drippers, idlers),
            fmt::format("{} of {} others served", others_requests, others_requests), [&] {
                crowded = served_in_ms();
                return fmt::format("{} of {} others served", crowded.size(), others_requests);
            });
        fmt::print("others_p99_ms={:.2f} others_p99_ms_alone={:.2f}\n", p99(crowded), p99(alone));
    }

    // What a proxy lets through reaches the product as as many requests as the proxy sent.
    void behind_a_proxy() {
        if (!prove::NginxProxy::is_installed()) {
            fmt::print("proxy=not_installed\n");
            return;
        }
        const prove::NginxProxy proxy(child_.addresses().ingress);
        const std::size_t before = answered();
        for (int round = 0; round < proxied_rounds; ++round)
            for (const HttpProbe& probe : probes(Port::ingress)) {
                (void)raw_exchange(proxy.address(), probe.bytes, 50ms, probe.half_close);
                section_.attempt("the next one's answer behind " + printable(probe.name),
                                 [&] { return next_answer_problem(proxy.address()); });
            }
        std::this_thread::sleep_for(500ms);
        section_.fault("requests smuggled through nginx", "none", [&]() -> std::string {
            const std::size_t passed = proxy.requests_passed_on();
            const std::size_t arrived = answered() - before;
            if (arrived <= passed) return "none";
            return fmt::format("{} were passed on, {} answered", passed, arrived);
        });
    }

    // Probes with a few bytes changed: whatever is answered, it is no fault of ours, and others
    // are served.
    void mutate() {
        const Port port = random_() % 2 ? Port::api : Port::ingress;
        const auto all = probes(port);
        std::string bytes = all[random_() % all.size()].bytes;
        for (std::uint64_t n = 1 + random_() % 4; n > 0; --n) change(bytes);
        section_.attempt("changed " + printable(bytes), [&]() -> std::string {
            const std::string answer = raw_exchange(address(port), bytes, 100ms, true);
            for (const int status : statuses_in(answer))
                if (status >= 500 && status != 505) return printable(answer);
            return client_->api("GET", "/healthz").status == 200 ? "" : "others are not served";
        });
    }

private:
    static std::string name(Port port) { return port == Port::api ? "api" : "ingress"; }
    static std::string printable(const std::string& text) {
        std::string out;
        for (const char c : text.substr(0, 100)) out += c >= ' ' && c <= '~' ? c : '?';
        return out;
    }
    const std::string& address(Port port) const {
        return port == Port::api ? child_.addresses().api : child_.addresses().ingress;
    }
    std::vector<HttpProbe> probes(Port port) const {
        return http_probes(port, port == Port::api ? "/v1/sources" : source_.path);
    }

    std::string flood(const std::string& headers, const std::string& before,
                      const std::string& after) {
        Wire wire(port_of(child_.addresses().ingress));
        wire.send("POST " + source_.path + " HTTP/1.1\r\nHost: x\r\n" + headers +
                  (before.empty() ? "" : "\r\n"));
        const std::string part = before + std::string(65'536, 'x') + after;
        std::size_t sent = 0;
        for (; sent < std::size_t{1} << 30 && wire.send(part); sent += part.size())
            if (const WireAnswer answer = wire.receive(3ms); answer.status != 0)
                return fmt::format("{} after {} 8 MiB", answer.status,
                                   sent < 8 << 20 ? "less than" : "more than");
        return fmt::format("no answer after {} bytes", sent);
    }

    std::vector<Wire> connect_crowd() {
        std::vector<Wire> crowd;
        for (std::size_t i = 0; i < drippers + idlers; ++i) {
            crowd.emplace_back(port_of(child_.addresses().ingress));
            if (!crowd.back().connected())
                throw std::runtime_error(fmt::format("connection {} was refused", i));
        }
        return crowd;
    }
    void drip(std::vector<Wire>& crowd) {
        for (std::size_t i = 0; i < drippers; ++i) (void)crowd[i].send("P");
        std::this_thread::sleep_for(500ms);
    }

    // How long each of the others waited that was served.
    std::vector<double> served_in_ms() {
        std::vector<double> took;
        for (int i = 0; i < others_requests; ++i) {
            const auto message = interakt_message(fmt::format("m{}", ++messages_), "919800000001",
                                                  "hello", "2026-03-01T09:00:00", source_.secret);
            const auto began = std::chrono::steady_clock::now();
            const auto answer =
                client_->try_ingress("POST", source_.path, message.headers, message.body);
            const std::chrono::duration<double, std::milli> ms =
                std::chrono::steady_clock::now() - began;
            if (answer && answer->status / 100 == 2) took.push_back(ms.count());
        }
        return took;
    }
    static double p99(std::vector<double> all) {
        if (all.empty()) return 0;
        std::sort(all.begin(), all.end());
        return all[all.size() * 99 / 100];
    }

    std::string next_answer_problem(const std::string& proxy) {
        const std::string answer =
            raw_exchange(proxy, "GET /no/such/route HTTP/1.1\r\nHost: x\r\n\r\n", 100ms);
        const auto statuses = statuses_in(answer);
        return statuses == std::vector{404} ? "" : fmt::format("statuses {}", statuses);
    }
    // By the product's own account, on its public port.
    std::size_t answered() {
        const std::string metrics =
            client_->api("GET", "/metrics", {{"x-api-key", child_.addresses().admin_key}}).body;
        std::size_t sum = 0;
        constexpr std::string_view metric = "edge_answers_total{";
        for (auto at = metrics.find(metric); at != metrics.npos;
             at = metrics.find(metric, at + 1)) {
            const std::string line = metrics.substr(at, metrics.find('\n', at) - at);
            if (line.find("\"1xx\"") != line.npos) continue;
            sum += std::strtoull(line.c_str() + line.rfind(' '), nullptr, 10);
        }
        return sum;
    }

    void change(std::string& bytes) {
        const std::size_t at = random_() % (bytes.size() + 1);
        static const std::string_view odd{"\0\r\n\t :;,%/?#0a\xff\x80", 16};
        const char c = odd[random_() % odd.size()];
        switch (random_() % 3) {
            case 0:
                bytes.insert(at, 1, c);
                break;
            case 1:
                if (at < bytes.size()) bytes[at] = c;
                break;
            default:
                bytes.erase(at, 1 + random_() % 3);
        }
        if (bytes.size() < 4) bytes += "\r\n\r\n";
    }

    prove::Section& section_;
    std::mt19937_64 random_;
    ChildPlatform child_{TRIBUTARY_PROGRAM, ""};
    std::optional<ProductClient> client_;
    Tenant tenant_;
    Source source_;
    int messages_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    prove::Section section(argc, argv,
                           "Sends hostile HTTP to both ports, directly and through nginx.",
                           "http_section --seed 7 --seconds 60");
    raise_file_limit();
    std::optional<HttpWorld> world;
    section.attempt("start", [&] {
        world.emplace(section);
        return "";
    });
    if (!world) return section.finish();
    world->probe_all();
    world->bodies_without_end();
    section.attempt("crowds", [&] {
        world->crowds();
        return "";
    });
    section.attempt("behind a proxy", [&] {
        world->behind_a_proxy();
        return "";
    });
    while (section.time_left()) world->mutate();
    return section.finish();
}
