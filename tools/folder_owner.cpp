#include "tools/folder_owner.hpp"

#include "bus/logging.hpp"
#include "tools/backup/durable_files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <map>
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

// What stands in a folder: `entry` of each name that is no folder, `folder` of each folder behind
// its own. Links are not followed, since the owner may put them into the folder while we work.
struct Visitor {
    std::function<void(int at, const char* name, const struct stat& status)> entry;
    std::function<void(int folder)> folder;
    std::function<void()> failed;
};

void walk(const Folder& folder, const Visitor& visitor) {
    if (!folder) return visitor.failed();
    const int at = ::dirfd(folder.get());
    while (const dirent* entry = ::readdir(folder.get())) {
        const char* name = entry->d_name;
        struct stat status {};
        if (std::string_view(name) == "." || std::string_view(name) == "..") continue;
        if (::fstatat(at, name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;  // it went meanwhile
        if (S_ISDIR(status.st_mode))
            walk(opened(::openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)),
                 visitor);
        else
            visitor.entry(at, name, status);
    }
    visitor.folder(at);
}

// A file with a name outside of the folder may be anybody's and is left. Stores and bases share
// tables, which have all of their names inside.
class Giving {
public:
    Giving(const fs::path& folder, uid_t user, gid_t group)
        : folder_(folder), user_(user), group_(group) {}

    std::error_code give() {
        walk_with(
            [this](int, const char*, const struct stat& status) { ++names_[file_of(status)]; },
            [](int) {});
        walk_with(
            [this](int at, const char* name, const struct stat& status) {
                if (status.st_uid != root || status.st_nlink > names_[file_of(status)]) return;
                if (::fchownat(at, name, user_, group_, AT_SYMLINK_NOFOLLOW) != 0) failed();
            },
            [this](int folder) {
                struct stat status {};
                if (::fstat(folder, &status) == 0 && status.st_uid == root &&
                    ::fchown(folder, user_, group_) != 0)
                    failed();
            });
        return reason_;
    }

private:
    using File = std::pair<dev_t, ino_t>;
    static File file_of(const struct stat& status) { return {status.st_dev, status.st_ino}; }

    template <class Entry, class OfFolder>
    void walk_with(Entry entry, OfFolder of_folder) {
        walk(opened(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
             {entry, of_folder, [this] { failed(); }});
    }
    void failed() { reason_.assign(errno, std::generic_category()); }

    const fs::path& folder_;
    const uid_t user_;
    const gid_t group_;
    std::map<File, nlink_t> names_;  // met inside
    std::error_code reason_;         // of the last that could not be given
};

}  // namespace

void give_to_owner_of(const fs::path& like, const fs::path& folder) {
    struct stat owner {};
    if (::geteuid() != root || ::stat(like.c_str(), &owner) != 0 || owner.st_uid == root) return;
    if (const auto reason = Giving(folder, owner.st_uid, owner.st_gid).give())
        bus::logging::warn("owner_not_kept", {{"folder", folder.string()},
                                              {"user", std::to_string(owner.st_uid)},
                                              {"reason", reason.message()}});
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
