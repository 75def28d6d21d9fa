#include "projections/api/position_waits.hpp"

namespace projections::api {

std::optional<PositionWaits::Turn> PositionWaits::take(bus::TenantId tenant) {
    const std::lock_guard lock(mutex_);
    if (waiting_ >= limits_.waiting_max) return std::nullopt;
    std::size_t& of_tenant = of_tenant_[tenant];
    if (of_tenant >= limits_.tenant_waiting_max) return std::nullopt;
    ++waiting_;
    ++of_tenant;
    return Turn(*this, tenant);
}

PositionWaits::Turn::~Turn() {
    if (waits_ == nullptr) return;
    const std::lock_guard lock(waits_->mutex_);
    --waits_->waiting_;
    const auto own = waits_->of_tenant_.find(tenant_);
    if (--own->second == 0) waits_->of_tenant_.erase(own);
}

}  // namespace projections::api
