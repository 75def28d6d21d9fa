// POST /v1/erase {"client", "customer"?, "with_shared"?, "dry_run"?} erases a client, or one of its
// customers, as a job (S-14, S-16); admin key only. 409 with the reason under a legal hold.
#pragma once

#include "bus/http/http.hpp"
#include "tools/erase/erase_work.hpp"

namespace tools::erase {

std::vector<bus::http::Route> erase_routes(const ErasePorts& ports);

}  // namespace tools::erase
