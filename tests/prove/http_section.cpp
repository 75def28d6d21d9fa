// Hostile HTTP against both ports of the running program: every probe gets its designed answer,
// nothing hidden in one request is taken for another, also behind a proxy, and who drips, idles or
// floods does it at nobody else's cost.
#include "tests/prove/front_proxy.hpp"
#include "tests/prove/http_crowds.hpp"
#include "tests/prove/http_floods.hpp"
#include "tests/prove/section.hpp"
#include "tests/support/child_platform.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/http_probes.hpp"
#include "tests/support/sample_webhooks.hpp"
#include "tests/support/tcp_proxy.hpp"
#include "tests/support/wire.hpp"

#include <fmt/ranges.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <random>

using namespace tests;
using namespace std::chrono_literals;

namespace {

constexpr int proxied_rounds = 2;
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
        sender_.emplace(child_.addresses(), [this](auto& client) { return is_taken(client); });
        reader_.emplace(child_.addresses(), [this](auto& client) { return is_read(client); });
        tenant_ = client_->create_tenant("guarded");
        source_ = client_->create_source(tenant_, "interakt", "guarded", "s");
        open_source_ = client_->create_source(tenant_, "interakt", "open", "", unverified);
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

    void floods() { prove::try_floods(section_, child_, source_.path, others()); }

    void crowds() { prove::try_crowds(section_, child_.addresses(), others()); }

    // What a proxy lets through reaches the product as as many requests as the proxy sent.
    void behind_proxies() {
        for (const prove::ProxyKind& kind : prove::proxy_kinds())
            section_.attempt("behind " + kind.name, [&]() -> std::string {
                if (!prove::is_installed(kind)) return kind.program + " is not installed";
                for (const Port port : {Port::ingress, Port::api}) behind(kind, port);
                return {};
            });
    }

    void behind(const prove::ProxyKind& kind, Port port) {
        ProxyCounts counts;
        TcpProxy wire([&](std::string_view said) { counts.heard += answers_in(said); });
        wire.forward_to(port_of(address(port)));
        const prove::FrontProxy proxy(kind, fmt::format("http://127.0.0.1:{}", wire.port()));
        const std::string where = fmt::format("{} to the {}", kind.name, name(port));
        std::vector<std::string> problems;
        for (int round = 0; round < proxied_rounds; ++round)
            for (const HttpProbe& probe : probes(port)) {
                (void)raw_exchange(proxy.address(), probe.bytes, 50ms, probe.half_close, 50ms);
                section_.attempt(
                    "the next one's answer through " + where + " behind " + printable(probe.name),
                    [&] { return next_answer_problem(proxy.address()); });
                if (!are_equal_soon(proxy, counts, probe.name))
                    problems.push_back(printable(probe.name) + ": " + settle(counts));
            }
        section_.fault("requests smuggled through " + where, "none", [&]() -> std::string {
            fmt::print("proxy={} passed_on={} answered={} unanswered={}\n", where, counts.passed_on,
                       counts.answered, counts.unanswered);
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
        std::atomic<std::size_t> heard{0};  // of the product's answers, on their way to the proxy
        std::size_t unanswered = 0;         // of those passed on, because their senders left
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
            counts.answered = counts.heard;
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
        std::string problem = fmt::format("{} were passed on, {} answered, {} left early",
                                          counts.passed_on, counts.answered, counts.unanswered);
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
        if (port == Port::ingress) return http_probes(port, {open_source_.path});
        return http_probes(port, {"/v1/sources", credentials_lines(tenant_)});
    }

    // Somebody's webhook, which is durable before its answer.
    bool is_taken(ProductClient& client) {
        const auto message = interakt_message(fmt::format("m{}", ++messages_), "919800000001",
                                              "hello", "2026-03-01T09:00:00", source_.secret);
        return client.ingress("POST", source_.path, message.headers, message.body).status / 100 ==
               2;
    }
    prove::OtherCallers others() { return {.ingress = *sender_, .api = *reader_}; }
    bool is_read(ProductClient& client) const {
        return client.api("GET", "/v1/conversations", tenant_.headers()).status == 200;
    }

    std::string next_answer_problem(const std::string& proxy) {
        const std::string answer =
            raw_exchange(proxy, "GET /no/such/route HTTP/1.1\r\nHost: x\r\n\r\n", 100ms);
        const auto statuses = statuses_in(answer);
        return statuses == std::vector{404} ? "" : fmt::format("statuses {}", statuses);
    }
    // A head of the product comes in one piece.
    static std::size_t answers_in(std::string_view said) {
        const auto statuses = statuses_in(std::string(said));
        return static_cast<std::size_t>(std::count_if(statuses.begin(), statuses.end(),
                                                      [](int status) { return status >= 200; }));
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
    Source source_, open_source_;
    int messages_ = 0;
    std::optional<prove::OtherCaller> sender_, reader_;
};

}  // namespace

int main(int argc, char** argv) {
    prove::Section section(argc, argv,
                           "Sends hostile HTTP to both ports, directly and through proxies.",
                           "http_section --seed 7 --seconds 60\n"
                           "         http_section --only crowds --seconds 0");
    std::optional<HttpWorld> world;
    section.must("start", [&] {
        world.emplace(section);
        return "";
    });
    if (!world) return section.finish();
    const std::string only = section.flag("--only", "");
    const auto part = [&](const std::string& name, void (HttpWorld::*run)()) {
        if (!only.empty() && only != name) return;
        section.attempt(name, [&] {
            (*world.*run)();
            return "";
        });
    };
    part("probes", &HttpWorld::probe_all);
    part("floods", &HttpWorld::floods);
    part("crowds", &HttpWorld::crowds);
    part("proxies", &HttpWorld::behind_proxies);
    while (section.time_left()) world->mutate();
    return section.finish();
}
