// A TLS client that offers exactly what it is told, however old or weak, and says what was agreed.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

struct ssl_st;
struct ssl_ctx_st;
struct ssl_session_st;

namespace tests {

struct TlsOffer {
    int version_min = 0, version_max = 0;                     // as OpenSSL numbers them; 0 = any
    std::string ciphers = "ALL:COMPLEMENTOFALL:@SECLEVEL=0";  // of 1.2 and older
    std::string suites = {};                                  // of 1.3; "" = OpenSSL's own
    std::string groups = {};
    std::string protocols = {};  // as ALPN writes them
    bool is_fallback = false;
    std::shared_ptr<ssl_session_st> session = {};  // to be taken up again
};

struct TlsAgreed {
    std::string refusal;  // "" = agreed; else the alert's or OpenSSL's reason
    std::string version, cipher, protocol, name;
    bool resumed = false;
};

class TlsWire {
public:
    // "https://HOST:PORT" on the loopback; throws when nothing listens, and when this OpenSSL does
    // not get as far as a hello: that would be nobody's refusal.
    TlsWire(const std::string& address, const TlsOffer& offer);
    ~TlsWire();
    TlsWire(const TlsWire&) = delete;
    TlsWire& operator=(const TlsWire&) = delete;

    const TlsAgreed& agreed() const { return agreed_; }
    ssl_st* get() const { return session_.get(); }
    // Sends, and reads as `raw_exchange` does.
    std::string exchange(std::string_view bytes,
                         std::chrono::milliseconds quiet = std::chrono::milliseconds{300});
    // As it is after an exchange: 1.3 tells it behind the handshake.
    std::shared_ptr<ssl_session_st> session_to_resume();

private:
    void note_agreed(int result);

    std::unique_ptr<ssl_ctx_st, void (*)(ssl_ctx_st*)> context_;
    std::unique_ptr<ssl_st, void (*)(ssl_st*)> session_;
    int socket_ = -1;
    bool said_hello_ = false;
    TlsAgreed agreed_;
};

}  // namespace tests
