#include "bus/embedded/segment_reader.hpp"

#include "bus/crc32c.hpp"
#include "bus/crypto/digest.hpp"

#include <algorithm>

namespace bus::embedded {
namespace {

bool is_zero(std::string_view bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; });
}

TopicPartition slot_of(const RecordMeta& meta) {
    return {topic_at(meta.topic), meta.partition};
}

}  // namespace

Result<DecodedStart> read_segment_start(File& file, std::size_t bytes) {
    std::string head(bytes, '\0');
    auto read = file.read_at(0, head.data(), head.size());
    if (!read) return read.error();
    head.resize(*read);
    return decode_segment_start(head);
}

std::string wrong_with(const FrameHeader& header, const SegmentHeader& segment,
                       std::uint64_t place_at) {
    if (header.magic != frame_magic) return "no frame";
    if (header.segment != segment.segment)
        return fmt::format("frame of segment {}", header.segment);
    if (header.bytes < sizeof header || header.bytes % frame_align_bytes != 0 ||
        place_at + header.bytes > segment.segment_bytes)
        return fmt::format("frame of {} bytes", header.bytes);
    return {};
}

std::optional<StoredRecord> parse_record(std::string_view bytes) {
    if (bytes.size() < sizeof(RecordMeta)) return std::nullopt;
    StoredRecord record;
    record.meta = load<RecordMeta>(bytes.data());
    const RecordMeta& meta = record.meta;
    if ((meta.flags & ~Flags::known) != 0 || meta.topic >= topic_count) return std::nullopt;
    if (meta.stored_bytes() > bytes.size()) return std::nullopt;
    record.covered = bytes.substr(0, meta.covered_bytes());
    record.key = bytes.substr(sizeof(RecordMeta), meta.key_bytes);
    record.headers = bytes.substr(sizeof(RecordMeta) + meta.key_bytes, meta.headers_bytes);
    if (record.expired()) return record;
    record.salt = bytes.substr(record.covered.size(), salt_bytes);
    record.value = bytes.substr(record.covered.size() + salt_bytes, meta.value_bytes);
    return record;
}

void append_as_written(std::string& out, const StoredRecord& record) {
    const std::size_t at = out.size();
    out += record.covered;
    out[at + flags_at] = static_cast<char>(record.meta.flags & ~Flags::set_later);
}

bool header_checks(const StoredRecord& record) {
    if ((record.meta.flags & Flags::set_later) == 0)
        return record.meta.crc == crc32c(record.covered.substr(sizeof(std::uint32_t)));
    std::string as_written;
    append_as_written(as_written, record);
    return record.meta.crc == crc32c(std::string_view(as_written).substr(sizeof(std::uint32_t)));
}

bool body_checks(const StoredRecord& record) {
    if (record.erased() || record.expired()) return true;
    return crypto::sha256({record.salt, record.value}) == record.meta.body_hash;
}

bool is_blank(const StoredRecord& record) {
    return is_zero(record.salt) && is_zero(record.value);
}

Result<StoredRecord> check_record(std::string_view bytes, const Address& address) {
    auto record = parse_record(bytes);
    if (!record || !header_checks(*record))
        return fail(ErrorCode::corrupt, "the header of record {} is damaged", to_string(address));
    const RecordMeta& meta = record->meta;
    const Address found{topic_at(meta.topic), meta.partition, meta.offset};
    if (found != address)
        return fail(ErrorCode::corrupt, "record {} stands where {} should", to_string(found),
                    to_string(address));
    if (!body_checks(*record))
        return fail(ErrorCode::corrupt, "the body of record {} is damaged", to_string(address));
    return *record;
}

Chain next_chain(const Chain& previous, const FrameHeader& header, std::string_view covered) {
    return crypto::sha256({view(previous), bytes_of(header).substr(0, frame_crc_at), covered});
}

std::uint32_t frame_crc(const SegmentHeader& segment, const FrameHeader& header,
                        std::span<const std::uint32_t> record_crcs) {
    std::uint32_t crc = crc32c(bytes_of(header).substr(0, frame_crc_at), frame_crc_seed(segment));
    crc = crc32c(view(header.chain), crc);
    return crc32c({reinterpret_cast<const char*>(record_crcs.data()), record_crcs.size_bytes()},
                  crc);
}

