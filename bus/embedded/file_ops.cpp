#include "bus/embedded/file_ops.hpp"

#include "bus/durable_folder.hpp"
#include "bus/embedded/resting_files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <mutex>
#include <system_error>

namespace bus::embedded {
namespace {

Error system_error(std::string_view what, const std::filesystem::path& path) {
    return fail(ErrorCode::unavailable, "{} {}: {}", what, path.string(),
                std::generic_category().message(errno));
}

class Descriptor {
public:
    explicit Descriptor(int fd = -1) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }

private:
    int fd_;
};

// Past the page cache where the file system allows: a commit then costs two thirds of the CPU.
Descriptor open_for_writing(const std::filesystem::path& path, int flags) {
    Descriptor direct(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_DIRECT | flags, 0640));
    if (direct || errno != EINVAL) return direct;
    return Descriptor(::open(path.c_str(), O_WRONLY | O_CLOEXEC | flags, 0640));
}

Result<Done> write_all(int fd, std::uint64_t offset, std::string_view bytes,
                       const std::filesystem::path& path) {
    while (!bytes.empty()) {
        const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return system_error("write", path);
        offset += static_cast<std::uint64_t>(n);
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return Done{};
}

// Both are open, or none.
struct Descriptors {
    Descriptor writing{}, reading{};
    struct stat status {};
};
using DescriptorsPtr = std::shared_ptr<const Descriptors>;  // with who reads while it is closed

Result<DescriptorsPtr> open_descriptors(const std::filesystem::path& path) {
    Descriptors opened;
    opened.writing = open_for_writing(path, 0);
    if (!opened.writing) return system_error("open", path);
    opened.reading = Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!opened.reading) return system_error("open", path);
    if (::fstat(opened.reading.get(), &opened.status) != 0) return system_error("stat", path);
    return DescriptorsPtr(std::make_shared<Descriptors>(std::move(opened)));
}

// Of the process: with two descriptors each, at most half of what it may have.
std::size_t resting_files_open_max() {
    constexpr std::size_t enough = 1'024;
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return enough;
    return std::min<std::size_t>(enough, limit.rlim_cur / 4);
}

RestingFiles& resting_files() {
    static RestingFiles files{resting_files_open_max()};
    return files;
}

class RealFile final : public File, private RestingFiles::Member {
public:
    RealFile(DescriptorsPtr opened, std::filesystem::path path)
        : device_(opened->status.st_dev),
          inode_(opened->status.st_ino),
          size_(static_cast<std::uint64_t>(opened->status.st_size)),
          path_(std::move(path)),
          open_(std::move(opened)) {}
    ~RealFile() override { resting_files().leave(*this); }

    Result<Done> write_at(std::uint64_t offset, std::string_view bytes) override {
        auto file = open_now();
        if (!file) return file.error();
        set_unsynced(*file);
        return write_all((*file)->writing.get(), offset, bytes, path_);
    }
    // By the descriptor that was written through: an error is told to that one.
    Result<Done> sync() override {
        const DescriptorsPtr written = unsynced();
        auto file = written ? Result<DescriptorsPtr>(written) : open_now();
        if (!file) return file.error();
        if (::fdatasync((*file)->writing.get()) != 0) return system_error("sync", path_);
        was_synced(*file);
        return Done{};
    }
    Result<std::size_t> read_at(std::uint64_t offset, char* into, std::size_t bytes) override {
        auto file = open_now();
        if (!file) return file.error();
        std::size_t total = 0;
        while (total < bytes) {
            const ssize_t n = ::pread((*file)->reading.get(), into + total, bytes - total,
                                      static_cast<off_t>(offset + total));
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) return system_error("read", path_);
            if (n == 0) break;
            total += static_cast<std::size_t>(n);
        }
        return total;
    }
    void will_read(std::uint64_t offset, std::uint64_t bytes) override {
        if (auto file = open_now())
            ::posix_fadvise((*file)->reading.get(), static_cast<off_t>(offset),
                            static_cast<off_t>(bytes), POSIX_FADV_WILLNEED);
    }
    std::uint64_t size() const override { return size_; }

    void rest(const std::filesystem::path& name) override {
        if (rests() || !has_name_) return;
        if (path_ != name) path_ = name;
        resting_files().join(*this);
        if (!has_name_) resting_files().leave(*this);  // it lost it meanwhile
    }
    Result<Done> stay_open() override {
        resting_files().leave(*this);
        auto file = open_now();
        if (!file) return file.error();
        return Done{};
    }
    Result<Done> lose_name() override {
        has_name_ = false;
        return stay_open();
    }

