#include "bus/embedded/tail_cache.hpp"

#include <algorithm>

namespace bus::embedded {

AlignedBuffer SpareBuffer::take(std::size_t bytes) {
    std::lock_guard lock(mutex_);
    if (!spare_ || bytes != bytes_) return AlignedBuffer(bytes);
    AlignedBuffer buffer = std::move(*spare_);
    spare_.reset();
    return buffer;
}

void SpareBuffer::give_back(AlignedBuffer buffer) {
    std::lock_guard lock(mutex_);
    if (!spare_ && buffer.size() == bytes_) spare_ = std::move(buffer);
}

std::shared_ptr<Arena> TailCache::start(std::uint64_t segment, std::uint64_t file_at,
                                        std::size_t bytes_min, std::string_view carried) {
    std::lock_guard lock(mutex_);
    const std::size_t bytes = std::max(arena_bytes_, page_ceil(bytes_min));
    while (!arenas_.empty() && bytes_ + bytes > bytes_max_) {
        bytes_ -= arenas_.front()->buffer.size();
        arenas_.pop_front();
    }
    const auto give_back = [spare = spare_](Arena* gone) {
        spare->give_back(std::move(gone->buffer));
        delete gone;
    };
    std::shared_ptr<Arena> arena(new Arena{spare_->take(bytes), segment, file_at}, give_back);
    std::memcpy(arena->buffer.data(), carried.data(), carried.size());
    for (const std::shared_ptr<Arena>& before : arenas_)
        if (before->segment == segment)
            before->valid_end = std::min(before->valid_end, file_at + carried.size());
    bytes_ += arena->buffer.size();
    arenas_.push_back(arena);
    return arena;
}

std::shared_ptr<Arena> TailCache::blank(std::uint64_t segment, std::span<const Blanking> records,
                                        const std::shared_ptr<Arena>& writing) {
    const auto holds = [&](const Arena& arena) {
        return arena.segment == segment &&
               std::any_of(records.begin(), records.end(), [&](const Blanking& one) {
                   return one.flags_at < std::min(arena.file_end(), arena.valid_end) &&
                          arena.file_at < one.end;
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
        const std::uint64_t end = std::uint64_t{place.at} + place.bytes;
        if (one.segment == segment && one.file_at <= place.at && end <= one.valid_end &&
            end + value_padding_bytes <= one.file_end())
            return *arena;
        if (one.segment < segment) break;
    }
    return nullptr;
}

}  // namespace bus::embedded
