// Answers from the rows of the dead_letters projection: S-05. Pure functions over one view.
#pragma once

#include "projections/dead_letters/dead_letters_fold.hpp"
#include "projections/list_page.hpp"
#include "projections/projection.hpp"

#include <optional>
#include <string>

namespace projections {

struct DeadLetterQuery {
    bool discarded = false;                // else the open ones
    std::string source{};                  // slug; "" = any
    std::optional<bus::Timestamp> from{};  // of receipt, inclusive
    std::optional<bus::Timestamp> to{};    // exclusive
    std::size_t page = 1;                  // not used with a cursor
    std::size_t limit = 25;
    std::string cursor{};
};

// Newest first. invalid_input for a cursor that is none of ours.
bus::Result<ListPage> list_dead_letters(const ReadView& view, const DeadLetterQuery& query);

// The object, with `status` open or discarded, or none. `id` is "dead_...".
std::optional<std::string> get_dead_letter(const ReadView& view, std::string_view id);

// The stored object with its status, which the first byte of its key tells.
std::string shown_dead_letter(DeadLetterTag tag, std::string_view object);

}  // namespace projections