private:
    void close() override {
        const std::lock_guard lock(mutex_);
        open_ = nullptr;
    }
    void set_unsynced(const DescriptorsPtr& written) {
        const std::lock_guard lock(mutex_);
        unsynced_ = written;
    }
    DescriptorsPtr unsynced() {
        const std::lock_guard lock(mutex_);
        return unsynced_;
    }
    void was_synced(const DescriptorsPtr& synced) {
        const std::lock_guard lock(mutex_);
        if (unsynced_ == synced) unsynced_ = nullptr;
    }
    Result<DescriptorsPtr> open_now() {
        DescriptorsPtr file;
        {
            const std::lock_guard lock(mutex_);
            if (!open_) {
                auto opened = open_again();
                if (!opened) return opened;
                open_ = *std::move(opened);
            }
            file = open_;
        }
        if (rests()) resting_files().used(*this);
        return file;
    }
    Result<DescriptorsPtr> open_again() const {
        auto opened = open_descriptors(path_);
        if (opened && ((*opened)->status.st_dev != device_ || (*opened)->status.st_ino != inode_))
            return fail(ErrorCode::unavailable, "{} is another file now", path_.string());
        return opened;
    }

    const dev_t device_;
    const ino_t inode_;
    const std::uint64_t size_;
    std::filesystem::path path_;  // changed before others have it
    std::atomic<bool> has_name_{true};
    std::mutex mutex_;
    DescriptorsPtr open_;      // guarded by mutex_
    DescriptorsPtr unsynced_;  // likewise: what was written through last
};

class RealLock final : public DirectoryLock {
public:
    explicit RealLock(Descriptor file) : file_(std::move(file)) {}

private:
    Descriptor file_;  // closing it lets go of the lock
};

std::string owner_of(int fd) {
    char text[32] = {};
    const ssize_t n = ::pread(fd, text, sizeof text - 1, 0);
    return n > 0 ? std::string(text, static_cast<std::size_t>(n)) : std::string("unknown");
}

class RealFiles final : public FileOps {
public:
    Result<Done> make_directory(const Path& directory) override {
        return make_folder_durably(directory);
    }

    Result<std::vector<std::string>> list(const Path& directory) override {
        std::vector<std::string> names;
        std::error_code error;
        std::filesystem::directory_iterator at(directory, error), end;
        for (; !error && at != end; at.increment(error))
            names.push_back(at->path().filename().string());
        if (error)
            return fail(ErrorCode::unavailable, "list {}: {}", directory.string(), error.message());
        return names;
    }

    Result<std::unique_ptr<File>> open(const Path& file) override {
        auto opened = open_descriptors(file);
        if (!opened) return opened.error();
        return std::unique_ptr<File>(std::make_unique<RealFile>(*std::move(opened), file));
    }

    Result<Done> create_zeroed(const Path& file, std::uint64_t bytes) override {
        constexpr std::uint64_t step_bytes = 1u << 20;
        Descriptor fd = open_for_writing(file, O_CREAT | O_TRUNC);
        if (!fd) return system_error("create", file);
        static const AlignedBuffer zeros = AlignedBuffer::zeroed(step_bytes);
        for (std::uint64_t at = 0; at < bytes; at += step_bytes) {
            auto step = zeros.view().substr(0, std::min(step_bytes, bytes - at));
            if (auto written = write_all(fd.get(), at, step, file); !written) return written;
        }
        if (::fsync(fd.get()) != 0) return system_error("sync", file);
        return Done{};
    }

    Result<Done> rename(const Path& from, const Path& to) override {
        if (::rename(from.c_str(), to.c_str()) != 0) return system_error("rename", from);
        return Done{};
    }

    Result<Done> remove(const Path& file) override {
        if (::remove(file.c_str()) != 0) return system_error("remove", file);
        return Done{};
    }

    Result<Done> sync_directory(const Path& directory) override {
        Descriptor fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!fd || ::fsync(fd.get()) != 0) return system_error("sync directory", directory);
        return Done{};
    }

    Result<std::uint64_t> free_bytes(const Path& directory) override {
        std::error_code error;
        const auto space = std::filesystem::space(directory, error);
        if (error)
            return fail(ErrorCode::unavailable, "space of {}: {}", directory.string(),
                        error.message());
        return std::uint64_t{space.available};
    }

    Result<std::unique_ptr<DirectoryLock>> lock(const Path& directory) override {
        const Path file = directory / "lock";
        Descriptor fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640));
        if (!fd) return system_error("open", file);
        const bool locked = ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0;
        if (!locked && errno != EWOULDBLOCK) return system_error("lock", file);
        if (!locked)
            return fail(ErrorCode::conflict, "{} belongs to the running process {}; stop it first",
                        directory.string(), owner_of(fd.get()));
        const std::string pid = std::to_string(::getpid());
        if (::ftruncate(fd.get(), 0) != 0) return system_error("write", file);
        if (auto written = write_all(fd.get(), 0, pid, file); !written) return written.error();
        return std::unique_ptr<DirectoryLock>(std::make_unique<RealLock>(std::move(fd)));
    }
};

}  // namespace

FileOps& real_files() {
    static RealFiles files;
    return files;
}

}  // namespace bus::embedded
