// The journal's files, version 1. All integers are little endian.
//
//   directory = "lock" ("<id, 12 digits>.segment")+ ["spare"] ["beside"]
//   segment   = header frame* zero* [footer]       fixed size, made of zeros beforehand
//   header    = SegmentHeader ends zero*           up to a page; ends: u64 per slot
//   (bus/slots.hpp),
//                                                  the offset at which each topic partition goes on
//   frame     = FrameHeader record+ pad            one commit group; a multiple of 64 bytes;
//                                                  pad: 64 to 127 zeros
//   record    = RecordMeta key headers salt value  salt: 16 random bytes
//             | RecordMeta key headers             with Flags::removed
//   footer    = dedup places counts fences filter zero* SegmentTrailer      ends with the file
//   dedup     = (DedupEntry{63} u32 crc u32 count zero{24})*     sorted by fingerprint
//   places    = Place*                             by slot, then offset
//   counts    = u64 per slot                       records of each slot in this segment
//   fences    = u64*                               first 8 bytes (big endian) of each dedup block
//   filter    = (u32{8})*                          split block Bloom filter over the fingerprints
//
// Checks. A record's CRC covers meta, key and headers; a frame's CRC covers its header and the CRCs
// of its records, and starts from the segment's secret nonce, so that no body can pose as a frame.
// chain(n) = SHA-256(chain(n-1), frame header up to its CRC, meta + key + headers of each record).
// None of them covers a body or its salt: those are bound by body_hash = SHA-256(salt, value), so
// an erased body leaves every other proof intact.
//
// Erasing: Flags::erased is set in place and synced, then body and salt are zeroed and synced. CRC
// and chain are taken with that flag cleared, as the record was written. A record with the flag
// whose body is not zeros yet was being erased when the process ended; it reads as erased, and the
// erasure is done again (bus/log.hpp, Log::erase).
//
// Expiring: Flags::removed says that retention took salt and body out. The segment's file was
// written anew beside the old one (`beside`), synced and renamed over it, so a file is of before or
// of after. In it a frame's length and places are those of the file; CRC and chain are taken with
// that flag cleared and with the length that the frame was written with, which follows from its
// records.
//
// A reader that meets a flag it does not know says corrupt.
#pragma once

#include "bus/embedded/aligned_buffer.hpp"
#include "bus/ids.hpp"
#include "bus/log.hpp"
#include "bus/slots.hpp"

#include <bit>
#include <cstddef>

namespace bus::embedded {

static_assert(std::endian::native == std::endian::little, "the format is little endian");

inline constexpr std::uint32_t format_version = 1;
inline constexpr std::array<char, 8> segment_magic{'T', 'R', 'I', 'B', 'J', 'R', 'N', 'L'};
inline constexpr std::array<char, 8> trailer_magic{'T', 'R', 'I', 'B', 'F', 'O', 'O', 'T'};
inline constexpr std::uint32_t frame_magic = 0x31474A54;  // "TJG1"
inline constexpr std::uint64_t frame_align_bytes = 64;
inline constexpr std::size_t value_padding_bytes = 64;
inline constexpr std::size_t salt_bytes = 16;

using Chain = std::array<std::uint8_t, 32>;

struct SegmentHeader {
    std::array<char, 8> magic = segment_magic;
    std::uint32_t version = format_version;
    std::uint32_t crc = 0;  // of header and ends, taken with crc = 0
    std::uint64_t segment = 0;
    std::uint64_t first_sequence = 0;  // of its first frame
    std::uint64_t segment_bytes = 0;
    std::uint32_t header_bytes = 0;
    std::uint32_t partitions = 0;
    std::int64_t created_us = 0;
    std::array<std::uint8_t, 16> nonce{};
    Chain chain{};  // of the frame before the first
};
static_assert(sizeof(SegmentHeader) == 104);

struct FrameHeader {
    std::uint32_t magic = frame_magic;
    std::uint32_t records = 0;
    std::uint64_t segment = 0;
    std::uint64_t sequence = 0;
    std::uint32_t bytes = 0;  // of the whole frame
    std::uint32_t crc = 0;
    Chain chain{};
};
static_assert(sizeof(FrameHeader) == 64);
inline constexpr std::size_t frame_crc_at = 28;

// Of a frame whose records take so many bytes: its padding leaves a reader what it may read ahead.
constexpr std::uint64_t frame_bytes_for(std::uint64_t records_bytes) {
    const std::uint64_t end = sizeof(FrameHeader) + records_bytes + value_padding_bytes;
    return (end + frame_align_bytes - 1) / frame_align_bytes * frame_align_bytes;
}

struct Flags {
    static constexpr std::uint8_t tombstone = 1;
    static constexpr std::uint8_t dedup = 2;
    static constexpr std::uint8_t erased = 4;
    static constexpr std::uint8_t removed = 8;
    static constexpr std::uint8_t known = tombstone | dedup | erased | removed;
    static constexpr std::uint8_t set_later = erased | removed;
};

struct RecordMeta {
    std::uint32_t crc = 0;  // of all that follows it, key and headers included
    std::uint8_t topic = 0;
    std::uint8_t flags = 0;
    std::uint16_t key_bytes = 0;
    std::uint32_t partition = 0;
    std::uint32_t headers_bytes = 0;
    std::uint32_t value_bytes = 0;
    std::uint32_t dedup_window_s = 0;
    std::uint64_t offset = 0;
    std::int64_t ingest_us = 0;
    std::array<std::uint8_t, 32> body_hash{};
    std::array<std::uint8_t, 16> dedup{};

