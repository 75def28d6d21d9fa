// TLS that the program ends itself, on both ports: what is agreed and what is refused, a signed
// webhook and its rows through it, a renewed certificate, and handshakes that never end.
#include "tests/support/child_platform.hpp"
#include "tests/support/http_probes.hpp"
#include "tests/support/program_run.hpp"
#include "tests/support/sample_webhooks.hpp"
#include "tests/support/test_certificate.hpp"
#include "tests/support/tls_probes.hpp"
#include "tests/support/tls_wire.hpp"
#include "tests/support/wire.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <fstream>
#include <thread>

using namespace tests;
using namespace std::chrono_literals;

namespace {

const std::string question = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";

class TlsPlatform {
public:
    TlsPlatform() {
        write_certificate(certificate, key, "first.example");
        child.start();
    }
    std::vector<std::string> addresses() const {
        return {child.addresses().ingress, child.addresses().api};
    }

    TempDirectory directory;
    std::filesystem::path certificate = directory.path() / "cert.pem";
    std::filesystem::path key = directory.path() / "key.pem";
    ChildPlatform child{
        TRIBUTARY_PROGRAM, "", {"--tls-cert", certificate.string(), "--tls-key", key.string()}};
};

std::string name_shown(const std::string& address) {
    return TlsWire(address, {}).agreed().name;
}

bool comes_true(const std::function<bool()>& condition) {
    const auto until = std::chrono::steady_clock::now() + 5s;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(10ms);
    }
    return true;
}

// With the flags given it must end with this text.
void check_refused(const std::vector<std::string>& flags, const std::string& text) {
    TempDirectory directory;
    std::vector<std::string> all{
        TRIBUTARY_PROGRAM, "serve",       "--data",    (directory.path() / "data").string(),
        "--api",           "127.0.0.1:0", "--ingress", "127.0.0.1:0"};
    all.insert(all.end(), flags.begin(), flags.end());
    const ProgramRun run = run_program(all);
    CHECK(run.exit_code > 0);
    CHECK_MESSAGE(run.error.find(text) != std::string::npos, run.error);
}

}  // namespace

TEST_CASE("both TLS ports agree to what they must, and refuse the rest") {
    TlsPlatform platform;
    for (const std::string& address : platform.addresses())
        for (const TlsProbe& probe : tls_probes()) {
            CAPTURE(address);
            CAPTURE(probe.name);
            CHECK(probe.run(address) == probe.expected);
        }
}

TEST_CASE("a signed webhook and its rows go through TLS, and the program's own commands find it") {
    TlsPlatform platform;
    ProductClient client(platform.child.addresses());
    const Tenant tenant = client.create_tenant("shop");
    const Source source = client.create_source(tenant, "interakt", "chat", "s-chat");
    const auto webhook =
        interakt_message("m1", "919811111112", "hi", "2026-03-01T10:00:00", source.secret);
    const auto answer = client.ingress("POST", source.path, webhook.headers, webhook.body);
    REQUIRE(answer.status == 200);
    CHECK(client.list(tenant, "/v1/conversations", header_of(answer, "x-position")).size() == 1);
    const auto forged =
        interakt_message("m2", "919811111112", "hi", "2026-03-01T10:00:00", "wrong");
    CHECK(client.ingress("POST", source.path, forged.headers, forged.body).status == 401);
    const ProgramRun doctor =
        run_program({TRIBUTARY_PROGRAM, "doctor", "--data", platform.child.data().string()});
    CHECK_MESSAGE(doctor.exit_code == 0, doctor.error);
    CHECK(doctor.out.find("api=https://") != std::string::npos);
}

