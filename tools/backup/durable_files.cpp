#include "tools/backup/durable_files.hpp"

#include "bus/durable_file.hpp"
#include "bus/durable_folder.hpp"
#include "bus/text.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace tools {
namespace {

namespace fs = std::filesystem;
using bus::Done;
using bus::ErrorCode;
using bus::Result;
using bus::write_all;

constexpr std::size_t piece_bytes = 1u << 20;

bus::Error system_error(const fs::path& file) {
    const auto code = errno == ENOENT ? ErrorCode::not_found : ErrorCode::unavailable;
    return bus::fail(code, "{}: {}", file.string(), std::generic_category().message(errno));
}

class Descriptor {
public:
    Descriptor(const fs::path& file, int flags)
        : fd_(::open(file.c_str(), flags | O_CLOEXEC, 0600)) {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }

private:
    const int fd_;
};

// Visits the first `bytes_max` bytes piece by piece.
template <class Visit>
Result<Hashed> read_pieces(const fs::path& file, std::uint64_t bytes_max, const EachPiece& each,
                           const Visit& visit) {
    const Descriptor from(file, O_RDONLY);
    if (!from) return system_error(file);
    bus::crypto::Sha256Stream hash;
    Hashed hashed;
    std::string piece(piece_bytes, '\0');
    while (hashed.bytes < bytes_max) {
        const std::size_t wanted = std::min<std::uint64_t>(piece_bytes, bytes_max - hashed.bytes);
        const ssize_t n = ::read(from.get(), piece.data(), wanted);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return system_error(file);
        if (n == 0) break;
        const auto bytes = std::string_view(piece).substr(0, static_cast<std::size_t>(n));
        hash.add(bytes);
        if (!visit(bytes)) return system_error(file);
        hashed.bytes += bytes.size();
        if (!each(bytes.size())) return bus::fail(ErrorCode::cancelled, "stopped on request");
    }
    hashed.sha256 = bus::to_hex(bus::crypto::view(hash.end()));
    return hashed;
}

}  // namespace

Result<Done> make_directories(const fs::path& directory) {
    return bus::make_folder_durably(directory);
}

Result<Done> remove_tree(const fs::path& path) {
    std::error_code failed;
    fs::remove_all(path, failed);
    if (failed) return bus::fail(ErrorCode::unavailable, "{}: {}", path.string(), failed.message());
    return Done{};
}

Result<Done> sync_file(const fs::path& file) {
    const Descriptor opened(file, O_RDONLY);
    if (!opened || ::fsync(opened.get()) != 0) return system_error(file);
    return Done{};
}

Result<std::string> read_whole(const fs::path& file) {
    std::string text;
    auto read = read_pieces(
        file, UINT64_MAX, [](std::uint64_t) { return true; },
        [&](std::string_view bytes) {
            text += bytes;
            return true;
        });
    if (!read) return read.error();
    return text;
}

Result<FileStamp> stamp_of(const fs::path& file) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) return system_error(file);
    return FileStamp{.bytes = static_cast<std::uint64_t>(status.st_size),
                     .modified_ns = status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec,
                     .inode = status.st_ino};
}

Result<Hashed> hash_file(const fs::path& file, std::uint64_t bytes_max, const EachPiece& each) {
    return read_pieces(file, bytes_max, each, [](std::string_view) { return true; });
}

Result<Hashed> copy_file(const fs::path& file, const fs::path& to, std::uint64_t bytes_max,
                         std::uint64_t full_bytes, const EachPiece& each) {
    const Descriptor copy(to, O_WRONLY | O_CREAT | O_TRUNC);
    if (!copy) return system_error(to);
    auto copied = read_pieces(file, bytes_max, each,
                              [&](std::string_view bytes) { return write_all(copy.get(), bytes); });
    if (!copied) return copied;
    // Real zeros, not a hole: a journal expects that writing in place needs no new blocks.
    const std::string zeros(piece_bytes, '\0');
    for (std::uint64_t at = copied->bytes; at < full_bytes; at += piece_bytes) {
        const auto piece = std::string_view(zeros).substr(
            0, std::min<std::uint64_t>(piece_bytes, full_bytes - at));
        if (!write_all(copy.get(), piece)) return system_error(to);
    }
    if (::fsync(copy.get()) != 0) return system_error(to);
    return copied;
}

}  // namespace tools
