// Records, or single events of them, that could not be mapped (S-05).
//
// entries: 'd' received, newest first | dead letter -> the object
#pragma once

#include "projections/projection.hpp"

namespace projections {

class DeadLettersFold final : public Projection {
public:
    std::string_view name() const override { return "dead_letters"; }
    std::uint32_t version() const override { return 1; }
    void failed(const FailedRecord& record, Rows& rows) const override;
};

inline constexpr std::uint8_t dead_letter_tag = 'd';

}  // namespace projections
