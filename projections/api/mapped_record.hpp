// A record of the log, read and mapped again: what its bytes mean, by the mapping it is stamped
// with or by another.
#pragma once

#include "bus/envelope.hpp"
#include "bus/log.hpp"
#include "schemas/json/json.hpp"
#include "schemas/registry.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace projections::api {

// The record at an address if it is the tenant's. gone: it expired, or its body was erased, also
// where the log had to keep it.
bus::Result<bus::OwnedRecord> read_record(bus::Log& log, const schemas::Registry& registry,
                                          const bus::Address& address, bus::TenantId tenant);

// Owns what the events point into. One thread.
class MappedRecord {
public:
    // `stamp` "" = the record's own. unavailable: this process does not know that mapping yet.
    static bus::Result<MappedRecord> map(bus::OwnedRecord record, const schemas::Registry& registry,
                                         std::string_view stamp = {});
    // By the mapping that gives `event`: the record's own, else the newest of its source's that
    // does (after a replay with corrected mappings). corrupt: none of them does.
    static bus::Result<MappedRecord> map_for(bus::OwnedRecord record,
                                             const schemas::Registry& registry,
                                             const bus::EventId& event);
    ~MappedRecord();
    MappedRecord(MappedRecord&&) noexcept;
    MappedRecord& operator=(MappedRecord&&) noexcept;

    const bus::Envelope& envelope() const;
    const bus::OwnedRecord& record() const;
    const std::string& source_slug() const;
    const schemas::Mapped& mapped() const;
    const schemas::Event* find(const bus::EventId& event) const;

private:
    struct State;
    explicit MappedRecord(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

// The members that only mapping the record can tell: raw_id, received_at, fields, raw, keys,
// warnings. Into an open object.
void write_event(schemas::json::Writer& writer, const schemas::Event& event);

}  // namespace projections::api
