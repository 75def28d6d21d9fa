// The fact that a dead letter is discarded, as a record (projections/dead_letters/discard_fact.hpp
// says what it looks like).
#pragma once

#include "bus/log.hpp"

#include <string_view>

namespace tools {

inline constexpr std::size_t discard_reason_bytes_max = 500;

struct Discard {
    bus::EventId id;  // of the fact
    bus::TenantId tenant;
    bus::EventId dead_letter;
    bus::EventId raw_id;
    std::string_view reason;
    bus::Timestamp now{};
};

// Discarding one dead letter twice is one fact: the second is a duplicate for the log.
bus::NewRecord discard_record(const Discard& discard, bus::PartitionId partitions);

}  // namespace tools
