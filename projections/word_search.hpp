// Does a text hold words that begin with those of a search? ASCII letters compare without case.
#pragma once

#include "bus/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace projections {

class WordSearch {
public:
    // Of the search's different words. invalid_input when there are more than words_max: each is
    // compared with every word of every row.
    static constexpr std::size_t words_max = 16;
    static bus::Result<WordSearch> parse(std::string_view search);
    bool empty() const { return wanted_.empty(); }
    std::size_t word_count() const { return wanted_.size(); }
    // Every wanted word begins a word of one of the texts, or is part of the number in `phone`.
    bool matches(const std::vector<std::string_view>& texts, std::string_view phone) const;

private:
    explicit WordSearch(std::vector<std::string> wanted) : wanted_(std::move(wanted)) {}

    std::vector<std::string> wanted_;
};

}  // namespace projections