    std::uint64_t covered_bytes() const {
        return sizeof(RecordMeta) + key_bytes + std::uint64_t{headers_bytes};
    }
    std::uint64_t record_bytes() const { return covered_bytes() + salt_bytes + value_bytes; }
    // In the file: without what retention has taken out.
    std::uint64_t stored_bytes() const {
        return (flags & Flags::removed) != 0 ? covered_bytes() : record_bytes();
    }
};
static_assert(sizeof(RecordMeta) == 88);
inline constexpr std::size_t flags_at = 5;
static_assert(offsetof(RecordMeta, flags) == flags_at);

// Where a record stands in its segment's file.
struct Place {
    std::uint32_t at = 0;
    std::uint32_t bytes = 0;
    bool operator==(const Place&) const = default;
};
static_assert(sizeof(Place) == 8);

struct DedupEntry {
    DedupKey key;
    std::int64_t until_us = 0;  // seen by records with an earlier ingest time
    Place place;
};
static_assert(sizeof(DedupEntry) == 32);

inline constexpr std::size_t dedup_block_entries = 63;
inline constexpr std::size_t dedup_block_bytes = 2048;

struct SegmentTrailer {
    std::array<char, 8> magic = trailer_magic;
    std::uint32_t version = format_version;
    std::uint32_t crc = 0;  // of the trailer, taken with crc = 0
    std::uint64_t segment = 0;
    std::uint64_t next_sequence = 0;
    Chain chain{};  // of the last frame
    std::uint64_t dedup_at = 0, dedup_count = 0;
    std::uint64_t places_at = 0, places_count = 0;
    std::uint64_t head_at = 0, head_bytes = 0;  // counts, fences, filter
    std::uint64_t filter_blocks = 0;
    std::int64_t dedup_until_us = 0;  // the latest of its entries
    std::uint32_t places_crc = 0;
    std::uint32_t head_crc = 0;
};
static_assert(sizeof(SegmentTrailer) == 136);

template <class T>
T load(const char* from) {
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
}
template <class T>
std::string_view bytes_of(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}
inline std::string_view view(const Chain& chain) {
    return bytes_of(chain);
}

// Header and ends of a segment in one buffer of header.header_bytes.
struct SegmentStart {
    SegmentHeader header;
    std::vector<Offset> ends;  // by slot
};
std::uint32_t header_bytes_for(const Slots& slots);
AlignedBuffer encode_segment_start(SegmentStart start);

enum class HeaderState { valid, damaged, other_version };
struct DecodedStart {
    HeaderState state = HeaderState::damaged;
    std::uint32_t version = 0;
    SegmentStart start;
};
DecodedStart decode_segment_start(std::string_view bytes);

std::uint32_t frame_crc_seed(const SegmentHeader& header);

std::string segment_file_name(std::uint64_t id);
std::optional<std::uint64_t> parse_segment_file_name(std::string_view name);

Timestamp to_timestamp(std::int64_t us);
std::int64_t to_us(Timestamp time);

}  // namespace bus::embedded
