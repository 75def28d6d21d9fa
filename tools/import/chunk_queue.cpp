#include "tools/import/chunk_queue.hpp"

#include "producers/import/importer.hpp"

namespace tools::import {

using bus::Result;
using producers::import::chunk_bytes_max;
using producers::import::chunk_records_max;
using schemas::import_formats::ImportItem;

namespace {

void add(Chunk& chunk, ImportItem& item) {
    ChunkItem& added = chunk.items.emplace_back();
    added.place = std::move(item.place);
    if (item.damage) {
        added.damage = std::move(item.damage);
        added.record = std::move(item.record);
        added.original = std::move(item.original);
        return;
    }
    added.start = chunk.text.size();
    added.bytes = item.record.size();
    chunk.text += item.record;
    chunk.text += '\n';
}

}  // namespace

ChunkQueue::ChunkQueue(schemas::import_formats::ImportReader& reader, std::uint64_t skip)
    : reader_(reader), thread_([this, skip] { run(skip); }) {}

ChunkQueue::~ChunkQueue() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
        changed_.notify_all();
    }
    thread_.join();
}

Result<std::optional<Chunk>> ChunkQueue::next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !chunks_.empty() || ended_; });
    if (chunks_.empty()) {
        if (error_) return *error_;
        return std::optional<Chunk>{};
    }
    std::optional<Chunk> chunk = std::move(chunks_.front());
    chunks_.pop_front();
    changed_.notify_all();
    return chunk;
}

void ChunkQueue::run(std::uint64_t skip) {
    ImportItem item;
    Chunk chunk;
    for (;;) {
        const auto more = reader_.next(item);
        const bool at_end = !more || !*more;
        if (!at_end && skip > 0) {
            --skip;
            continue;
        }
        const bool full = chunk.items.size() == chunk_records_max ||
                          chunk.text.size() + item.record.size() + 1 > chunk_bytes_max;
        if (!chunk.items.empty() && (at_end || full)) {
            if (!put(std::move(chunk))) return;
            chunk = {};
        }
        if (at_end) return end(more ? std::nullopt : std::optional(more.error()));
        add(chunk, item);
        chunk.bytes_read = reader_.bytes_read();
    }
}

bool ChunkQueue::put(Chunk chunk) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return chunks_.size() < ahead_max || stopping_; });
    chunks_.push_back(std::move(chunk));
    changed_.notify_all();
    return !stopping_;
}

void ChunkQueue::end(std::optional<bus::Error> error) {
    std::lock_guard lock(mutex_);
    error_ = std::move(error);
    ended_ = true;
    changed_.notify_all();
}

}  // namespace tools::import
