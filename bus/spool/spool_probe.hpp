// What a spool does, as metrics and log lines.
#pragma once

#include "bus/result.hpp"
#include "bus/topic.hpp"

#include <cstdint>

namespace bus::spool {

struct SpoolProbe {
    static void began(std::uint64_t left_by_earlier_process);
    static void kept();  // one record
    static void holds(std::uint64_t records, std::uint64_t bytes);
    static void forwarding_failed(const Error& error, std::uint64_t waiting);
    // A topic partition that rests, each record of one that is refused, and how many rest then.
    static void rests(TopicPartition where, const Error& error);
    static void refused(std::size_t resting);
    static void goes_on(TopicPartition where, std::size_t resting);
    static void forwarded_all(std::uint64_t records);
};

}  // namespace bus::spool
