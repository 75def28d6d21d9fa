#include "tests/support/tls_probes.hpp"

#include "tests/support/http_probes.hpp"
#include "tests/support/product_client.hpp"
#include "tests/support/tls_wire.hpp"

#include <openssl/ssl.h>

namespace tests {
namespace {

using namespace std::chrono_literals;

const std::string question = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
const std::string refused = "refused", no_answer = "no answer", served = "served";

std::string outcome(const TlsOffer& offer, const std::string& address,
                    const std::function<std::string(const TlsAgreed&)>& told) {
    const TlsWire wire(address, offer);
    return wire.agreed().refusal.empty() ? told(wire.agreed()) : refused;
}

class ProbeList {
public:
    std::vector<TlsProbe> all() {
        add_versions();
        add_weak_ciphers();
        add_good_ciphers();
        add_preferences();
        add_protocols();
        add_conversations();
        add_resumption();
        add_no_handshakes();
        return std::move(probes_);
    }

private:
    using Told = std::function<std::string(const TlsAgreed&)>;

    void add(std::string name, std::string expected,
             std::function<std::string(const std::string&)> run) {
        probes_.push_back({std::move(name), std::move(expected), std::move(run)});
    }
    void offered(std::string name, std::string expected, TlsOffer offer, Told told) {
        add(std::move(name), std::move(expected),
            [offer = std::move(offer), told = std::move(told)](const std::string& address) {
                return outcome(offer, address, told);
            });
    }
    static TlsOffer exactly(int version) {
        return {.version_min = version, .version_max = version};
    }

    void add_versions() {
        const Told version = [](const TlsAgreed& agreed) { return agreed.version; };
        offered("TLS 1.0", refused, exactly(TLS1_VERSION), version);
        offered("TLS 1.1", refused, exactly(TLS1_1_VERSION), version);
        offered("TLS 1.2", "TLSv1.2", exactly(TLS1_2_VERSION), version);
        offered("TLS 1.3", "TLSv1.3", exactly(TLS1_3_VERSION), version);
        offered("every version", "TLSv1.3", {}, version);
        TlsOffer fallback = exactly(TLS1_2_VERSION);
        fallback.is_fallback = true;
        offered("a fallback to 1.2 by who could speak 1.3", refused, fallback, version);
    }

    // Without forward secrecy, without authentication, without AEAD, or without encryption.
    void add_weak_ciphers() {
        for (const std::string cipher : {"AES128-SHA",
                                         "AES256-SHA",
                                         "AES128-SHA256",
                                         "AES256-SHA256",
                                         "AES128-GCM-SHA256",
                                         "AES256-GCM-SHA384",
                                         "AES128-CCM",
                                         "CAMELLIA128-SHA",
                                         "ARIA128-GCM-SHA256",
                                         "NULL-SHA",
                                         "NULL-SHA256",
                                         "ECDHE-RSA-NULL-SHA",
                                         "ECDHE-RSA-AES128-SHA",
                                         "ECDHE-RSA-AES256-SHA",
                                         "ECDHE-RSA-AES128-SHA256",
                                         "ECDHE-RSA-AES256-SHA384",
                                         "ECDHE-RSA-CAMELLIA128-SHA256",
                                         "ECDHE-ARIA128-GCM-SHA256",
                                         "DHE-RSA-AES128-SHA",
                                         "DHE-RSA-AES128-GCM-SHA256",
                                         "DHE-RSA-AES256-GCM-SHA384",
                                         "DHE-RSA-CHACHA20-POLY1305",
                                         "ADH-AES128-GCM-SHA256",
                                         "AECDH-AES128-SHA",
                                         "AECDH-NULL-SHA",
                                         "PSK-AES128-GCM-SHA256",
                                         "SRP-RSA-AES-128-CBC-SHA"}) {
            TlsOffer offer = exactly(TLS1_2_VERSION);
            offer.ciphers = cipher + ":@SECLEVEL=0";
            offered("cipher " + cipher, refused, offer,
                    [](const TlsAgreed& agreed) { return agreed.cipher; });
        }
        TlsOffer ccm = exactly(TLS1_3_VERSION);
        ccm.suites = "TLS_AES_128_CCM_8_SHA256:TLS_AES_128_CCM_SHA256";
        offered("cipher TLS_AES_128_CCM_SHA256", refused, ccm,
                [](const TlsAgreed& agreed) { return agreed.cipher; });
        TlsOffer curve = exactly(TLS1_2_VERSION);
        curve.groups = "P-521";
        curve.ciphers = "ECDHE-RSA-AES128-GCM-SHA256";
        offered("a group that is not ours", refused, curve,
                [](const TlsAgreed& agreed) { return agreed.cipher; });
    }

