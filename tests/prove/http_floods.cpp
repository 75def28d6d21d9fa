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
constexpr std::size_t floods_at_once = 8;
constexpr int pipeline_requests = 10'000;
constexpr int unread_pipelines = 100;
constexpr int half_closed = 1'000;
// Again and again, while others are looked at.
constexpr std::size_t pipelines_at_once = 4, half_closed_at_once = 8;
constexpr int repeated_pipeline_requests = 200;
constexpr auto repeated_patience = 30s;
const std::string question = "GET /version HTTP/1.1\r\nHost: x\r\n\r\n";

class Floods {
public:
    Floods(Section& section, const ChildPlatform& child, std::string post_target,
           const OtherCallers& others)
        : section_(section), child_(child), post_target_(std::move(post_target)), others_(others) {}

    void run() {
        for (const bool api : {false, true}) {
            api_ = api;
            floods("bodies without end", bodies());
            floods("heads without end", heads());
            pipelines();
            half_closed_sockets();
        }
    }

private:
    // `head`, then `part` without end, until the answer comes.
    struct Flood {
        std::string what, answer, head, part;
    };

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

    std::string answer_to(const Flood& flood) const {
        Wire wire = connect();
        (void)wire.send(flood.head);
        std::size_t sent = 0;
        bool taken = true;
        for (; taken && sent < endless_bytes; sent += flood.part.size()) {
            taken = wire.send(flood.part);
            if (const WireAnswer answer = wire.receive(taken ? 3ms : 1'000ms); answer.status != 0)
                return fmt::format("{} after {} {} MiB", answer.status,
                                   sent < early_bytes ? "less than" : "more than",
                                   early_bytes >> 20);
        }
        return fmt::format("no answer after {} bytes", sent);
    }
    void try_flood(const Flood& flood) {
        const std::size_t before = resident_bytes();
        std::vector<std::string> seen(floods_at_once);
        {
            std::vector<std::jthread> threads;
            for (std::string& one : seen) threads.emplace_back([&] { one = answer_to(flood); });
        }
        section_.fault(name(fmt::format("{} at a time: {}", floods_at_once, flood.what)),
                       flood.answer + " after less than 8 MiB, memory stays", [&] {
                           for (const std::string& one : seen)
                               if (one != seen.front()) return one;
                           return seen.front() + ", " + growth_since(before);
                       });
    }
    void floods(const std::string& what, const std::vector<Flood>& kinds) {
        for (const Flood& flood : kinds) try_flood(flood);
        std::vector<Load> loads;
        for (std::size_t i = 0; i < floods_at_once; ++i)
            loads.emplace_back([&flood = kinds[i % kinds.size()], this] {
                return answer_to(flood).starts_with(flood.answer);
            });
        beside(fmt::format("{} at a time: {}", floods_at_once, what), repeated(loads));
    }
    void beside(const std::string& what, const Happening& happening) {
        try_beside(section_, api_ ? others_.api : others_.ingress, name(what), happening);
    }

    std::vector<Flood> bodies() const {
        const std::string block(65'536, 'x');
        const std::string coded = api_ ? "411" : "413";
        std::string crumbs;
        for (int i = 0; i < 1'000; ++i) crumbs += "1\r\nx\r\n";
        return {{.what = "1 GB announced and sent",
                 .answer = "413",
                 .head = post("Content-Length: 1073741824\r\n"),
                 .part = block},
                {.what = "1 GB sent in chunks",
                 .answer = coded,
                 .head = post("Transfer-Encoding: chunked\r\n"),
                 .part = "10000\r\n" + block + "\r\n"},
                {.what = "1 GB sent in one chunk",
                 .answer = coded,
                 .head = post("Transfer-Encoding: chunked\r\n") + "40000000\r\n",
                 .part = block},
                {.what = "chunks of one byte without end",
                 .answer = coded,
                 .head = post("Transfer-Encoding: chunked\r\n"),
                 .part = crumbs}};
    }

    static std::vector<Flood> heads() {
        const std::string start = "GET /version HTTP/1.1\r\nHost: x\r\n";
        std::string fields;
        for (int i = 0; i < 1'000; ++i) fields += fmt::format("X-{}: y\r\n", i);
        return {{.what = "a field that never ends",
                 .answer = "431",
                 .head = start + "X: ",
                 .part = std::string(65'536, 'y')},
                {.what = "fields that never end", .answer = "431", .head = start, .part = fields}};
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
        beside(fmt::format("{} pipelines at a time", pipelines_at_once),
               repeated({pipelines_at_once, [this] { return is_pipeline_answered(); }}));
        unread_answers(deep.substr(0, 100'000));
    }
    bool is_pipeline_answered() const {
        std::string questions;
        for (int i = 0; i < repeated_pipeline_requests; ++i) questions += question;
        Wire wire = connect();
        (void)wire.send(questions);
        int answers = 0;
        while (answers < repeated_pipeline_requests &&
               wire.receive(repeated_patience).status == 200)
            ++answers;
        return answers == repeated_pipeline_requests;
    }

    void unread_answers(const std::string& questions) {
        const std::size_t before = resident_bytes();
        std::vector<Wire> unread;
        for (int i = 0; i < unread_pipelines; ++i) {
            unread.push_back(connect());
            (void)unread.back().send(questions);
        }
        std::this_thread::sleep_for(500ms);
        section_.fault(
            name(fmt::format("{} pipelines whose answers nobody reads", unread_pipelines)),
            "others are served, memory stays",
            [&] { return others() + ", " + growth_since(before); });
        beside(fmt::format("{} pipelines whose answers nobody reads", unread_pipelines),
               [](const auto& meanwhile) {
                   meanwhile();
                   return "";
               });
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
        crowd.clear();
        beside("sockets half closed without end",
               repeated({half_closed_at_once, [this] { return is_half_closed_one_ended(); }}));
    }
    bool is_half_closed_one_ended() const {
        Wire wire = connect();
        (void)wire.send(question.substr(0, 20));
        wire.half_close();
        return wire.receive(repeated_patience).status == 400 && wire.closed(repeated_patience);
    }

    std::string others() const {
        Wire wire = connect();
        (void)wire.send(question);
        return wire.receive().status == 200 ? "others are served" : "others are not served";
    }

    Section& section_;
    const ChildPlatform& child_;
    const std::string post_target_;
    const OtherCallers others_;
    bool api_ = false;
};

}  // namespace

void try_floods(Section& section, const ChildPlatform& child, const std::string& post_target,
                const OtherCallers& others) {
    Floods(section, child, post_target, others).run();
}

}  // namespace tests::prove
