// What came in at the door, accepted and refused (S-03), seen without its meaning.
//
// entries: 'r' record id -> the object
// index:   'A' accepted or 'R' rejected | received, newest first | record id | source
#pragma once

#include "projections/projection.hpp"

namespace projections {

class RequestsFold final : public Projection {
public:
    std::string_view name() const override { return "ingest"; }
    std::uint32_t version() const override { return 1; }
    void seen(const SeenRecord& record, Rows& rows) const override;
};

namespace ingest {

enum class EntryTag : std::uint8_t { request = 'r' };
enum class IndexTag : std::uint8_t { accepted = 'A', rejected = 'R' };
std::string request_key(const bus::EventId& id);

}  // namespace ingest
}  // namespace projections
