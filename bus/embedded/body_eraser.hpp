// Blanks bodies in place: first every record is marked and the marks are synced, then bodies and
// salts are zeroed and synced (journal_format.hpp, "Erasing").
#pragma once

#include "bus/embedded/file_ops.hpp"
#include "bus/embedded/journal_format.hpp"

#include <span>

namespace bus::embedded {

// The bytes of one record that an erasure changes, by their place in the file.
struct Blanking {
    std::uint64_t flags_at = 0;
    std::uint64_t body_at = 0;  // its salt
    std::uint64_t end = 0;
};

struct PlacedAddress {
    Place place;
    Address address;
};

// What is to be changed for the record at that place. corrupt: another record stands there, or its
// header is damaged.
Result<Blanking> blanking_of(File& file, const PlacedAddress& record);

// Nobody else may write to those pages meanwhile. Safe to repeat. unavailable: it may be half done.
Result<Done> blank_in_file(File& file, std::span<const Blanking> records);

// The same in memory that mirrors the file from `file_at`.
void blank_in_memory(char* bytes, std::uint64_t file_at, std::uint64_t file_end,
                     std::span<const Blanking> records);

}  // namespace bus::embedded
