// One page of a list, as pieces of JSON that a handler joins (PRODUCT section 2, "List answer").
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace projections {

inline constexpr std::size_t page_limit_max = 200;

struct ListPage {
    std::string data;  // a JSON array, complete
    std::size_t count = 0;
    std::optional<std::uint64_t> total;  // none where counting would cost a full scan
    bool total_exact = false;            // false: at least `total`
    std::string next_cursor;             // "" = the last page
    std::string previous_cursor;         // of lists that are walked both ways
};

}  // namespace projections
