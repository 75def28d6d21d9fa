#include "bus/crypto/digest_stream.hpp"

#include <openssl/evp.h>

namespace bus::crypto {
namespace {

void begin(EVP_MD_CTX* context) {
    BUS_ASSERT(EVP_DigestInit_ex2(context, EVP_sha256(), nullptr) == 1, "OpenSSL has SHA-256");
}

}  // namespace

struct Sha256Stream::State {
    State() : context(EVP_MD_CTX_new()) { begin(context); }
    ~State() { EVP_MD_CTX_free(context); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    EVP_MD_CTX* const context;
};

Sha256Stream::Sha256Stream() : state_(std::make_unique<State>()) {}
Sha256Stream::~Sha256Stream() = default;
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;
Sha256Stream& Sha256Stream::operator=(Sha256Stream&&) noexcept = default;

void Sha256Stream::add(std::string_view bytes) {
    BUS_ASSERT(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1,
               "SHA-256 cannot fail on memory");
}

Sha256 Sha256Stream::end() {
    Sha256 digest;
    BUS_ASSERT(EVP_DigestFinal_ex(state_->context, digest.data(), nullptr) == 1,
               "SHA-256 cannot fail on memory");
    begin(state_->context);
    return digest;
}

}  // namespace bus::crypto