TEST_CASE("who trusts one key only is not answered by another") {
    TlsPlatform platform;
    bus::net::HttpClient client;
    bus::net::ClientRequest request;
    request.url = platform.child.addresses().api + "/healthz";
    CHECK_FALSE(client.call(request));  // nobody vouches for the certificate
    client.trust_only("sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    CHECK_FALSE(client.call(request));
    client.trust_only(platform.child.addresses().public_key_pin);
    CHECK(client.call(request));
}

TEST_CASE("a renewed certificate is shown after SIGHUP, and a broken one changes nothing") {
    TlsPlatform platform;
    TlsWire before(platform.child.addresses().api, {});
    TlsOffer offer;
    {
        TlsWire first(platform.child.addresses().ingress, offer);
        (void)first.exchange(question);
        offer.session = first.session_to_resume();
    }
    write_certificate(platform.certificate, platform.key, "second.example", KeyKind::elliptic);
    for (const std::string& address : platform.addresses())
        CHECK(name_shown(address) == "first.example");
    ::kill(platform.child.process(), SIGHUP);
    for (const std::string& address : platform.addresses())
        CHECK(comes_true([&] { return name_shown(address) == "second.example"; }));
    CHECK(statuses_in(before.exchange(question)) == std::vector{200});  // goes on with what it has
    CHECK_FALSE(TlsWire(platform.child.addresses().ingress, offer).agreed().resumed);
    REQUIRE(platform.child.find_again());  // over the new key
    CHECK(run_program({TRIBUTARY_PROGRAM, "doctor", "--data", platform.child.data().string()})
              .exit_code == 0);

    std::ofstream(platform.key) << "no key";
    ::kill(platform.child.process(), SIGHUP);
    CHECK(comes_true(
        [&] { return platform.child.said().find("tls_certificate_kept") != std::string::npos; }));
    for (const std::string& address : platform.addresses())
        CHECK(name_shown(address) == "second.example");
    CHECK(platform.child.stop() == 0);
}

TEST_CASE("500 handshakes that stand still stop nobody") {
    TlsPlatform platform;
    const std::string half_hello("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03half", 15);
    for (const std::string& address : platform.addresses()) {
        std::vector<Wire> stalled;
        for (int i = 0; i < 500; ++i) {
            stalled.emplace_back(port_of(address));
            REQUIRE(stalled.back().connected());
            (void)stalled.back().send(i % 2 ? half_hello : "");
        }
        for (int i = 0; i < 10; ++i) {
            CAPTURE(address);
            TlsWire wire(address, {});
            CHECK(wire.agreed().refusal == "");
            CHECK(statuses_in(wire.exchange(question, 1s)) == std::vector{200});
        }
    }
}

TEST_CASE("more handshakes at a time than the ingress holds end the oldest, not the newest") {
    TlsPlatform platform;
    const std::string& address = platform.child.addresses().ingress;
    std::vector<Wire> stalled;
    for (int i = 0; i < 1'050; ++i) stalled.emplace_back(port_of(address));
    CHECK(stalled.front().closed());
    CHECK_FALSE(stalled.back().closed(100ms));
    CHECK(statuses_in(TlsWire(address, {}).exchange(question)) == std::vector{200});
}

TEST_CASE("a certificate that cannot be used is said at the start, with what to do") {
    TempDirectory directory;
    const std::string certificate = directory.path() / "cert.pem",
                      key = directory.path() / "key.pem", other = directory.path() / "other.pem",
                      rest = directory.path() / "rest.pem";
    write_certificate(certificate, key, "a.example");
    write_certificate(rest, other, "b.example");
    check_refused({"--tls-cert", certificate}, "given together");
    check_refused({"--tls-key", key}, "given together");
    check_refused({"--tls-cert", "no/such.pem", "--tls-key", key}, "No such file");
    check_refused({"--tls-cert", certificate, "--tls-key", other}, "key values mismatch");
    check_refused({"--tls-cert", key, "--tls-key", key}, "it takes PEM");
    check_refused({"--tls-cert", certificate, "--tls-key", certificate}, "without a passphrase");
}

TEST_CASE("a key that everybody can read is warned of") {
    TlsPlatform platform;
    CHECK(platform.child.said().find("tls_key_readable_by_all") == std::string::npos);
    std::filesystem::permissions(platform.key, std::filesystem::perms::others_read,
                                 std::filesystem::perm_options::add);
    ::kill(platform.child.process(), SIGHUP);
    CHECK(comes_true([&] {
        return platform.child.said().find("tls_key_readable_by_all") != std::string::npos;
    }));
}
