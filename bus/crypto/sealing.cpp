#include "bus/crypto/sealing.hpp"

#include "bus/durable_file.hpp"
#include "bus/text.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace bus::crypto {
namespace {

constexpr std::size_t nonce_bytes = 12;
constexpr std::size_t tag_bytes = 16;
constexpr char sealed_version = 1;

struct FreeContext {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

unsigned char* mutable_bytes(std::string& text, std::size_t at) {
    return reinterpret_cast<unsigned char*>(text.data()) + at;
}
const unsigned char* bytes(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

class File {
public:
    explicit File(int descriptor) : descriptor_(descriptor) {}
    ~File() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    int get() const { return descriptor_; }

private:
    int descriptor_;
};

// 0, or why not all of it was read.
int read_into(Key256& key, int descriptor) {
    for (std::size_t at = 0; at < key.size();) {
        const ssize_t n = ::read(descriptor, key.data() + at, key.size() - at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return n < 0 ? errno : EIO;
        at += static_cast<std::size_t>(n);
    }
    return 0;
}

Result<Key256> read_master_key(const std::filesystem::path& path) {
    File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0)
        return fail(ErrorCode::unavailable, "{}: {}", path.string(), std::strerror(errno));
    struct stat info {};
    if (::fstat(file.get(), &info) != 0)
        return fail(ErrorCode::unavailable, "{}: {}", path.string(), std::strerror(errno));
    if ((info.st_mode & 077) != 0) {
        return fail(ErrorCode::forbidden, "{}: others may read the master key; run chmod 600 on it",
                    path.string());
    }
    Key256 key;
    if (info.st_size != static_cast<off_t>(key.size())) {
        return fail(
            ErrorCode::corrupt,
            "{}: the master key has 32 bytes, this file has {}; restore it from your backup",
            path.string(), info.st_size);
    }
    if (const int reason = read_into(key, file.get()); reason != 0)
        return fail(ErrorCode::unavailable, "{}: {}", path.string(), std::strerror(reason));
    return key;
}

}  // namespace

void random_bytes(void* out, std::size_t count) {
    BUS_ASSERT(RAND_bytes(static_cast<unsigned char*>(out), static_cast<int>(count)) == 1,
               "OpenSSL has random bytes");
}

std::string random_token(std::size_t count) {
    std::string raw(count, '\0');
    random_bytes(raw.data(), raw.size());
    return to_base64url(raw);
}

Key256 random_key() {
    Key256 key;
    random_bytes(key.data(), key.size());
    return key;
}

std::string seal(const Key256& key, std::string_view plain, std::string_view context) {
    std::string out(1 + nonce_bytes + plain.size() + tag_bytes, '\0');
    out[0] = sealed_version;
    random_bytes(out.data() + 1, nonce_bytes);
    const Context cipher{EVP_CIPHER_CTX_new()};
    int length = 0;
    const bool ok =
        EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.data(),
                           mutable_bytes(out, 1)) == 1 &&
        EVP_EncryptUpdate(cipher.get(), nullptr, &length, bytes(context),
                          static_cast<int>(context.size())) == 1 &&
        EVP_EncryptUpdate(cipher.get(), mutable_bytes(out, 1 + nonce_bytes), &length, bytes(plain),
                          static_cast<int>(plain.size())) == 1 &&
        EVP_EncryptFinal_ex(cipher.get(), mutable_bytes(out, 1 + nonce_bytes + plain.size()),
                            &length) == 1 &&
        EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(tag_bytes),
                            mutable_bytes(out, 1 + nonce_bytes + plain.size())) == 1;
    BUS_ASSERT(ok, "AES-256-GCM cannot fail on memory");
    return out;
}

Result<std::string> open(const Key256& key, std::string_view sealed, std::string_view context) {
    const Error refused = fail(
        ErrorCode::corrupt, "a sealed secret does not open: altered, or sealed under another key");
    if (sealed.size() < 1 + nonce_bytes + tag_bytes || sealed[0] != sealed_version) return refused;
    const std::string_view text =
        sealed.substr(1 + nonce_bytes, sealed.size() - 1 - nonce_bytes - tag_bytes);
    std::string tag(sealed.substr(sealed.size() - tag_bytes));
    std::string plain(text.size(), '\0');
    const Context cipher{EVP_CIPHER_CTX_new()};
    int length = 0;
    const bool ok =
        EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.data(),
                           bytes(sealed.substr(1))) == 1 &&
        EVP_DecryptUpdate(cipher.get(), nullptr, &length, bytes(context),
                          static_cast<int>(context.size())) == 1 &&
        EVP_DecryptUpdate(cipher.get(), mutable_bytes(plain, 0), &length, bytes(text),
                          static_cast<int>(text.size())) == 1 &&
        EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(tag_bytes),
                            tag.data()) == 1 &&
        EVP_DecryptFinal_ex(cipher.get(), mutable_bytes(plain, plain.size()), &length) == 1;
    if (!ok) return refused;
    return plain;
}

Result<Key256> load_or_create_master_key(const std::filesystem::path& file) {
    std::error_code failed;
    if (std::filesystem::exists(file, failed) || failed) return read_master_key(file);
    const Key256 key = random_key();
    const std::string_view text(reinterpret_cast<const char*>(key.data()), key.size());
    if (auto written = write_durably(file, text); !written) return written.error();
    return key;
}

}  // namespace bus::crypto
