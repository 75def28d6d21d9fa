#include "bus/embedded/segment_restoring.hpp"

namespace bus::embedded {
namespace {

constexpr std::uint64_t bytes_a_step = 4u << 20;

}  // namespace

SegmentRestoring::SegmentRestoring(SegmentList& segments, SegmentPtr segment,
                                   std::shared_ptr<const SegmentFooter> damaged)
    : segments_(segments),
      segment_(std::move(segment)),
      damaged_(std::move(damaged)),
      slots_(segment_->header().partitions),
      scanned_{PlacesBySlot(slots_.count()), std::make_shared<DedupTable>()},
      scan_(segment_->file(), segment_->header(), damaged_->next_sequence()) {}

Result<bool> SegmentRestoring::step() {
    auto is_over = scan_.step(
        bytes_a_step, [this](const CheckedFrame& frame) { remember(scanned_, slots_, frame); });
    if (!is_over || !*is_over) return is_over;
    const ScanEnd& end = scan_.end();
    if (end.next_sequence != damaged_->next_sequence())
        return fail(ErrorCode::corrupt, "segment {}: {} at byte {}", segment_->id(), end.wrong,
                    end.at);
    segments_.unseal(segment_, damaged_, std::move(scanned_));
    return true;
}

}  // namespace bus::embedded
