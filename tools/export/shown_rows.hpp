// How an export shows the rows of each projection: as answers of the API do, with all that key and
// value tell.
#pragma once

#include "projections/projection.hpp"

namespace tools::exports {

// Rows whose keys begin with the same byte.
struct ShownRows {
    using Show = bus::Result<std::string> (*)(std::string_view key, std::string_view value);
    using Customers = std::vector<std::string> (*)(const projections::ReadView& view,
                                                   std::string_view key, std::string_view value);

    std::string_view projection = {};
    projections::Table table{};
    char tag = 0;
    // What their ids begin with and their file is called by; "" = ids that are not made here.
    std::string_view kind = {};
    // A JSON object; corrupt when it is no such row. None: these rows serve only to find and count
    // the others.
    Show show = nullptr;
    // The keys of the customer under whom the row is kept (identity/customer_keys.hpp). None: if it
    // is about one, its text names the customer.
    Customers customers = nullptr;
};

// Rows that are not known here are shown as they are stored.
const ShownRows& shown_rows(std::string_view projection, projections::Table table,
                            std::string_view key);

}  // namespace tools::exports
