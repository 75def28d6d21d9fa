// Events that own their words, and projections that fold them into a std::map.
#pragma once

#include "projections/batch.hpp"
#include "projections/memory_rows.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace tests {

struct TestEvent {
    std::string type;
    bus::EventId id;
    bus::SourceId source{1};
    std::string slug = "acme-wa";
    bus::Timestamp time{};
    bus::Timestamp ingest_time{};
    bool time_is_ingest = false;
    bus::Address address{bus::Topic::chat, 0, 0};
    std::map<schemas::Field, std::string> texts;
    std::map<schemas::Field, std::int64_t> numbers;
    std::vector<std::pair<schemas::KeyKind, std::string>> keys;

    // Views into this.
    schemas::Event event() const {
        schemas::Event event;
        event.id = id;
        event.type = schemas::parse_event_type(type);
        event.type_name = type;
        event.tenant = bus::TenantId{5};
        event.source = source;
        event.source_slug = slug;
        event.time = time;
        event.ingest_time = ingest_time;
        event.time_is_ingest = time_is_ingest;
        event.address = address;
        for (const auto& [field, text] : texts)
            event.fields.push_back({field, {schemas::FieldValue::Kind::text, text, 0}});
        for (const auto& [field, number] : numbers)
            event.fields.push_back({field, {schemas::FieldValue::Kind::integer, {}, number}});
        for (const auto& [kind, text] : keys) event.keys.push_back({kind, text});
        return event;
    }
};

// As the door makes it at that second of the tests' time, which begins at 1,700,000,000 s.
inline bus::EventId record_id(std::uint64_t second) {
    const bus::Timestamp received{bus::seconds{1'700'000'000 + second}};
    return bus::uuid_v7(received, {static_cast<std::uint8_t>(second)});
}

inline bus::EventId event_id(std::uint64_t number) {
    bus::EventId id;
    for (std::size_t i = 0; i < sizeof number; ++i)
        id.bytes[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
    return id;
}

// What no row comes near, however long the words of the events are: a longer one would be costly to
// write with each event, and at 16 MiB could not be read again.
inline constexpr std::size_t row_bytes_sane = 1 << 20;
// About as much as one request can hold, of what takes six bytes each where it is stored.
inline const std::string long_word(1'000'000, '\x01');

// Key or value, of any table.
inline std::size_t longest_row(const projections::MemoryRows& rows) {
    std::size_t longest = 0;
    for (std::size_t table = 0; table < projections::table_count; ++table) {
        for (const auto& [key, value] : rows.rows(static_cast<projections::Table>(table)))
            longest = std::max({longest, key.size(), value.size()});
    }
    return longest;
}

// Projections by their place in the list: the first is instance 1.
class FoldedRows {
public:
    explicit FoldedRows(std::vector<const projections::Projection*> all) : all_(std::move(all)) {}

    void fold(const std::vector<TestEvent>& events, std::size_t batch_size = 512,
              std::size_t cached_rows_max = 1000) {
        projections::Batch batch{rows_, nullptr, cached_rows_max};
        for (std::size_t begin = 0; begin < events.size(); begin += batch_size) {
            const std::size_t end = std::min(events.size(), begin + batch_size);
            for (std::size_t i = begin; i < end; ++i) fold_one(events[i], batch);
            auto writes = batch.finish();
            BUS_ASSERT(writes, "rows decode");
            rows_.apply(*writes);
        }
    }
    projections::MemoryReadView view(std::size_t place) const {
        return {rows_, static_cast<projections::InstanceId>(place + 1), bus::TenantId{5}};
    }
    const projections::MemoryRows& rows() const { return rows_; }

private:
    void fold_one(const TestEvent& test_event, projections::Batch& batch) {
        const schemas::Event event = test_event.event();
        for (std::size_t i = 0; i < all_.size(); ++i)
            all_[i]->fold(event,
                          batch.rows(static_cast<projections::InstanceId>(i + 1), event.tenant));
    }
    std::vector<const projections::Projection*> all_;
    projections::MemoryRows rows_;
};

}  // namespace tests
