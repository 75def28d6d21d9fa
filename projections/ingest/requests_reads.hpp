// Answers from the rows of the ingest projection: S-03. Pure functions over one view.
#pragma once

#include "projections/list_page.hpp"
#include "projections/projection.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace projections {

struct RequestQuery {
    bool rejected = false;                 // else the accepted ones
    std::string source{};                  // slug; "" = any
    std::optional<bus::Timestamp> from{};  // of receipt, inclusive
    std::optional<bus::Timestamp> to{};    // exclusive
    std::size_t page = 1;                  // not used with a cursor
    std::size_t limit = 25;
    std::string cursor{};
};

// Newest first. invalid_input for a cursor that is none of ours.
bus::Result<ListPage> list_requests(const ReadView& view, const RequestQuery& query);

// The object, or none. `id` is the record's id, as the answer to the request gave it.
std::optional<std::string> get_request(const ReadView& view, std::string_view id);

}  // namespace projections
