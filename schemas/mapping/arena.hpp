// Memory for the words that a mapping makes: grows in blocks, is emptied at once, keeps its blocks.
#pragma once

#include "schemas/mapping/budget.hpp"

#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace schemas::mapping {

class Arena {
public:
    // Every byte taken is counted there; the budget outlives the arena.
    explicit Arena(Budget& budget) : budget_(budget) {}

    std::string_view store(std::string_view text) {
        char* place = reserve(text.size());
        if (!text.empty()) std::memcpy(place, text.data(), text.size());
        return {place, text.size()};
    }

    // Uninitialised bytes, valid until clear().
    char* reserve(std::size_t bytes) {
        budget_.bytes(bytes);
        while (block_ < blocks_.size() && used_ + bytes > blocks_[block_].size) {
            ++block_;
            used_ = 0;
        }
        if (block_ == blocks_.size()) add_block(bytes);
        char* place = blocks_[block_].bytes.get() + used_;
        used_ += bytes;
        return place;
    }

    void clear() {
        if (blocks_.size() > blocks_kept) blocks_.resize(blocks_kept);
        block_ = 0;
        used_ = 0;
    }

private:
    static constexpr std::size_t block_bytes = 16 * 1024;
    static constexpr std::size_t blocks_kept = 16;

    struct Block {
        std::unique_ptr<char[]> bytes;
        std::size_t size = 0;
    };

    void add_block(std::size_t bytes) {
        const std::size_t size = bytes > block_bytes ? bytes : block_bytes;
        blocks_.push_back({std::make_unique<char[]>(size), size});
    }

    Budget& budget_;
    std::vector<Block> blocks_;
    std::size_t block_ = 0;
    std::size_t used_ = 0;
};

}  // namespace schemas::mapping
