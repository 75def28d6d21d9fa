// TLS that the program ends itself: every version, cipher and oddity gets its designed answer on
// both ports, handshakes that stand still are ended, and a ClientHello with any bytes changed costs
// nobody else anything.
#include "tests/prove/other_callers.hpp"
#include "tests/support/child_platform.hpp"
#include "tests/support/http_probes.hpp"
#include "tests/support/test_certificate.hpp"
#include "tests/support/tls_probes.hpp"
#include "tests/support/tls_wire.hpp"
#include "tests/support/wire.hpp"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <sys/resource.h>

#include <optional>
#include <random>

using namespace tests;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t stalled_handshakes = 500;
constexpr std::chrono::seconds handshake_deadline{10};  // as the product has it
constexpr std::chrono::seconds sweep_slack{2};
constexpr std::size_t handshakes_at_once = 8;
constexpr int hellos_between_looks = 50;
const std::string question = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";

void raise_file_limit() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

// As a client of today sends it.
std::string client_hello() {
    const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context{SSL_CTX_new(TLS_client_method()),
                                                               &SSL_CTX_free};
    const std::unique_ptr<SSL, void (*)(SSL*)> session{SSL_new(context.get()), &SSL_free};
    BIO* sent = BIO_new(BIO_s_mem());
    SSL_set_bio(session.get(), BIO_new(BIO_s_mem()), sent);
    (void)SSL_connect(session.get());
    char* bytes = nullptr;
    const long length = BIO_get_mem_data(sent, &bytes);
    return {bytes, static_cast<std::size_t>(length)};
}

class TlsWorld {
public:
    explicit TlsWorld(prove::Section& section) : section_(section), random_(section.seed()) {
        write_certificate(directory_.path() / "cert.pem", directory_.path() / "key.pem",
                          "in.example");
        child_.start();
    }

    void probe_all() {
        for (const bool api : {false, true})
            for (const TlsProbe& probe : tls_probes())
                section_.fault(fmt::format("tls {}: {}", api ? "api" : "ingress", probe.name),
                               probe.expected, [&] { return probe.run(address(api)); });
    }

    void stall_all() {
        for (const bool api : {false, true}) stall(api);
    }

    // The edge's one thread makes all of its port's handshakes; a thread of the API each one.
    void make_handshakes() {
        prove::OtherCaller on_ingress(child_.addresses(), [](ProductClient& client) {
            return client.ingress("GET", "/healthz").status == 200;
        });
        prove::OtherCaller on_api(child_.addresses(), [](ProductClient& client) {
            return client.api("GET", "/healthz").status == 200;
        });
        for (const bool api : {false, true})
            prove::try_beside(
                section_, api ? on_api : on_ingress,
                fmt::format("tls {}: {} at a time who make whole handshakes without end",
                            api ? "api" : "ingress", handshakes_at_once),
                prove::repeated(
                    {handshakes_at_once,
                     [this, api] { return TlsWire(address(api), {}).agreed().refusal.empty(); }}),
                {.handshakes_before = api ? 0 : handshakes_at_once});
    }

    // A few bytes of a hello changed, cut or doubled: an alert, a handshake or a closed connection.
    void mutate() {
        for (int i = 0; i < hellos_between_looks; ++i) {
            std::string hello = hello_;
            for (std::uint64_t n = 1 + random_() % 4; n > 0; --n) change(hello);
            Wire wire(port(random_() % 2 == 0));
            (void)wire.send(hello);
            wire.half_close();
        }
        for (const bool api : {false, true})
            section_.attempt("others are served beside changed hellos",
                             [&] { return served(api) ? std::string{} : "they are not"; });
    }

private:
    const std::string& address(bool api) const {
        return api ? child_.addresses().api : child_.addresses().ingress;
    }
    std::uint16_t port(bool api) const {
        const std::string& text = address(api);
        return static_cast<std::uint16_t>(std::stoi(text.substr(text.rfind(':') + 1)));
    }
    bool served(bool api) const {
        return statuses_in(TlsWire(address(api), {}).exchange(question)) == std::vector{200};
    }

    void stall(bool api) {
        const std::string name = api ? "api" : "ingress";
        std::vector<Wire> crowd;
        const auto began = std::chrono::steady_clock::now();
        for (std::size_t i = 0; i < stalled_handshakes; ++i) {
            crowd.emplace_back(port(api));
            (void)crowd.back().send(hello_.substr(0, random_() % hello_.size()));
        }
        section_.fault(fmt::format("tls {}: others beside {} handshakes that stand still", name,
                                   stalled_handshakes),
                       "10 of 10 served", [&] {
                           int good = 0;
                           for (int i = 0; i < 10; ++i) good += served(api);
                           return fmt::format("{} of 10 served", good);
                       });
        section_.fault(fmt::format("tls {}: handshakes that stand still", name),
                       "all ended by their deadline", [&]() -> std::string {
                           std::size_t open = 0;
                           for (Wire& wire : crowd) {
                               const auto left =
                                   std::chrono::duration_cast<std::chrono::milliseconds>(
                                       began + handshake_deadline + sweep_slack -
                                       std::chrono::steady_clock::now());
                               open += !wire.closed(std::max(left, 1ms));
                           }
                           if (open == 0) return "all ended by their deadline";
                           return fmt::format("{} still open", open);
                       });
    }

    void change(std::string& bytes) {
        const std::size_t at = random_() % bytes.size();
        switch (random_() % 4) {
            case 0:
                bytes[at] = static_cast<char>(random_());
                break;
            case 1:
                bytes.erase(at, 1 + random_() % 8);
                break;
            case 2:
                bytes.insert(at, bytes.substr(at, random_() % 64));
                break;
            default:
                bytes.resize(at);
        }
        if (bytes.empty()) bytes = hello_;
    }

    prove::Section& section_;
    std::mt19937_64 random_;
    TempDirectory directory_;
    ChildPlatform child_{TRIBUTARY_PROGRAM,
                         "",
                         {"--tls-cert", (directory_.path() / "cert.pem").string(), "--tls-key",
                          (directory_.path() / "key.pem").string()}};
    const std::string hello_ = client_hello();
};

}  // namespace

int main(int argc, char** argv) {
    prove::Section section(argc, argv, "Tries what TLS on both ports agrees to and refuses.",
                           "tls_section --seed 7 --seconds 60");
    raise_file_limit();
    std::optional<TlsWorld> world;
    section.must("start", [&] {
        world.emplace(section);
        return "";
    });
    if (!world) return section.finish();
    world->probe_all();
    section.attempt("handshakes", [&] {
        world->make_handshakes();
        return "";
    });
    world->stall_all();
    while (section.time_left()) world->mutate();
    return section.finish();
}
