// Which mappings a record is read with: the one that it is stamped with, and those that replays
// took in its place.
#pragma once

#include "schemas/registry.hpp"

#include <functional>

namespace schemas {

// What one record means by a stamp; lives until the next call.
using MapWith = std::function<bus::Result<const Mapped*>(std::string_view stamp)>;

// The stamp that a generation reads the record with: the newest retake that covers it decides. A
// view into `spec` or `envelope`. Errors: those of `map_with`.
bus::Result<std::string_view> stamp_by(const ReplaySpec& spec, const bus::Envelope& envelope,
                                       const MapWith& map_with);

// Everything that the raw records of a tenant mean: to the rows of its live generations, and as
// they are stamped. One thread.
class TenantReadings {
public:
    struct Reading {
        std::string_view stamp;
        const Mapped& mapped;
        bool is_live;  // some rows that are shown are made of it
    };

    // The registry outlives this; generations are those that are live now.
    TenantReadings(const Registry& registry, bus::TenantId tenant,
                   const std::vector<std::string>& projections, BodyReader mail_reader);

    // Each reading once, the live ones first, then those that the tenant's own hide; it lives for
    // the call. unavailable: a mapping is not known here yet.
    bus::Result<bus::Done> visit(const bus::RecordView& record, const bus::Envelope& envelope,
                                 std::string_view source_slug,
                                 const std::function<void(const Reading&)>& visit);

private:
    bus::Result<const BoundMapping*> mapping(std::string_view stamp);  // until the next call

    const Registry& registry_;
    std::vector<std::shared_ptr<const ReplaySpec>> specs_;  // the first of them are shown
    std::size_t shown_ = 0;
    Scratch scratch_;
    std::shared_ptr<const BoundMapping> mapping_;  // asked for last
};

}  // namespace schemas
