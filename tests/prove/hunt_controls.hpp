// Whether the hunt would find what it looks for: the same requests with keys that open it.
#pragma once

#include "tests/prove/marked_tenant.hpp"
#include "tests/prove/route_hunt.hpp"
#include "tests/prove/section.hpp"

namespace tests::prove {

bool shows_marker(ProductClient& client, const HuntRequest& request, const Headers& credentials,
                  const std::string& marker);

// Every route that reads by `{...}`: the owner finds its marker with one of the words, or the route
// is named as untried. That none does is a failure.
void control_reads(Section& section, ProductClient& client, const std::vector<HuntedRoute>& routes,
                   const HuntWords& words, const MarkedTenant& owner);

// Every route that writes, with the hunt's bodies and the owner's words: one is taken, or the route
// is named as untried; where a schema tells the body, that is a failure. The owner's data changes.
void control_writes(Section& section, ProductClient& client, const std::vector<HuntedRoute>& routes,
                    const HuntWords& words, const MarkedTenant& owner);

// The admin may name any client: the hunt of `owner`'s words finds with that key what nothing but
// the owner's code opens, and would find it with a client's key where such a code is honoured.
void control_codes(Section& section, ProductClient& client, const std::vector<HuntedRoute>& routes,
                   const HuntWords& words, const MarkedTenant& owner,
                   const Headers& admin_as_other);

}  // namespace tests::prove