    void add_good_ciphers() {
        for (const std::string cipher :
             {"ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384",
              "ECDHE-RSA-CHACHA20-POLY1305"}) {
            TlsOffer offer = exactly(TLS1_2_VERSION);
            offer.ciphers = cipher;
            offered("cipher " + cipher, cipher, offer,
                    [](const TlsAgreed& agreed) { return agreed.cipher; });
        }
        for (const std::string cipher :
             {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}) {
            TlsOffer offer = exactly(TLS1_3_VERSION);
            offer.suites = cipher;
            offered("cipher " + cipher, cipher, offer,
                    [](const TlsAgreed& agreed) { return agreed.cipher; });
        }
    }

    void add_preferences() {
        const Told cipher = [](const TlsAgreed& agreed) { return agreed.cipher; };
        TlsOffer older = exactly(TLS1_2_VERSION);
        older.ciphers =
            "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256";
        offered("our order of ciphers in 1.2", "ECDHE-RSA-AES128-GCM-SHA256", older, cipher);
        TlsOffer newer = exactly(TLS1_3_VERSION);
        newer.suites = "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256";
        offered("our order of ciphers in 1.3", "TLS_AES_128_GCM_SHA256", newer, cipher);
    }

    void add_protocols() {
        const Told protocol = [](const TlsAgreed& agreed) { return agreed.protocol; };
        offered("no protocols offered", "", {}, protocol);
        offered("ALPN h2, http/1.1", "http/1.1", {.protocols = "\x02h2\x08http/1.1"}, protocol);
        offered("ALPN h2 alone", refused, {.protocols = "\x02h2"}, protocol);
        offered("ALPN of nonsense", refused, {.protocols = "\x03\xff\xfe\xfd"}, protocol);
    }

    void add_conversations() {
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            const std::string name = version == TLS1_2_VERSION ? " in 1.2" : " in 1.3";
            add("a request" + name, "[200]", [=](const std::string& address) {
                TlsWire wire(address, exactly(version));
                return seen_statuses(wire.exchange(question));
            });
            add("100 requests in one piece" + name, "100 answers", [=](const std::string& address) {
                std::string pipeline;
                for (int i = 0; i < 100; ++i) pipeline += question;
                TlsWire wire(address, exactly(version));
                return std::to_string(statuses_in(wire.exchange(pipeline, 700ms)).size()) +
                       " answers";
            });
            add("a head in records of one byte" + name, "[200]", [=](const std::string& address) {
                TlsWire wire(address, exactly(version));
                for (const char c : question.substr(0, question.size() - 1))
                    if (SSL_write(wire.get(), &c, 1) != 1) return no_answer;
                return seen_statuses(wire.exchange(question.substr(question.size() - 1)));
            });
        }
        add("a renegotiation", refused, [](const std::string& address) {
            TlsWire wire(address, exactly(TLS1_2_VERSION));
            SSL_renegotiate(wire.get());
            return SSL_do_handshake(wire.get()) == 1 ? "renegotiated" : refused;
        });
        add("new keys in the middle", "[200]", [](const std::string& address) {
            TlsWire wire(address, exactly(TLS1_3_VERSION));
            SSL_key_update(wire.get(), SSL_KEY_UPDATE_REQUESTED);
            return seen_statuses(wire.exchange(question));
        });
        add("compression, an old renegotiation, a weak master secret", "none",
            [](const std::string& address) -> std::string {
                const TlsWire wire(address, exactly(TLS1_2_VERSION));
                if (SSL_get_current_compression(wire.get())) return "compresses";
                if (SSL_get_secure_renegotiation_support(wire.get()) != 1)
                    return "old renegotiation";
                return SSL_get_extms_support(wire.get()) == 1 ? "none" : "weak master secret";
            });
        add("the peer ends its half behind a request", "[200]", [](const std::string& address) {
            TlsWire wire(address, {});
            (void)SSL_write(wire.get(), question.data(), static_cast<int>(question.size()));
            SSL_shutdown(wire.get());
            return seen_statuses(wire.exchange({}));
        });
    }

