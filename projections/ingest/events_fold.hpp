// The index of all canonical events (S-02).
#pragma once

#include "projections/projection.hpp"

namespace projections {

class EventsFold final : public Projection {
public:
    std::string_view name() const override { return "events"; }
    std::uint32_t version() const override { return 3; }
    void fold(const schemas::Event& event, Rows& rows) const override;
};

}  // namespace projections
