// The certificate that both ports show, and how strictly TLS is spoken with it: 1.2 and 1.3 only,
// ECDHE with AEAD ciphers only, in our order; no compression, no renegotiation, no client's word
// for HTTP but 1.1. A session can be taken up again for a short while, from a bounded memory: no
// ticket key exists that could open recorded traffic later.
//
// A process with a context ignores SIGPIPE: a peer that went away must not end it.
//
// Errors: invalid_input (a file is missing or unreadable, the key is another certificate's or has a
// passphrase): says which file and what to do. Threads: any.
#pragma once

#include "bus/ids.hpp"

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

struct ssl_ctx_st;

namespace bus::tls {

inline constexpr std::size_t resumable_sessions_max = 4096;
inline constexpr std::chrono::seconds resumable_max{300};

struct CertificateFiles {
    std::filesystem::path certificate;  // PEM: the server's first, then its chain
    std::filesystem::path key;          // PEM, without a passphrase

    bool given() const { return !certificate.empty() || !key.empty(); }
};

// What was read; connections that were begun with it keep it.
struct Certificate {
    std::shared_ptr<ssl_ctx_st> context;
    std::string public_key_pin;  // "sha256//..." as libcurl takes it
    Timestamp expires_at{};
};

class Context {
public:
    static Result<std::unique_ptr<Context>> open(CertificateFiles files);

    // Reads both files again. After an error the certificate that was in use stays in use.
    Result<Done> reload();
    Certificate current() const;

private:
    Context(CertificateFiles files, Certificate certificate);

    const CertificateFiles files_;
    mutable std::mutex mutex_;
    Certificate certificate_;  // guarded by mutex_
};

}  // namespace bus::tls
