// Answers from the rows of the calls projection: V-08, V-10, V-12. Pure functions over one view.
#pragma once

#include "projections/list_page.hpp"
#include "projections/projection.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace projections {

struct CallQuery {
    std::string provider{};  // slug of the source; "" = any, as for all words here
    std::string department{};
    std::string status{};
    std::optional<bool> live{};  // false: has ended
    std::string agent{};         // id, name where there is no id, number where there is neither
    std::string direction{};
    std::string service{};
    std::vector<std::string> numbers{};    // any of them is the customer, the caller or the callee
    std::string search{};                  // each word begins a word of a name, or is in a number
    std::optional<bus::Timestamp> from{};  // of the start, else the first report; inclusive
    std::optional<bus::Timestamp> to{};    // exclusive
    bool oldest_first = false;
    std::size_t page = 1;  // not used with a cursor
    std::size_t limit = 25;
    std::string cursor{};
};

// invalid_input for a cursor that is none of ours.
bus::Result<ListPage> list_calls(const ReadView& view, const CallQuery& query);

// The object, or none. `id` is "call_...".
std::optional<std::string> get_call(const ReadView& view, std::string_view id);

// {"live":{"<department>":n},"hangup":{"<department>":n}} of one source, or of all with "".
std::string count_calls(const ReadView& view, std::string_view provider);

}  // namespace projections
