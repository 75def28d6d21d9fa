// Hostile HTTP against both ports of the running program: every probe gets its designed answer,
// nothing hidden in one request is taken for another, also behind a proxy, and who drips, idles or
// floods does it at nobody else's cost.
#include "tests/prove/front_proxy.hpp"
#include "tests/prove/http_floods.hpp"
#include "tests/prove/section.hpp"
#include "tests/support/child_platform.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/http_probes.hpp"
#include "tests/support/sample_webhooks.hpp"
#include "tests/support/wire.hpp"

#include <fmt/ranges.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <random>
#include <thread>

using namespace tests;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t drippers = 1'000, idlers = 2'000, idlers_alone = 10'000;
constexpr std::size_t others_requests = 400;
constexpr double p99_ratio_max = 2;
constexpr int crowd_rounds = 3;
constexpr int proxied_rounds = 3;
constexpr auto counting_max = 10s, leaving_max = 2s;
// Their senders go before the body is whole. A proxy that has passed on a part of it may go too
// before the product sees that nothing comes, and then nobody is there to be answered.
constexpr std::array<std::string_view, 3> left_early{"a cut body", "a cut chunked body",
                                                     "a chunk of 1 GB"};

// The program is started with what a shell gives, and has to help itself.
constexpr rlim_t usual_files = 1'024;

void set_file_limit(rlim_t soft) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = std::min(soft, limit.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

class HttpWorld {
public:
    explicit HttpWorld(prove::Section& section) : section_(section), random_(section.seed()) {
        set_file_limit(usual_files);
        child_.start();
        set_file_limit(RLIM_INFINITY);
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

    void floods() { prove::try_floods(section_, child_, source_.path); }

    void crowds() {
        beside("10,000 idle connections", 0, idlers_alone);
        beside(fmt::format("{} drippers and {} idle connections", drippers, idlers), drippers,
               idlers);
    }

    // What a proxy lets through reaches the product as as many requests as the proxy sent.
    void behind_proxies() {
        for (const prove::ProxyKind& kind : prove::proxy_kinds())
            section_.attempt("behind " + kind.name, [&]() -> std::string {
                if (!prove::is_installed(kind)) return kind.program + " is not installed";
                behind(kind);
                return {};
            });
    }

    void behind(const prove::ProxyKind& kind) {
        const prove::FrontProxy proxy(kind, child_.addresses().ingress);
        ProxyCounts counts{.answered_before = answered()};
        std::vector<std::string> problems;
        for (int round = 0; round < proxied_rounds; ++round)
            for (const HttpProbe& probe : probes(Port::ingress)) {
                (void)raw_exchange(proxy.address(), probe.bytes, 50ms, probe.half_close, 50ms);
                section_.attempt("the next one's answer through " + kind.name + " behind " +
                                     printable(probe.name),
                                 [&] { return next_answer_problem(proxy.address()); });
                if (!are_equal_soon(proxy, counts, probe.name))
                    problems.push_back(printable(probe.name) + ": " + settle(counts));
            }
        section_.fault("requests smuggled through " + kind.name, "none", [&]() -> std::string {
            fmt::print("proxy={} passed_on={} answered={} unanswered={}\n", kind.name,
                       counts.passed_on, counts.answered, counts.unanswered);
            if (counts.passed_on == 0) return "nothing was passed on at all";
            return problems.empty() ? "none" : fmt::format("{}", fmt::join(problems, "; "));
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
    struct ProxyCounts {
        std::size_t answered_before;
        std::size_t unanswered = 0;  // of those passed on, because their senders left
        std::size_t passed_on = 0, answered = 0;
    };
    // Either side counts a little behind an answer.
    bool are_equal_soon(const prove::FrontProxy& proxy, ProxyCounts& counts,
                        const std::string& probe) {
        const auto are_equal = [&] {
            return counts.passed_on == counts.answered + counts.unanswered;
        };
        const auto became_equal = [&] {
            counts.passed_on = proxy.requests_passed_on();
            counts.answered = answered() - counts.answered_before;
            return are_equal();
        };
        const bool may_leave = is_left_early(probe);
        if (eventually(became_equal, may_leave ? leaving_max : counting_max)) return true;
        counts.unanswered += may_leave;
        return are_equal();
    }
    static bool is_left_early(const std::string& probe) {
        return std::find(left_early.begin(), left_early.end(), probe) != left_early.end();
    }
    // What differs; it is not held against the next probe.
    static std::string settle(ProxyCounts& counts) {
        const std::string problem =
            fmt::format("{} were passed on, {} answered, {} left early", counts.passed_on,
                        counts.answered, counts.unanswered);
        counts.unanswered = counts.passed_on - counts.answered;  // may wrap, as may the sum
        return problem;
    }

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

    // Noise only makes it worse: one round within the bound shows that the crowd does not.
    void beside(const std::string& what, std::size_t dripping, std::size_t idle) {
        const std::string expected =
            fmt::format("all served, p99 within {} x of alone", p99_ratio_max);
        section_.fault("others beside " + what, expected, [&] {
            std::string seen;
            for (int round = 0; round < crowd_rounds && seen != expected; ++round) {
                const double before = p99(served_in_ms());
                const double crowded = crowded_p99(dripping, idle);
                const double alone = std::max(before, p99(served_in_ms()));
                fmt::print("crowd={} others_p99_ms={:.2f} others_p99_ms_alone={:.2f}\n", what,
                           crowded, alone);
                seen = crowded <= p99_ratio_max * alone
                           ? expected
                           : fmt::format("p99 {:.2f} ms, alone {:.2f} ms", crowded, alone);
            }
            return seen;
        });
    }
    double crowded_p99(std::size_t dripping, std::size_t idle) {
        std::vector<Wire> crowd = connect_crowd(dripping + idle);
        std::jthread drips([&](const std::stop_token& stop) {
            while (dripping > 0 && !stop.stop_requested()) drip(crowd, dripping);
        });
        const std::vector<double> took = served_in_ms();
        if (took.size() < others_requests)
            throw std::runtime_error(fmt::format("{} were served", took.size()));
        return p99(took);
    }
    std::vector<Wire> connect_crowd(std::size_t size) {
        std::vector<Wire> crowd;
        for (std::size_t i = 0; i < size; ++i) {
            crowd.emplace_back(port_of(child_.addresses().ingress));
            if (!crowd.back().connected())
                throw std::runtime_error(fmt::format("connection {} was refused", i));
        }
        if (crowd.back().closed(100ms)) throw std::runtime_error("the last one was turned away");
        return crowd;
    }
    // A byte each in half a second, evenly.
    static void drip(std::vector<Wire>& crowd, std::size_t dripping) {
        for (std::size_t i = 0; i < dripping; ++i) {
            (void)crowd[i].send("P");
            if (i % 10 == 0) std::this_thread::sleep_for(500ms * 10 / dripping);
        }
    }

    // How long each of the others waited that was served.
    std::vector<double> served_in_ms() {
        std::vector<double> took;
        for (std::size_t i = 0; i < others_requests; ++i) {
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
                           "Sends hostile HTTP to both ports, directly and through proxies.",
                           "http_section --seed 7 --seconds 60");
    std::optional<HttpWorld> world;
    section.must("start", [&] {
        world.emplace(section);
        return "";
    });
    if (!world) return section.finish();
    world->probe_all();
    world->floods();
    section.attempt("crowds", [&] {
        world->crowds();
        return "";
    });
    section.attempt("behind a proxy", [&] {
        world->behind_proxies();
        return "";
    });
    while (section.time_left()) world->mutate();
    return section.finish();
}
