// Records, or single events of them, that could not be mapped (S-05), and which of them somebody
// has discarded.
//
// entries: 'd' open or 'D' discarded | received, newest first | dead letter | source -> the object
//          'i' dead letter -> the rest of its key after the first byte
//          'x' dead letter -> when and by which record it was discarded
//
// The discard comes in another topic than the record, so either may be folded first; of several
// discards the first of its topic counts.
#pragma once

#include "projections/projection.hpp"

namespace projections {

class DeadLettersFold final : public Projection {
public:
    std::string_view name() const override { return "dead_letters"; }
    std::uint32_t version() const override { return 2; }
    void failed(const FailedRecord& record, Rows& rows) const override;
    void seen(const SeenRecord& record, Rows& rows) const override;
};

enum class DeadLetterTag : std::uint8_t { open = 'd', discarded = 'D', place = 'i', discard = 'x' };
std::string entry_key(DeadLetterTag tag, const bus::EventId& dead_letter);

}  // namespace projections
