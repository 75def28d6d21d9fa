// DIR/bases/partition-N.expired: up to where bodies of the partition have expired, and what of
// that is still in damaged files of the log.
//
//   the position in hex, then a line per range that stays: "chat/3/0-4710"
//
// It only saves looking: without it everything is looked at again.
#pragma once

#include "bus/log.hpp"

#include <filesystem>

namespace tools::retention {

struct ExpiryNote {
    bus::Position done;
    std::vector<bus::RecordRange> kept{};
    bool operator==(const ExpiryNote&) const = default;
};

// From the beginning where there is none, or none that is understood. unavailable.
bus::Result<ExpiryNote> read_expiry_note(const std::filesystem::path& bases,
                                         bus::PartitionId partition);
// Whole or not at all.
bus::Result<bus::Done> write_expiry_note(const std::filesystem::path& bases,
                                         const ExpiryNote& note);

}  // namespace tools::retention
