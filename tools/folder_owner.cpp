#include "tools/folder_owner.hpp"

#include "bus/logging.hpp"
#include "tools/backup/durable_files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string_view>
#include <system_error>

namespace tools {
namespace {

namespace fs = std::filesystem;

constexpr uid_t root = 0;

struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
};
using Folder = std::unique_ptr<DIR, CloseFolder>;

// Takes over the descriptor.
Folder opened(int descriptor) {
    Folder folder(descriptor < 0 ? nullptr : ::fdopendir(descriptor));
    if (!folder && descriptor >= 0) ::close(descriptor);
    return folder;
}

// The owner may put links into the folder while we work: they are not followed, and a file with a
// second name, which may be anywhere, is left.
class Giving {
public:
    Giving(uid_t user, gid_t group) : user_(user), group_(group) {}

    void give(const Folder& folder) {
        if (!folder) return failed();
        const int at = ::dirfd(folder.get());
        while (const dirent* entry = ::readdir(folder.get())) {
            const std::string_view name = entry->d_name;
            if (name != "." && name != "..") give(at, entry->d_name);
        }
        struct stat status {};
        if (::fstat(at, &status) == 0 && status.st_uid == root && ::fchown(at, user_, group_) != 0)
            failed();
    }
    const std::error_code& reason() const { return reason_; }

private:
    void give(int at, const char* name) {
        struct stat status {};
        if (::fstatat(at, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return;  // it went meanwhile
        if (S_ISDIR(status.st_mode))
            return give(
                opened(::openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)));
        if (status.st_uid != root || status.st_nlink > 1) return;
        if (::fchownat(at, name, user_, group_, AT_SYMLINK_NOFOLLOW) != 0) failed();
    }
    void failed() { reason_.assign(errno, std::generic_category()); }

    const uid_t user_;
    const gid_t group_;
    std::error_code reason_;  // of the last that could not be given
};

}  // namespace

void give_to_owner_of(const fs::path& like, const fs::path& folder) {
    struct stat owner {};
    if (::geteuid() != root || ::stat(like.c_str(), &owner) != 0 || owner.st_uid == root) return;
    Giving giving(owner.st_uid, owner.st_gid);
    giving.give(opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
    if (giving.reason())
        bus::logging::warn("owner_not_kept", {{"folder", folder.string()},
                                              {"user", std::to_string(owner.st_uid)},
                                              {"reason", giving.reason().message()}});
}

bus::Result<std::string> read_kept(const fs::path& file) {
    auto text = read_whole(file);
    if (text || text.error().code == bus::ErrorCode::not_found) return text;
    return bus::fail(text.error().code, "{}{}", text.error().message, missing_right(file));
}

std::string missing_right(const fs::path& file) {
    struct stat status {};
    if (::faccessat(AT_FDCWD, file.c_str(), R_OK, AT_EACCESS) == 0 || errno != EACCES) return {};
    const std::string process = fmt::format("this process is user {}", ::geteuid());
    if (::stat(file.c_str(), &status) != 0)
        return fmt::format("; {}, who may not look into {}", process, file.parent_path().string());
    return fmt::format(
        "; it belongs to user {} with mode {:03o}, {}: give it back as root with chown "
        "--reference={} {} and chmod 600 {}",
        status.st_uid, status.st_mode & 07777, process, file.parent_path().string(), file.string(),
        file.string());
}

}  // namespace tools
