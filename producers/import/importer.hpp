// Brings records of the past into a source, as the door would have written them then.
//
// What differs from the door: nobody signed them (tr_verified says "imported" and by which key),
// they are known as copies for good, and each is mapped once before it is appended, so that what
// could only become a dead letter is refused with path and reason instead. The time that the
// mapping finds is the record's ingest time too: the past must not look as if it had come in today.
// Order is kept. Errors: not_found (the source), conflict (it cannot take records), too_large,
// unavailable (nothing is wrong with the lines: send the chunk again, what is in comes out as
// duplicates). Threads: any.
#pragma once

#include "bus/clock.hpp"
#include "bus/crypto/sealing.hpp"
#include "producers/door_limits.hpp"
#include "producers/secret_opener.hpp"

#include <map>

namespace producers::import {

inline constexpr std::size_t chunk_bytes_max = 4 << 20;
inline constexpr std::size_t chunk_records_max = 1'000;
// Escaped twice at worst, a body of the door's bound still fits a line.
inline constexpr std::size_t line_bytes_max = chunk_bytes_max;
inline constexpr bus::milliseconds append_wait_max{20'000};

struct ImportPorts {
    bus::Log& log;
    const schemas::Registry& registry;
    SecretOpener& secrets;
    bus::Clock& clock;
    bus::IdSource& ids;
    bus::PartitionId partitions = 8;
    bus::crypto::Key256 installation_key{};
    schemas::BodyReader mail_reader = nullptr;
    DoorLimits limits{};
};

struct ImportWish {
    bus::TenantId tenant;
    std::string source;     // slug; "" = each line names its own
    std::string by;         // id of the key that imports
    bool keep_all = false;  // append what cannot be mapped too: it becomes dead letters
    bool dry_run = false;   // append nothing
};

enum class LineResult : std::uint8_t { accepted, duplicate, refused };
std::string_view name(LineResult result);

struct LineOutcome {
    std::size_t line = 0;  // of the chunk, from 1
    LineResult result = LineResult::accepted;
    std::string code{}, path{}, reason{};  // of a refusal
};

struct ChunkOutcome {
    std::vector<LineOutcome> lines;
    // Of the accepted ones.
    std::map<std::string, std::uint64_t> event_types;
    std::optional<bus::Timestamp> from, to;
    bus::Position position;  // covers what was appended
};

bus::Result<ChunkOutcome> import_chunk(const ImportPorts& ports, const ImportWish& wish,
                                       std::string_view chunk);

}  // namespace producers::import
