// What came in at the door, accepted and refused (S-03), seen without its meaning.
//
// entries: 'A' accepted or 'R' rejected | received, newest first | record id, newest first | source
//          -> [microseconds, address, bytes, method, path, query, verified by, content type,
//             then "accepted", events, failures | "rejected", cause, detail, status | "erased"],
//             since there is one for every request, and few are ever looked at; "" = not told
//
// One entry serves the list and, since a record's id (UUIDv7) tells the millisecond in which it was
// received, the look-up by id: every request costs one write.
#pragma once

#include "projections/projection.hpp"

namespace projections {

class RequestsFold final : public Projection {
public:
    std::string_view name() const override { return "ingest"; }
    std::uint32_t version() const override { return 5; }
    void seen(const SeenRecord& record, Rows& rows) const override;
};

namespace ingest {

enum class EntryTag : std::uint8_t { accepted = 'A', rejected = 'R' };
// What the keys of all requests with this id begin with; at most one is there.
std::string request_prefix(EntryTag tag, const bus::EventId& id);
// The record's id, from the one that stands in the key.
bus::EventId request_id_in_key(const bus::EventId& key_id);
// The request as answers show it: a JSON object of what key and entry tell.
std::string shown_request(const bus::EventId& id, std::string_view key_after_id,
                          std::string_view stored);

}  // namespace ingest
}  // namespace projections
