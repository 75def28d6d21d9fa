#include "bus/embedded/tail_cache.hpp"

#include <algorithm>

namespace bus::embedded {

std::shared_ptr<Arena> TailCache::start(std::uint64_t segment, std::uint64_t file_at,
                                        std::size_t bytes_min, std::string_view carried) {
    std::lock_guard lock(mutex_);
    const std::size_t bytes = std::max(arena_bytes_, page_ceil(bytes_min));
    while (!arenas_.empty() && bytes_ + bytes > bytes_max_) {
        auto oldest = std::move(arenas_.front());
        arenas_.pop_front();
        bytes_ -= oldest->buffer.size();
        const bool ours_alone = oldest.use_count() == 1;
        if (ours_alone && oldest->buffer.size() == arena_bytes_ && unused_.empty())
            unused_.push_back(std::move(oldest->buffer));
    }
    auto arena = std::make_shared<Arena>(Arena{take_buffer(bytes), segment, file_at});
    std::memcpy(arena->buffer.data(), carried.data(), carried.size());
    bytes_ += arena->buffer.size();
    arenas_.push_back(arena);
    return arena;
}

AlignedBuffer TailCache::take_buffer(std::size_t bytes) {
    if (unused_.empty() || bytes != arena_bytes_) return AlignedBuffer(bytes);
    AlignedBuffer buffer = std::move(unused_.back());
    unused_.pop_back();
    return buffer;
}

std::shared_ptr<Arena> TailCache::blank(std::uint64_t segment, std::span<const Blanking> records,
                                        const std::shared_ptr<Arena>& writing) {
    const auto holds = [&](const Arena& arena) {
        return arena.segment == segment &&
               std::any_of(records.begin(), records.end(), [&](const Blanking& one) {
                   return one.flags_at < arena.file_end() && arena.file_at < one.end;
               });
    };
    std::lock_guard lock(mutex_);
    std::shared_ptr<Arena> next = writing;
    std::erase_if(arenas_, [&](const std::shared_ptr<Arena>& arena) {
        if (arena == writing || !holds(*arena)) return false;
        bytes_ -= arena->buffer.size();
        return true;
    });
    if (!writing || !holds(*writing)) return next;
    AlignedBuffer copy(writing->buffer.size());
    std::memcpy(copy.data(), writing->buffer.data(), copy.size());
    blank_in_memory(copy.data(), writing->file_at, writing->file_end(), records);
    next = std::make_shared<Arena>(Arena{std::move(copy), segment, writing->file_at});
    for (std::shared_ptr<Arena>& arena : arenas_)
        if (arena == writing) arena = next;
    return next;
}

void TailCache::forget(std::uint64_t segment) {
    std::lock_guard lock(mutex_);
    std::erase_if(arenas_, [&](const std::shared_ptr<Arena>& arena) {
        if (arena->segment != segment) return false;
        bytes_ -= arena->buffer.size();
        return true;
    });
}

std::shared_ptr<const Arena> TailCache::find(std::uint64_t segment, Place place) const {
    std::lock_guard lock(mutex_);
    for (auto arena = arenas_.rbegin(); arena != arenas_.rend(); ++arena) {
        const Arena& one = **arena;
        if (one.segment == segment && one.file_at <= place.at &&
            std::uint64_t{place.at} + place.bytes + value_padding_bytes <= one.file_end())
            return *arena;
        if (one.segment < segment) break;
    }
    return nullptr;
}

}  // namespace bus::embedded
