// The rows of records whose bodies have expired: what folding a partition's log begins with.
//
// A base is a store of its own, `partition-N-K` in ProjectorSetup::bases, true at its position; the
// highest K counts. Everything before that position may have expired, everything from there on is
// in the log: rows = base + log. It is made before the first body goes and never changes: it is
// copied (by hard links) and the copy is opened. A file `base` in it says, a line each:
//   tributary base 1 partition N / made TIME / newest TIME / position HEX / the catalogue's lines
// TIME is in microseconds since 1970; `newest` is the latest ingest time among the records that it
// stands for.
#pragma once

#include "consumers/generation_catalogue.hpp"

#include <filesystem>
#include <optional>

namespace consumers {

struct Base {
    std::filesystem::path directory;
    std::uint64_t number = 0;
    bus::Timestamp made_at{};
    bus::Timestamp newest{};
    bus::Position position;
    GenerationCatalogue catalogue;  // without specs and roles
};

inline constexpr std::string_view base_note_name = "base";
std::string base_note(const Base& base);
std::string base_name(bus::PartitionId partition, std::uint64_t number);

struct BaseName {
    bus::PartitionId partition = 0;
    std::uint64_t number = 0;
};
// None: it is of something else.
std::optional<BaseName> parse_base_name(std::string_view name);

// None: nothing has expired. corrupt: its note cannot be read, or is of a later version.
bus::Result<std::optional<Base>> find_base(const std::filesystem::path& bases,
                                           bus::PartitionId partition);
bus::Result<std::optional<Base>> find_base(const ProjectorSetup& setup, bus::PartitionId partition);
// Those before that number which are still there, whatever became of the ones between; also what
// was renamed so that nobody copies it, and could not be removed. unavailable: not known.
inline constexpr std::string_view dropped_base_extension = ".dropped";
bus::Result<std::vector<std::filesystem::path>> older_bases(const std::filesystem::path& bases,
                                                            bus::PartitionId partition,
                                                            std::uint64_t number);
// As a report says it: "a base of 2026-01-31T00:00:00Z, position ...".
std::string to_string(const Base& base);

// True when everything the base stands for is applied there.
bool is_past(const bus::Position& position, const Base& base);

// A new store that holds the rows of these generations as the base has them, true at its position.
// A generation that the base does not know begins with the rows that it went on from when it was
// started (schemas::Origin): each tenant's own, else those of all. Errors: as check_seed().
bus::Result<std::unique_ptr<projections::store::RowStore>> begin_with_base(
    const ProjectorSetup& setup, const Base& base, const std::vector<StoredGeneration>& wanted,
    const projections::store::StoreOptions& options);

// Whether they may begin with it: for who is about to give up the rows that there are. conflict:
// none of its rows is what a generation went on from, or other code made those of a projection.
//
// Rows of an earlier version pass that the projection goes on from. Others pass where nothing is
// lost with them: there are none, and the base stands for
// no record of the topics that the types of the projection name. Neither would do alone: a mapping
// may make a mail of what stands in `web`, which only its row tells, and other code may make a row
// of a mail that gave none. What stands in `web`, was a mail, and gave no row in the whole
// partition is missed, as by a projection that is new. One that takes any type never passes.
bus::Result<bus::Done> check_seed(const ProjectorSetup& setup, const Base& base,
                                  const std::vector<StoredGeneration>& wanted);

// As begin_with_base(), into a store that is open and has no rows of them yet. Done again after a
// crash.
bus::Result<bus::Done> seed_from_base(const ProjectorSetup& setup, const Base& base,
                                      const std::vector<StoredGeneration>& wanted,
                                      projections::store::RowStore& into);

// In any table. What failure() says of the snapshot is for the caller to ask.
bool has_rows(const projections::store::Snapshot& rows, const std::string& prefix);

// All of it, in `directory`, which must not be there.
bus::Result<bus::Done> copy_base(const Base& base, const std::filesystem::path& directory);

}  // namespace consumers
