// Which of the files at rest are open: those that were used last, so that a journal may have more
// segments than a process may have descriptors.
#pragma once

#include <atomic>
#include <cstddef>
#include <list>
#include <mutex>

namespace bus::embedded {

// Threads: any. Outlives its files.
class RestingFiles {
public:
    class Member {
    public:
        virtual ~Member() = default;
        // It is opened again when it is used. Under the lock of RestingFiles.
        virtual void close() = 0;
        bool rests() const { return rests_; }

    private:
        friend class RestingFiles;
        std::atomic<bool> rests_{false};  // written under mutex_
        bool is_open_ = false;            // guarded by mutex_
        std::list<Member*>::iterator place_{};
    };

    explicit RestingFiles(std::size_t open_max) : open_max_(open_max) {}

    void join(Member& file);   // it is open
    void used(Member& file);   // likewise; nothing for one that does not rest
    void leave(Member& file);  // it is not closed from here on

private:
    void put_first_locked(Member& file);

    const std::size_t open_max_;
    std::mutex mutex_;         // before a file's own
    std::list<Member*> open_;  // guarded by mutex_; the one used last comes first
};

}  // namespace bus::embedded
