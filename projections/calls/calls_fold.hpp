// Calls, of ivr.call.reported and voice.call.ended (PRODUCT 10.3).
//
// The other ivr.call.* events of a report say the same again. A report names its call by `call_id`
// of its source; one without is a call of its own.
#pragma once

#include "projections/projection.hpp"

namespace projections {

class CallsFold final : public Projection {
public:
    std::string_view name() const override { return "calls"; }
    std::uint32_t version() const override { return 3; }
    std::span<const std::string_view> type_prefixes() const override;
    void fold(const schemas::Event& event, Rows& rows) const override;
};

}  // namespace projections
