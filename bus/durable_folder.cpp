#include "bus/durable_folder.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace bus {
namespace {

namespace fs = std::filesystem;

Error not_made(const fs::path& folder, std::string_view reason) {
    return fail(ErrorCode::unavailable, "make folder {}: {}", folder.string(), reason);
}

}  // namespace

Result<Done> make_folder_durably(const fs::path& folder) {
    std::error_code failed;
    fs::path whole = fs::absolute(folder, failed).lexically_normal();
    if (!whole.has_filename()) whole = whole.parent_path();  // "a/b/"
    if (failed) return not_made(folder, failed.message());
    const bool was_there = fs::is_directory(whole, failed);
    if (!was_there && whole.has_relative_path()) {
        if (auto above = make_folder_durably(whole.parent_path()); !above) return above;
        fs::create_directory(whole, failed);
        if (failed) return not_made(whole, failed.message());
    }
    const auto synced = sync_names_in(whole.parent_path());
    if (!synced && !was_there) return not_made(whole, synced.error().message);
    return Done{};
}

Result<Done> sync_names_in(const fs::path& folder) {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
    const std::error_code reason(synced ? 0 : errno, std::generic_category());
    if (descriptor >= 0) ::close(descriptor);
    if (synced) return Done{};
    return fail(ErrorCode::unavailable, "{}: {}", folder.string(), reason.message());
}

}  // namespace bus
