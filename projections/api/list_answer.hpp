// The shape every list answers with (PRODUCT section 2).
#pragma once

#include "projections/api/query_parameters.hpp"
#include "projections/list_page.hpp"

namespace projections::api {

using bus::http::page_request;
using bus::http::PageRequest;

// {"data":[...],"page":{...},"position":"..."}; `further` is more members, each ",\"name\":value".
bus::http::Response list_answer(const bus::http::Call& call, const ListPage& page,
                                const PageRequest& request, std::string_view further = {});

// A stored object with "_meta" added: {version, position}; 404 naming `what` when there is none.
bus::http::Response object_answer(const bus::http::Call& call,
                                  const std::optional<std::string>& object, std::string_view what);

}  // namespace projections::api
