#include "tests/support/tls_wire.hpp"

#include "tests/support/product_client.hpp"
#include "tests/support/wire.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

namespace tests {
namespace {

constexpr std::chrono::seconds handshake_max{5};

void set_read_timeout(int socket, std::chrono::milliseconds wait) {
    const timeval time{.tv_sec = wait.count() / 1'000,
                       .tv_usec = static_cast<suseconds_t>(wait.count() % 1'000 * 1'000)};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
}

int connected_socket(const std::string& address) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port_of(address));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return socket;
    ::close(socket);
    throw std::runtime_error("nothing listens at " + address);
}

std::string common_name(SSL* session) {
    char name[128] = "";
    if (X509* certificate = SSL_get0_peer_certificate(session))
        X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
                                  sizeof name);
    return name;
}

unsigned some_shared_key(SSL*, const char*, char* identity, unsigned identity_bytes_max,
                         unsigned char* key, unsigned key_bytes_max) {
    constexpr unsigned key_bytes = 16;
    if (key_bytes > key_bytes_max) return 0;
    std::fill_n(key, key_bytes, static_cast<unsigned char>('k'));
    identity[std::string_view("somebody").copy(identity, identity_bytes_max - 1)] = '\0';
    return key_bytes;
}

// OpenSSL offers these only to who has a key or a name to show.
void bring_credentials(const std::string& ciphers, SSL_CTX* context) {
    static char name[] = "somebody", password[] = "something";  // OpenSSL copies them
    if (ciphers.starts_with("PSK-")) SSL_CTX_set_psk_client_callback(context, some_shared_key);
    if (!ciphers.starts_with("SRP-")) return;
    // As SSL_CTX_set_srp_username and _password, which are deprecated.
    SSL_CTX_ctrl(context, SSL_CTRL_SET_TLS_EXT_SRP_USERNAME, 0, name);
    SSL_CTX_ctrl(context, SSL_CTRL_SET_TLS_EXT_SRP_PASSWORD, 0, password);
}

void apply(const TlsOffer& offer, SSL_CTX* context) {
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, offer.version_min);
    SSL_CTX_set_max_proto_version(context, offer.version_max);
    bool known = SSL_CTX_set_cipher_list(context, offer.ciphers.c_str()) == 1;
    if (!offer.suites.empty())
        known &= SSL_CTX_set_ciphersuites(context, offer.suites.c_str()) == 1;
    if (!offer.groups.empty())
        known &= SSL_CTX_set1_groups_list(context, offer.groups.c_str()) == 1;
    if (offer.is_fallback) SSL_CTX_set_mode(context, SSL_MODE_SEND_FALLBACK_SCSV);
    SSL_CTX_set_options(context, SSL_OP_LEGACY_SERVER_CONNECT);
    bring_credentials(offer.ciphers, context);
    if (!known) throw std::runtime_error("this OpenSSL cannot offer " + offer.ciphers);
}

// A client that gives up by itself may send an alert, but no message of a handshake.
void note_hello(int is_sent, int, int type, const void*, std::size_t, SSL*, void* said_hello) {
    if (is_sent != 0 && type == SSL3_RT_HANDSHAKE) *static_cast<bool*>(said_hello) = true;
}

}  // namespace

TlsWire::TlsWire(const std::string& address, const TlsOffer& offer)
    : context_(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free), session_(nullptr, &SSL_free) {
    apply(offer, context_.get());
    session_.reset(SSL_new(context_.get()));
    if (!offer.protocols.empty())
        SSL_set_alpn_protos(session_.get(),
                            reinterpret_cast<const unsigned char*>(offer.protocols.data()),
                            static_cast<unsigned>(offer.protocols.size()));
    if (offer.session) SSL_set_session(session_.get(), offer.session.get());
    socket_ = connected_socket(address);
    set_read_timeout(socket_, handshake_max);
    SSL_set_fd(session_.get(), socket_);
    SSL_set_msg_callback(session_.get(), note_hello);
    SSL_set_msg_callback_arg(session_.get(), &said_hello_);
    ERR_clear_error();
    note_agreed(SSL_connect(session_.get()));
}

TlsWire::~TlsWire() {
    session_.reset();
    ::close(socket_);
}

void TlsWire::note_agreed(int result) {
    if (result != 1) {
        const char* reason = ERR_reason_error_string(ERR_peek_last_error());
        agreed_.refusal = reason ? reason : "closed or quiet";
        if (said_hello_) return;
        ::close(socket_);
        throw std::runtime_error("the client itself cannot offer this: " + agreed_.refusal);
    }
    agreed_.version = SSL_get_version(session_.get());
    agreed_.cipher = SSL_get_cipher_name(session_.get());
    agreed_.name = common_name(session_.get());
    agreed_.resumed = SSL_session_reused(session_.get()) == 1;
    const unsigned char* protocol = nullptr;
    unsigned length = 0;
    SSL_get0_alpn_selected(session_.get(), &protocol, &length);
    if (protocol) agreed_.protocol.assign(reinterpret_cast<const char*>(protocol), length);
}

std::string TlsWire::exchange(std::string_view bytes, std::chrono::milliseconds quiet) {
    if (!agreed_.refusal.empty()) return {};
    set_read_timeout(socket_, first_byte_max);
    while (!bytes.empty()) {
        std::size_t sent = 0;
        if (SSL_write_ex(session_.get(), bytes.data(), bytes.size(), &sent) != 1) break;
        bytes.remove_prefix(sent);
    }
    std::string answer;
    char part[16'384];
    for (std::size_t got = 0; SSL_read_ex(session_.get(), part, sizeof part, &got) == 1;) {
        answer.append(part, got);
        set_read_timeout(socket_, quiet);
    }
    return answer;
}

std::shared_ptr<ssl_session_st> TlsWire::session_to_resume() {
    SSL_shutdown(session_.get());
    return {SSL_get1_session(session_.get()), &SSL_SESSION_free};
}

}  // namespace tests
