#include "bus/embedded/resting_files.hpp"

#include <utility>

namespace bus::embedded {

void RestingFiles::join(Member& file) {
    const std::lock_guard lock(mutex_);
    file.rests_ = true;
    put_first_locked(file);
}

void RestingFiles::used(Member& file) {
    const std::lock_guard lock(mutex_);
    if (file.rests_) put_first_locked(file);
}

void RestingFiles::leave(Member& file) {
    const std::lock_guard lock(mutex_);
    file.rests_ = false;
    if (std::exchange(file.is_open_, false)) open_.erase(file.place_);
}

void RestingFiles::put_first_locked(Member& file) {
    if (file.is_open_) return open_.splice(open_.begin(), open_, file.place_);
    open_.push_front(&file);
    file.place_ = open_.begin();
    file.is_open_ = true;
    if (open_.size() <= open_max_) return;
    Member& longest_unused = *open_.back();
    open_.pop_back();
    longest_unused.is_open_ = false;
    longest_unused.close();
}

}  // namespace bus::embedded
