#include "bus/tls/tls_context.hpp"

#include "bus/logging.hpp"
#include "bus/metrics.hpp"
#include "bus/text.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <array>
#include <csignal>
#include <ctime>

namespace bus::tls {
namespace {

constexpr const char* ciphers_1_2 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* ciphers_1_3 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* groups = "X25519:P-256:P-384";
constexpr std::string_view protocol = "\x08http/1.1";  // as ALPN writes it
constexpr int security_level = 2;                      // no key below 112 bits, no SHA-1
constexpr std::string_view session_scope = "tributary";

std::string openssl_reason() {
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    const char* reason = ERR_reason_error_string(code);
    return reason ? reason : "unknown reason";
}

// Nobody is there to type one; without this OpenSSL would ask the terminal.
int no_passphrase(char*, int, int, void*) {
    return -1;
}

// Who offers protocols and not ours is refused, as RFC 7301 asks.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_length,
                    const unsigned char* offered, unsigned int offered_length, void*) {
    const auto* ours = reinterpret_cast<const unsigned char*>(protocol.data());
    unsigned char* chosen = nullptr;
    if (SSL_select_next_proto(&chosen, out_length, ours, static_cast<unsigned>(protocol.size()),
                              offered, offered_length) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

Result<Done> check_readable(const std::filesystem::path& file, std::string_view flag) {
    if (file.empty())
        return fail(ErrorCode::invalid_input,
                    "{} is missing: --tls-cert and --tls-key are given together", flag);
    std::FILE* opened = std::fopen(file.c_str(), "r");
    if (!opened)
        return fail(ErrorCode::invalid_input, "{} {}: {}", flag, file.string(),
                    std::generic_category().message(errno));
    std::fclose(opened);
    return Done{};
}

void warn_of_open_key(const std::filesystem::path& file) {
    struct stat state {};
    if (::stat(file.c_str(), &state) != 0 || (state.st_mode & S_IROTH) == 0) return;
    logging::warn("tls_key_readable_by_all", {{"file", file.string()}, {"remedy", "chmod o-rwx"}});
}

void be_strict(SSL_CTX* context) {
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_security_level(context, security_level);
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_TICKET);
    BUS_ASSERT(SSL_CTX_set_cipher_list(context, ciphers_1_2) == 1 &&
                   SSL_CTX_set_ciphersuites(context, ciphers_1_3) == 1 &&
                   SSL_CTX_set1_groups_list(context, groups) == 1,
               "this OpenSSL knows the ciphers");
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
    // Writes are given again from another place, with what is left.
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER);
    SSL_CTX_sess_set_cache_size(context, static_cast<long>(resumable_sessions_max));
    SSL_CTX_set_timeout(context, static_cast<long>(resumable_max.count()));
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_session_id_context(context,
                                   reinterpret_cast<const unsigned char*>(session_scope.data()),
                                   static_cast<unsigned>(session_scope.size()));
}

Result<Done> read_files(SSL_CTX* context, const CertificateFiles& files) {
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1)
        return fail(ErrorCode::invalid_input,
                    "--tls-cert {}: {}; it takes PEM, the server's certificate first",
                    files.certificate.string(), openssl_reason());
    if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1)
        return fail(ErrorCode::invalid_input,
                    "--tls-key {}: {}; it takes PEM without a passphrase, the key that {} was "
                    "made for",
                    files.key.string(), openssl_reason(), files.certificate.string());
    return Done{};
}

std::string pin_of(X509* certificate) {
    unsigned char* der = nullptr;
    const int bytes = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    BUS_ASSERT(bytes > 0, "a certificate has a public key");
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int length = 0;
    EVP_Digest(der, static_cast<std::size_t>(bytes), digest.data(), &length, EVP_sha256(), nullptr);
    OPENSSL_free(der);
    return "sha256//" + to_base64({reinterpret_cast<const char*>(digest.data()), length});
}

Timestamp expiry_of(X509* certificate) {
    std::tm until{};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &until) != 1) return {};
    return Timestamp{seconds{::timegm(&until)}};
}

Result<Certificate> load(const CertificateFiles& files) {
    if (auto fine = check_readable(files.certificate, "--tls-cert"); !fine) return fine.error();
    if (auto fine = check_readable(files.key, "--tls-key"); !fine) return fine.error();
    warn_of_open_key(files.key);
    std::shared_ptr<SSL_CTX> context{SSL_CTX_new(TLS_server_method()), &SSL_CTX_free};
    BUS_ASSERT(context, "OpenSSL has memory for a context");
    be_strict(context.get());
    if (auto read = read_files(context.get(), files); !read) return read.error();
    X509* certificate = SSL_CTX_get0_certificate(context.get());
    Certificate loaded{.context = std::move(context),
                       .public_key_pin = pin_of(certificate),
                       .expires_at = expiry_of(certificate)};
    const auto expires_s =
        std::chrono::duration_cast<seconds>(loaded.expires_at.time_since_epoch()).count();
    metrics::gauge("tls_certificate_expires_seconds", "", "When it ends, as Unix time")
        .set(static_cast<double>(expires_s));
    if (expires_s <= ::time(nullptr))
        logging::warn("tls_certificate_expired", {{"file", files.certificate.string()}});
    return loaded;
}

}  // namespace

Context::Context(CertificateFiles files, Certificate certificate)
    : files_(std::move(files)), certificate_(std::move(certificate)) {}

Result<std::unique_ptr<Context>> Context::open(CertificateFiles files) {
    ::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to its sockets as to files
    auto certificate = load(files);
    if (!certificate) return certificate.error();
    return std::unique_ptr<Context>(  // private constructor
        new Context(std::move(files), *std::move(certificate)));
}

Result<Done> Context::reload() {
    auto certificate = load(files_);
    if (!certificate) return certificate.error();
    const std::lock_guard lock(mutex_);
    certificate_ = *std::move(certificate);
    return Done{};
}

Certificate Context::current() const {
    const std::lock_guard lock(mutex_);
    return certificate_;
}

}  // namespace bus::tls