    void add_resumption() {
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
            add(version == TLS1_2_VERSION ? "a session taken up again in 1.2"
                                          : "a session taken up again in 1.3",
                "resumed, without early data", [=](const std::string& address) -> std::string {
                    TlsOffer offer = exactly(version);
                    {
                        TlsWire first(address, offer);
                        (void)first.exchange(question);
                        offer.session = first.session_to_resume();
                    }
                    if (SSL_SESSION_get_max_early_data(offer.session.get()) != 0)
                        return "early data";
                    const TlsWire second(address, offer);
                    return second.agreed().resumed ? "resumed, without early data" : "begun anew";
                });
    }

    // Bytes on a plain socket.
    void add_no_handshakes() {
        const auto raw = [&](std::string name, std::string bytes, std::string expected) {
            add(std::move(name), std::move(expected), [bytes](const std::string& address) {
                const std::string answer = raw_exchange(address, bytes, 1'000ms, true);
                if (!statuses_in(answer).empty()) return seen_statuses(answer);
                return answer.empty() || answer[0] == '\x15' ? no_answer : "bytes";  // or an alert
            });
        };
        raw("plain HTTP", question, "[400]");
        raw("plain HTTP, a POST",
            "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", "[400]");
        raw("the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "[400]");
        raw("nothing", "", no_answer);
        raw("one byte of a record", "\x16", no_answer);
        raw("a NUL", std::string(1, '\0'), no_answer);
        raw("1 MiB of 0xff", std::string(1 << 20, '\xff'), no_answer);
        raw("a record that is no handshake", std::string("\x16\x03\x01\0\x05hello", 10), no_answer);
        raw("a record of 65,535 bytes", std::string("\x16\x03\x01\xff\xff", 5) + question,
            no_answer);
        raw("a handshake of 16 MB", std::string("\x16\x03\x01\0\x04\x01\xff\xff\xff", 9),
            no_answer);
        raw("data before the handshake", std::string("\x17\x03\x03\0\x03", 5) + "GET", no_answer);
        raw("an alert first", std::string("\x15\x03\x01\0\x02\x02\x28", 7), no_answer);
        raw("1,000 alerts first", thousandfold(std::string("\x15\x03\x01\0\x02\x01\0", 7)),
            no_answer);
        raw("a heartbeat first", std::string("\x18\x03\x02\0\x03\x01\x40\0", 8), no_answer);
        raw("an SSLv3 hello", old_hello('\0'), no_answer);
        raw("a TLS 1.0 hello cut in the middle", old_hello('\x01').substr(0, 20), no_answer);
        raw("an SSLv2 hello",
            std::string("\x80\x2e\x01\0\x02\0\x15\0\0\0\x10\x01\0\x80\x02\0\x80\x03\0\x80", 20) +
                std::string(28, 'x'),
            no_answer);
    }
    static std::string thousandfold(const std::string& text) {
        std::string out;
        for (int i = 0; i < 1'000; ++i) out += text;
        return out;
    }
    // A whole ClientHello without extensions, with one RSA cipher.
    static std::string old_hello(char minor) {
        std::string hello = std::string("\x03", 1) + minor + std::string(32, 'r');
        hello += std::string("\0\0\x02\0\x2f\x01\0", 7);  // session, ciphers, compression
        std::string message = std::string("\x01\0\0", 3) + static_cast<char>(hello.size()) + hello;
        return std::string("\x16\x03", 2) + minor + '\0' + static_cast<char>(message.size()) +
               message;
    }
    static std::string seen_statuses(const std::string& answer) {
        std::string out;
        for (const int status : statuses_in(answer))
            out += (out.empty() ? "[" : ", ") + std::to_string(status);
        return out.empty() ? no_answer : out + "]";
    }

    std::vector<TlsProbe> probes_;
};

}  // namespace

std::vector<TlsProbe> tls_probes() {
    return ProbeList().all();
}

}  // namespace tests
