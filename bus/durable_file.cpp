#include "bus/durable_file.hpp"

#include "bus/durable_folder.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace bus {
namespace {

namespace fs = std::filesystem;

std::error_code write_synced(const fs::path& file, std::string_view text) {
    const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const bool synced = descriptor >= 0 && write_all(descriptor, text) && ::fsync(descriptor) == 0;
    const std::error_code reason(synced ? 0 : errno, std::generic_category());
    if (descriptor >= 0) ::close(descriptor);
    return reason;
}

Error not_durable(const fs::path& file, const std::error_code& reason) {
    return fail(ErrorCode::unavailable, "{}: {}", file.string(), reason.message());
}

}  // namespace

bool write_all(int descriptor, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(descriptor, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

Result<Done> write_durably(const fs::path& file, std::string_view text) {
    const fs::path beside = file.string() + ".new";
    if (const auto reason = write_synced(beside, text)) return not_durable(beside, reason);
    return rename_durably(beside, file);
}

Result<Done> rename_durably(const fs::path& from, const fs::path& to) {
    std::error_code reason;
    fs::rename(from, to, reason);
    if (reason) return not_durable(from, reason);
    const fs::path whole = fs::absolute(to, reason);
    if (reason) return not_durable(to, reason);
    return sync_names_in(whole.parent_path());
}

}  // namespace bus
