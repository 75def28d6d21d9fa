#include "tools/erase/row_files.hpp"

#include "tools/erase/watched_sleep.hpp"

namespace tools::erase {

using bus::Done;
using bus::Result;

namespace {

constexpr bus::milliseconds look_every{100};

Result<Done> wait_for_readers(const projections::store::StoreUpkeep& upkeep, jobs::JobRun& run) {
    const std::uint64_t now = upkeep.sequence();
    if (!upkeep.is_read_before(now)) return Done{};
    run.phase("waiting for who reads the rows since before, an export or a verify", 0, "");
    while (upkeep.is_read_before(now))
        if (auto waited = sleep_while_watched(look_every, run); !waited) return waited;
    return Done{};
}

}  // namespace

Result<Done> take_out_of_files(const ErasePorts& ports, bus::PartitionId partition,
                               jobs::JobRun& run) {
    if (auto erased = ports.pool.erase_dropped(); !erased) return erased;
    const auto upkeep = ports.pool.upkeep(partition);
    if (!upkeep) return upkeep.error();
    if (auto waited = wait_for_readers(**upkeep, run); !waited) return waited;
    run.phase("taking the rows out of the files", 0, "");
    return (*upkeep)->compact();
}

}  // namespace tools::erase
