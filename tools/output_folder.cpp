#include "tools/output_folder.hpp"

#include "tools/backup/durable_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <system_error>

namespace tools {
namespace {

namespace fs = std::filesystem;
using bus::Done;
using bus::ErrorCode;
using bus::Result;

// As tools/systemd/tributary.service makes them.
constexpr std::string_view lasting_places =
    "under systemd /var/lib/tributary-backups, and folders in /var/lib/tributary-exports";

bus::Error may_not_write(std::string_view reason) {
    return bus::fail(ErrorCode::unavailable,
                     "{}; the process that writes it is user {}: name a folder where it may write, "
                     "{}",
                     reason, ::geteuid(), lasting_places);
}

}  // namespace

Result<Done> make_output_folder(const fs::path& folder) {
    if (auto made = make_directories(folder); !made) return may_not_write(made.error().message);
    if (::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) == 0) return Done{};
    return may_not_write(
        fmt::format("{}: {}", folder.string(), std::generic_category().message(errno)));
}

Result<Done> must_be_seen_here(const fs::path& folder) {
    std::error_code unknown;
    if (fs::exists(folder, unknown) || unknown) return Done{};
    return bus::fail(
        ErrorCode::conflict,
        "{} was written, but where only the process that serves sees it (a /tmp of its "
        "own, a container), and may go with it: name a folder that both see, {}",
        folder.string(), lasting_places);
}

}  // namespace tools
