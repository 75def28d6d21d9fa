#include "tests/support/test_certificate.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cstdio>
#include <memory>
#include <stdexcept>

namespace tests {
namespace {

constexpr long valid_s = 3'600;

struct File {
    explicit File(const std::filesystem::path& path) : file(std::fopen(path.c_str(), "w")) {
        if (!file) throw std::runtime_error("cannot write " + path.string());
    }
    ~File() { std::fclose(file); }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    std::FILE* file;
};

}  // namespace

void write_certificate(const std::filesystem::path& certificate, const std::filesystem::path& key,
                       const std::string& name, KeyKind kind) {
    const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> pair{
        kind == KeyKind::rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"), &EVP_PKEY_free};
    const std::unique_ptr<X509, void (*)(X509*)> made{X509_new(), &X509_free};
    X509_set_version(made.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -60);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), valid_s);
    X509_set_pubkey(made.get(), pair.get());
    X509_NAME* subject = X509_get_subject_name(made.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(made.get(), subject);
    if (X509_sign(made.get(), pair.get(), EVP_sha256()) == 0)
        throw std::runtime_error("the certificate is not signed");
    PEM_write_X509(File(certificate).file, made.get());
    PEM_write_PrivateKey(File(key).file, pair.get(), nullptr, nullptr, 0, nullptr, nullptr);
    ::chmod(key.c_str(), 0600);
}

}  // namespace tests
