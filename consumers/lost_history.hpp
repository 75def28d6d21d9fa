// Records that the log has lost by itself, as Kafka does by `retention.ms`, and no base stands for:
// rows of them cannot be made anew.
#pragma once

#include "consumers/projector_setup.hpp"

#include <optional>
#include <string>

namespace consumers {

class ProjectorPool;

// Where the log began when a store did, in its meta: what was lost before gave none of its rows.
inline constexpr std::string_view begun_meta = "begun_at";
bus::Result<bus::Position> log_start(bus::Log& log, bus::PartitionId partition);

// As a report says it: "the log has chat of partition 3 from offset 4711 on only". None: what it
// has, and the base, make all rows of a store that says `begun` (none: it does not know, so at the
// very beginning). Of `rejected`, which nothing is made of but a list of itself, this does not
// speak.
bus::Result<std::optional<std::string>> lost_history(const ProjectorSetup& setup,
                                                     bus::PartitionId partition,
                                                     const std::optional<std::string>& begun);
// Of the store that is open there. unavailable: none is.
bus::Result<std::optional<std::string>> lost_history(const ProjectorPool& pool,
                                                     bus::PartitionId partition);

}  // namespace consumers