FrameCheck check_frame(std::string_view bytes, const SegmentHeader& segment,
                       std::uint64_t place_at) {
    FrameCheck out;
    if (bytes.size() < sizeof(FrameHeader)) return {.wrong = "the file ends", .frame = {}};
    const auto header = load<FrameHeader>(bytes.data());
    out.wrong = wrong_with(header, segment, place_at);
    if (!out.wrong.empty()) return out;
    if (bytes.size() < header.bytes) return {.wrong = "the file ends", .frame = {}};

    out.frame.header = header;
    out.frame.stored_bytes = header.bytes;
    const Slots slots(segment.partitions);
    std::vector<std::uint32_t> crcs;
    std::size_t at = sizeof header;
    std::uint64_t written_bytes = 0;
    bool has_expired = false;
    for (std::uint32_t i = 0; i < header.records; ++i) {
        auto record = parse_record(bytes.substr(at, header.bytes - at));
        if (!record || !header_checks(*record) || !slots.contains(slot_of(record->meta))) {
            out.wrong =
                fmt::format("the header of record {} of frame {} is damaged", i, header.sequence);
            return out;
        }
        const auto record_bytes = static_cast<std::uint32_t>(record->meta.stored_bytes());
        written_bytes += record->meta.record_bytes();
        has_expired |= record->expired();
        crcs.push_back(record->meta.crc);
        out.frame.records.push_back(
            {*record, {static_cast<std::uint32_t>(place_at + at), record_bytes}});
        at += record_bytes;
    }
    if (has_expired)
        out.frame.header.bytes = static_cast<std::uint32_t>(frame_bytes_for(written_bytes));
    if (header.crc != frame_crc(segment, out.frame.header, crcs))
        out.wrong = fmt::format("the header of frame {} is damaged", header.sequence);
    else if (!is_zero(bytes.substr(at, header.bytes - at)))
        out.wrong = fmt::format("the padding of frame {} is damaged", header.sequence);
    return out;
}

namespace {

// Beyond check_frame: that it is the next one.
std::string wrong_here(const CheckedFrame& frame, const ScanEnd& here) {
    if (frame.header.sequence != here.next_sequence)
        return fmt::format("frame {} instead of {}", frame.header.sequence, here.next_sequence);
    std::string covered;
    for (const PlacedRecord& placed : frame.records) append_as_written(covered, placed.record);
    if (next_chain(here.chain, frame.header, covered) != frame.header.chain)
        return fmt::format("the chain breaks at frame {}", here.next_sequence);
    return {};
}

std::string wrong_body(const CheckedFrame& frame) {
    for (const PlacedRecord& placed : frame.records) {
        const RecordMeta& meta = placed.record.meta;
        if (!body_checks(placed.record))
            return fmt::format(
                "the body of record {} is damaged",
                to_string(Address{topic_at(meta.topic), meta.partition, meta.offset}));
    }
    return {};
}

}  // namespace

Result<FrameCheck> FrameScan::check_next() {
    auto bytes = window_.get(end_.at, sizeof(FrameHeader));
    if (!bytes) return bytes.error();
    if (bytes->size() >= sizeof(FrameHeader)) {
        const auto header = load<FrameHeader>(bytes->data());
        if (wrong_with(header, segment_, end_.at).empty()) {
            bytes = window_.get(end_.at, header.bytes);
            if (!bytes) return bytes.error();
        }
    }
    FrameCheck check = check_frame(*bytes, segment_, end_.at);
    if (check.wrong.empty()) check.wrong = wrong_here(check.frame, end_);
    if (check.wrong.empty() && bodies_ == Bodies::checked) check.wrong = wrong_body(check.frame);
    return check;
}

Result<bool> FrameScan::step(std::uint64_t bytes, const VisitFrame& visit) {
    const std::uint64_t began_at = end_.at;
    while (end_.next_sequence != until_sequence_) {
        if (end_.at - began_at >= bytes) return false;
        auto check = check_next();
        if (!check) return check.error();
        if (!check->wrong.empty()) {
            end_.wrong = std::move(check->wrong);
            return true;
        }
        visit(check->frame);
        end_.at += check->frame.stored_bytes;
        end_.next_sequence += 1;
        end_.chain = check->frame.header.chain;
    }
    return true;
}

Result<ScanEnd> scan_frames(File& file, const SegmentHeader& segment,
                            std::optional<std::uint64_t> until_sequence, const VisitFrame& visit,
                            Bodies bodies) {
    FrameScan scan(file, segment, until_sequence, bodies);
    if (auto ended = scan.step(segment.segment_bytes, visit); !ended) return ended.error();
    return scan.end();
}

Result<Rest> survey_rest(File& file, const SegmentHeader& segment, std::uint64_t from,
                         std::uint64_t sequence) {
    Rest rest;
    FileWindow window(file);
    const std::string zeros(window_bytes, '\0');
    for (std::uint64_t at = from; at < segment.segment_bytes;) {
        auto chunk = window.get(at, frame_align_bytes);
        if (!chunk) return chunk.error();
        if (chunk->empty()) break;
        const auto bytes = chunk->substr(0, std::min(chunk->size(), window_bytes));
        if (std::memcmp(bytes.data(), zeros.data(), bytes.size()) == 0) {
            at += bytes.size();
            continue;
        }
        const std::uint64_t chunk_at = at;
        const std::string copy(bytes);  // the window moves when a candidate is read whole
        for (std::size_t i = 0; i < copy.size(); i += frame_align_bytes) {
            const auto block = std::string_view(copy).substr(i, frame_align_bytes);
            if (is_zero(block)) continue;
            rest.nonzero_end = chunk_at + i + block.size();
            if (block.size() < sizeof(FrameHeader)) continue;
            const auto header = load<FrameHeader>(block.data());
            if (header.sequence <= sequence || !wrong_with(header, segment, chunk_at + i).empty())
                continue;
            auto whole = window.get(chunk_at + i, header.bytes);
            if (!whole) return whole.error();
            if (check_frame(*whole, segment, chunk_at + i).wrong.empty())
                rest.later_sequence = header.sequence;
        }
        at += copy.size();
    }
    return rest;
}

}  // namespace bus::embedded
