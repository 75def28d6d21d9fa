// Looks at everything that the read API shows of a load's tenants, and lets the product prove its
// log; what judge() compares.
#pragma once

#include "tests/support/checked_load.hpp"

#include <map>

namespace tests::checker {

enum class Proof { none, log, rows };  // rows: the log, and the rows against a fresh fold

class CheckedView {
public:
    // Keeps bodies that it has read once: they are asked for again only by a view of its own.
    Seen look(ProductClient& client, const CheckedLoad& load, Proof proof);

private:
    SeenTenant look_at(ProductClient& client, const Tenant& tenant, const std::string& position);
    std::vector<SeenRequest> requests(ProductClient& client, const Tenant& tenant,
                                      const std::string& position);

    std::map<std::string, std::string> bodies_;  // by event id
};

// settle, look, judge.
Verdict check(ProductClient& client, CheckedLoad& load, CheckedView& view, Proof proof,
              const Rules& rules = {});

}  // namespace tests::checker
