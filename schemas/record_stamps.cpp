#include "schemas/record_stamps.hpp"

#include <algorithm>

namespace schemas {

using bus::Done;
using bus::ErrorCode;
using bus::Result;

namespace {

Result<bool> has_wanted_type(const Retake& retake, std::string_view stamp,
                             const MapWith& map_with) {
    const auto mapped = map_with(stamp);
    if (!mapped) return mapped.error();
    return std::any_of((*mapped)->events.begin(), (*mapped)->events.end(),
                       [&](const Event& event) { return retake.wants_type(event.type_name); });
}

using Specs = std::vector<std::shared_ptr<const ReplaySpec>>;

void add_once(Specs& specs, const std::shared_ptr<const ReplaySpec>& spec) {
    const auto alike = [&](const auto& known) { return *known == *spec; };
    if (std::none_of(specs.begin(), specs.end(), alike)) specs.push_back(spec);
}

struct LiveSpecs {
    Specs shown, hidden;
};

// The tenant's own live generation of a projection is shown instead of that of all, which has rows
// of the tenant too.
LiveSpecs live_specs(const GenerationTable& table, bus::TenantId tenant,
                     const std::vector<std::string>& projections) {
    LiveSpecs specs;
    for (const std::string& projection : projections) {
        const auto& all = table.of(projection);
        const auto is_live = [&](const Generation& one) {
            return one.role == GenerationRole::live && one.spec->builds(tenant);
        };
        const bool has_own = std::any_of(all.begin(), all.end(), [&](const Generation& one) {
            return is_live(one) && one.spec->tenant;
        });
        for (const Generation& one : all)
            if (is_live(one))
                add_once(has_own && !one.spec->tenant ? specs.hidden : specs.shown, one.spec);
    }
    return specs;
}

void add_once(std::vector<std::string_view>& stamps, std::string_view stamp) {
    if (std::find(stamps.begin(), stamps.end(), stamp) == stamps.end()) stamps.push_back(stamp);
}

}  // namespace

Result<std::string_view> stamp_by(const ReplaySpec& spec, const bus::Envelope& envelope,
                                  const MapWith& map_with) {
    for (auto retake = spec.retakes.rbegin(); retake != spec.retakes.rend(); ++retake) {
        if (!retake->covers(envelope)) continue;
        const std::string_view stamp = retake->stamp_for(envelope);
        const bool is_oldest = std::next(retake) == spec.retakes.rend();
        if (retake->types.empty() || (is_oldest && stamp == envelope.mapping)) return stamp;
        auto wanted = has_wanted_type(*retake, envelope.mapping, map_with);
        if (wanted && !*wanted && stamp != envelope.mapping)
            wanted = has_wanted_type(*retake, stamp, map_with);
        if (!wanted) return wanted.error();
        if (*wanted) return stamp;
    }
    return envelope.mapping;
}

TenantReadings::TenantReadings(const Registry& registry, bus::TenantId tenant,
                               const std::vector<std::string>& projections, BodyReader mail_reader)
    : registry_(registry), scratch_(mail_reader) {
    auto [shown, hidden] = live_specs(*registry.generations(), tenant, projections);
    shown_ = shown.size();
    specs_ = std::move(shown);
    specs_.insert(specs_.end(), hidden.begin(), hidden.end());
}

Result<Done> TenantReadings::visit(const bus::RecordView& record, const bus::Envelope& envelope,
                                   std::string_view source_slug,
                                   const std::function<void(const Reading&)>& visit) {
    const MapWith map_with = [&](std::string_view stamp) -> Result<const Mapped*> {
        const auto bound = mapping(stamp);
        if (!bound) return bound.error();
        return &(*bound)->map(record, envelope, source_slug, scratch_);
    };
    std::vector<std::string_view> stamps;
    std::size_t live = 0;
    for (std::size_t i = 0; i < specs_.size(); ++i) {
        const auto stamp = stamp_by(*specs_[i], envelope, map_with);
        if (!stamp) return stamp.error();
        add_once(stamps, *stamp);
        if (i < shown_) live = stamps.size();
    }
    add_once(stamps, envelope.mapping);
    for (std::size_t i = 0; i < stamps.size(); ++i) {
        const auto mapped = map_with(stamps[i]);
        if (!mapped) return mapped.error();
        visit({.stamp = stamps[i], .mapped = **mapped, .is_live = i < live});
    }
    return Done{};
}

Result<const BoundMapping*> TenantReadings::mapping(std::string_view stamp) {
    if (mapping_ && mapping_->stamp() == stamp) return mapping_.get();
    auto bound = registry_.bound_mapping(stamp);
    if (!bound)
        return bus::fail(ErrorCode::unavailable,
                         "a record is read with mapping '{}', which is not known here yet", stamp);
    mapping_ = std::move(bound);
    return mapping_.get();
}

}  // namespace schemas
