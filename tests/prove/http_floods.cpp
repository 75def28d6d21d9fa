#include "tests/prove/http_floods.hpp"

#include "tests/support/http_probes.hpp"
#include "tests/support/wire.hpp"

#include <fmt/format.h>

#include <fstream>
#include <thread>

namespace tests::prove {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t endless_bytes = std::size_t{1} << 30;
constexpr std::size_t early_bytes = 8 << 20;        // refused before that much was sent
constexpr std::size_t growth_bytes_max = 64 << 20;  // of the program, by all floods of one kind
constexpr int floods_at_once = 8;
constexpr int pipeline_requests = 10'000;
constexpr int unread_pipelines = 100;
constexpr int half_closed = 1'000;
const std::string question = "GET /version HTTP/1.1\r\nHost: x\r\n\r\n";

class Floods {
public:
    Floods(Section& section, const ChildPlatform& child, std::string post_target)
        : section_(section), child_(child), post_target_(std::move(post_target)) {}

    void run() {
        for (const bool api : {false, true}) {
            api_ = api;
            bodies();
            heads();
            pipelines();
            half_closed_sockets();
        }
    }

private:
    std::string name(const std::string& what) const {
        return fmt::format("{}: {}", api_ ? "api" : "ingress", what);
    }
    const std::string& address() const {
        return api_ ? child_.addresses().api : child_.addresses().ingress;
    }
    Wire connect() const {
        return Wire(
            static_cast<std::uint16_t>(std::stoi(address().substr(address().rfind(':') + 1))));
    }
    std::string post(const std::string& headers) const {
        return "POST " + (api_ ? "/v1/sources" : post_target_) + " HTTP/1.1\r\nHost: x\r\n" +
               headers + "\r\n";
    }

    std::size_t resident_bytes() const {
        std::ifstream status(fmt::format("/proc/{}/status", child_.process()));
        for (std::string line; std::getline(status, line);)
            if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6)) * 1'024;
        throw std::runtime_error("the program is gone");
    }
    std::string growth_since(std::size_t before) const {
        const std::size_t now = resident_bytes();
        const std::size_t growth = now > before ? now - before : 0;
        fmt::print("flood_growth_mib={}\n", growth >> 20);
        if (growth <= growth_bytes_max) return "memory stays";
        return fmt::format("{} MiB more memory", growth >> 20);
    }

    // Sends `head`, then `part` without end, until an answer comes.
    std::string flood(const std::string& head, const std::string& part) const {
        Wire wire = connect();
        (void)wire.send(head);
        std::size_t sent = 0;
        bool taken = true;
        for (; taken && sent < endless_bytes; sent += part.size()) {
            taken = wire.send(part);
            if (const WireAnswer answer = wire.receive(taken ? 3ms : 1'000ms); answer.status != 0)
                return fmt::format("{} after {} {} MiB", answer.status,
                                   sent < early_bytes ? "less than" : "more than",
                                   early_bytes >> 20);
        }
        return fmt::format("no answer after {} bytes", sent);
    }
    void floods(const std::string& what, const std::string& expected, const std::string& head,
                const std::string& part) {
        const std::size_t before = resident_bytes();
        std::vector<std::string> seen(floods_at_once);
        {
            std::vector<std::jthread> threads;
            for (std::string& one : seen) threads.emplace_back([&] { one = flood(head, part); });
        }
        section_.fault(name(fmt::format("{} at a time: {}", floods_at_once, what)),
                       expected + " after less than 8 MiB, memory stays", [&] {
                           for (const std::string& one : seen)
                               if (one != seen.front()) return one;
                           return seen.front() + ", " + growth_since(before);
                       });
    }

    void bodies() {
        const std::string block(65'536, 'x');
        floods("1 GB announced and sent", "413", post("Content-Length: 1073741824\r\n"), block);
        floods("1 GB sent in chunks", api_ ? "411" : "413", post("Transfer-Encoding: chunked\r\n"),
               "10000\r\n" + block + "\r\n");
        floods("1 GB sent in one chunk", api_ ? "411" : "413",
               post("Transfer-Encoding: chunked\r\n") + "40000000\r\n", block);
        std::string crumbs;
        for (int i = 0; i < 1'000; ++i) crumbs += "1\r\nx\r\n";
        floods("chunks of one byte without end", api_ ? "411" : "413",
               post("Transfer-Encoding: chunked\r\n"), crumbs);
    }

    void heads() {
        const std::string start = "GET /version HTTP/1.1\r\nHost: x\r\n";
        std::string fields;
        for (int i = 0; i < 1'000; ++i) fields += fmt::format("X-{}: y\r\n", i);
        floods("a field that never ends", "431", start + "X: ", std::string(65'536, 'y'));
        floods("fields that never end", "431", start, fields);
    }

    void pipelines() {
        std::string deep;
        for (int i = 0; i < pipeline_requests; ++i) deep += question;
        section_.fault(name(fmt::format("{} requests in one piece", pipeline_requests)),
                       fmt::format("{} answers", pipeline_requests), [&] {
                           Wire wire = connect();
                           std::jthread sending([&] { (void)wire.send(deep); });
                           int answers = 0;
                           while (wire.receive(2s).status == 200) ++answers;
                           return fmt::format("{} answers", answers);
                       });
        const std::size_t before = resident_bytes();
        std::vector<Wire> unread;
        for (int i = 0; i < unread_pipelines; ++i) {
            unread.push_back(connect());
            (void)unread.back().send(deep.substr(0, 100'000));
        }
        std::this_thread::sleep_for(500ms);
        section_.fault(
            name(fmt::format("{} pipelines whose answers nobody reads", unread_pipelines)),
            "others are served, memory stays",
            [&] { return others() + ", " + growth_since(before); });
    }

    void half_closed_sockets() {
        section_.fault(name("a request, then half closed"), "answered, closed", [&] {
            Wire wire = connect();
            (void)wire.send(question);
            wire.half_close();
            const bool answered = wire.receive().status == 200;
            return std::string(answered ? "answered" : "not answered") +
                   (wire.closed() ? ", closed" : ", open");
        });
        std::vector<Wire> crowd;
        for (int i = 0; i < half_closed; ++i) {
            crowd.push_back(connect());
            (void)crowd.back().send(i % 2 ? question.substr(0, 20) : "");
            crowd.back().half_close();
        }
        section_.fault(name(fmt::format("{} sockets half closed too soon", half_closed)),
                       "all closed, others are served", [&] {
                           int open = 0;
                           for (Wire& wire : crowd) {
                               (void)wire.receive(5s);  // 400 to those that began
                               open += !wire.closed();
                           }
                           return (open == 0 ? "all closed" : fmt::format("{} open", open)) + ", " +
                                  others();
                       });
    }

    std::string others() const {
        Wire wire = connect();
        (void)wire.send(question);
        return wire.receive().status == 200 ? "others are served" : "others are not served";
    }

    Section& section_;
    const ChildPlatform& child_;
    const std::string post_target_;
    bool api_ = false;
};

}  // namespace

void try_floods(Section& section, const ChildPlatform& child, const std::string& post_target) {
    section.attempt("floods", [&] {
        Floods(section, child, post_target).run();
        return "";
    });
}

}  // namespace tests::prove
