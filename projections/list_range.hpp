// Lists over keys that sort as: prefix | time, newest first | id | what filters need.
#pragma once

#include "projections/list_page.hpp"
#include "projections/projection.hpp"

#include <functional>
#include <optional>
#include <string>

namespace projections {

struct ListRange {
    Table table = Table::index;
    std::string prefix{};                  // what stands before the time
    std::optional<bus::Timestamp> from{};  // inclusive
    std::optional<bus::Timestamp> to{};    // exclusive
    bool oldest_first = false;
    std::size_t page = 1;  // not used with a cursor
    std::size_t limit = 25;
    std::string cursor{};
};

struct ListedEntry {
    bus::Timestamp at{};
    bus::EventId id;
    std::string_view rest;   // of the key, after the id
    std::string_view value;  // of the entry; "" in Table::index
};

// A walk looks at no more entries than this; the page then ends early, with a cursor to go on, and
// its total is "at least".
inline constexpr std::size_t entries_examined_max = 20'000;

// `show` appends the JSON of an entry that `wanted` took; one that appends nothing is left out. The
// first page counts all that `wanted` takes. invalid_input for a cursor that is none of ours.
bus::Result<ListPage> list_range(const ReadView& view, const ListRange& range,
                                 const std::function<bool(const ListedEntry&)>& wanted,
                                 const std::function<void(const ListedEntry&, std::string&)>& show);

// Appends elements to a JSON array.
class JsonArray {
public:
    void add(std::string_view element) {
        text_ += count_++ == 0 ? '[' : ',';
        text_ += element;
    }
    std::size_t count() const { return count_; }
    std::string take() {
        if (count_ == 0) text_ = "[";
        text_ += ']';
        return std::move(text_);
    }

private:
    std::string text_;
    std::size_t count_ = 0;
};

}  // namespace projections
