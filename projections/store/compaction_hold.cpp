#include "projections/store/compaction_hold.hpp"

#include "projections/store/rocks_options.hpp"

namespace projections::store {
namespace {

// Not nothing: a store that opened early goes on folding, and must be able to flush.
constexpr std::int64_t held_bytes_per_second = 8 << 20;

}  // namespace

CompactionHold::CompactionHold(std::shared_ptr<SharedResources> shared)
    : shared_(std::move(shared)), before_(shared_->rate_limiter->GetBytesPerSecond()) {
    shared_->rate_limiter->SetBytesPerSecond(held_bytes_per_second);
}

CompactionHold::~CompactionHold() {
    shared_->rate_limiter->SetBytesPerSecond(before_);
}

}  // namespace projections::store
