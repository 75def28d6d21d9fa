// Identity: keys seen in one event are evidence that they belong to one customer.
#pragma once

#include "projections/projection.hpp"

namespace projections {

class IdentityFold final : public Projection {
public:
    std::string_view name() const override { return "identity"; }
    std::uint32_t version() const override { return 2; }
    void fold(const schemas::Event& event, Rows& rows) const override;
};

}  // namespace projections
