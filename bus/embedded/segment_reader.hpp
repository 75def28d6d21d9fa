// Reads and checks what group_writer wrote: single records, frames, the frames of a whole segment.
#pragma once

#include "bus/embedded/file_window.hpp"
#include "bus/embedded/journal_format.hpp"

#include <functional>
#include <span>

namespace bus::embedded {

inline constexpr std::size_t segment_start_bytes_max = 1u << 16;  // with the most partitions

// The beginning of a segment file, of which `bytes` are read: with fewer than its partitions take
// it is `damaged`. Errors: those of reading.
Result<DecodedStart> read_segment_start(File& file, std::size_t bytes = segment_start_bytes_max);

// Views into the bytes it was parsed from.
struct StoredRecord {
    RecordMeta meta;
    std::string_view covered;  // meta, key and headers: what CRC and chain speak of
    std::string_view key, headers, salt, value;

    bool erased() const { return (meta.flags & Flags::erased) != 0; }
    bool expired() const { return (meta.flags & Flags::removed) != 0; }
    std::string_view body() const { return erased() ? value.substr(0, 0) : value; }
};

// Splits the bytes at the front; nullopt when they end early or hold a flag we do not know.
std::optional<StoredRecord> parse_record(std::string_view bytes);

bool header_checks(const StoredRecord& record);  // meta, key, headers
bool body_checks(const StoredRecord& record);    // salt, value; nothing to check when erased
bool is_blank(const StoredRecord& record);       // salt and value are zeros
// What chain and CRC speak of: the covered bytes without the marks that were set later.
void append_as_written(std::string& out, const StoredRecord& record);

// A record that must be the one at `address`: anything else is corrupt, and says what is wrong.
Result<StoredRecord> check_record(std::string_view bytes, const Address& address);

struct PlacedRecord {
    StoredRecord record;
    Place place;
};

struct CheckedFrame {
    FrameHeader header;              // as written, which is what CRC and chain speak of
    std::uint32_t stored_bytes = 0;  // in the file
    std::vector<PlacedRecord> records;
};

// Why these bytes cannot begin a frame, by the header alone; empty when they can.
std::string wrong_with(const FrameHeader& header, const SegmentHeader& segment,
                       std::uint64_t place_at);

// Why a frame is not one; empty when it is. Needs the frame's bytes; `place_at` is where they
// stand.
struct FrameCheck {
    std::string wrong;
    CheckedFrame frame;
};
FrameCheck check_frame(std::string_view bytes, const SegmentHeader& segment,
                       std::uint64_t place_at);

Chain next_chain(const Chain& previous, const FrameHeader& header, std::string_view covered);
std::uint32_t frame_crc(const SegmentHeader& segment, const FrameHeader& header,
                        std::span<const std::uint32_t> record_crcs);

struct ScanEnd {
    std::uint64_t at = 0;             // where the next frame would stand
    std::uint64_t next_sequence = 0;  // which it would have
    Chain chain{};
    std::string wrong;  // why what stands there is not a frame
};
using VisitFrame = std::function<void(const CheckedFrame&)>;

enum class Bodies { checked, as_they_are };

// Walks a segment frame by frame, checking CRC, chain, sequence and, if asked to, bodies. Ends
// before the frame `until_sequence`, else at the first place without a good frame.
class FrameScan {
public:
    // The file outlives this.
    FrameScan(File& file, const SegmentHeader& segment, std::optional<std::uint64_t> until_sequence,
              Bodies bodies = Bodies::checked)
        : segment_(segment),
          until_sequence_(until_sequence),
          bodies_(bodies),
          end_{.at = segment.header_bytes,
               .next_sequence = segment.first_sequence,
               .chain = segment.chain,
               .wrong = {}},
          window_(file) {}

    // Goes on until `bytes` or a little more are behind it. True when it has ended.
    Result<bool> step(std::uint64_t bytes, const VisitFrame& visit);
    const ScanEnd& end() const { return end_; }

private:
    Result<FrameCheck> check_next();

    const SegmentHeader segment_;
    const std::optional<std::uint64_t> until_sequence_;
    const Bodies bodies_;
    ScanEnd end_;
    FileWindow window_;
};
// All of it at once.
Result<ScanEnd> scan_frames(File& file, const SegmentHeader& segment,
                            std::optional<std::uint64_t> until_sequence, const VisitFrame& visit,
                            Bodies bodies = Bodies::checked);

// What stands behind the last good frame.
struct Rest {
    std::uint64_t nonzero_end = 0;                // 0 when all is zero
    std::optional<std::uint64_t> later_sequence;  // of a good frame after `sequence`
};
Result<Rest> survey_rest(File& file, const SegmentHeader& segment, std::uint64_t from,
                         std::uint64_t sequence);

}  // namespace bus::embedded
