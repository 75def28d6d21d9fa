// Does a text hold words that begin with those of a search? ASCII letters compare without case.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace projections {

class WordSearch {
public:
    explicit WordSearch(std::string_view search);
    bool empty() const { return wanted_.empty(); }
    // Every wanted word begins a word of one of the texts, or is part of the number in `phone`.
    bool matches(const std::vector<std::string_view>& texts, std::string_view phone) const;

private:
    std::vector<std::string> wanted_;
};

}  // namespace projections
