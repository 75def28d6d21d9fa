#include "bus/embedded/group_writer.hpp"

#include "bus/crash_point.hpp"
#include "bus/crc32c.hpp"
#include "bus/crypto/digest.hpp"
#include "bus/crypto/sealing.hpp"
#include "bus/embedded/segment_footer.hpp"

#include <algorithm>

namespace bus::embedded {
namespace {

constexpr std::uint64_t pad_bytes_max = 2 * frame_align_bytes;

RecordMeta meta_of(const NewRecord& record, Offset offset) {
    RecordMeta meta;
    meta.topic = static_cast<std::uint8_t>(record.topic);
    if (record.tombstone) meta.flags |= Flags::tombstone;
    if (record.dedup) {
        meta.flags |= Flags::dedup;
        meta.dedup = record.dedup->bytes;
    }
    meta.key_bytes = static_cast<std::uint16_t>(record.key.size());
    meta.partition = record.partition;
    meta.headers_bytes = static_cast<std::uint32_t>(record.headers.bytes().size());
    meta.value_bytes = static_cast<std::uint32_t>(record.value.size());
    meta.dedup_window_s = static_cast<std::uint32_t>(record.dedup_window.count());
    meta.offset = offset;
    meta.ingest_us = to_us(record.ingest_time);
    return meta;
}

char* append(char* to, std::string_view bytes) {
    if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
    return to + bytes.size();
}

}  // namespace

void SaltSource::next(char* into) {
    if (used_ + salt_bytes > pool_.size()) {
        crypto::random_bytes(pool_.data(), pool_.size());
        used_ = 0;
    }
    std::memcpy(into, pool_.data() + used_, salt_bytes);
    used_ += salt_bytes;
}

Result<Done> GroupWriter::open(File& file, const SegmentHeader& segment, std::size_t slots,
                               const WritePoint& point, std::size_t records) {
    file_ = &file;
    segment_ = segment;
    slots_ = slots;
    segment_records_ = records;
    point_ = point;
    withdraw();
    const std::uint64_t page = page_floor(point.at);
    AlignedBuffer carried(page_bytes);
    auto read = file.read_at(page, carried.data(), point.at - page);
    if (!read) return read.error();
    arena_ = cache_.start(segment.segment, page, page_bytes, {carried.data(), *read});
    return Done{};
}

std::uint64_t GroupWriter::record_bytes(const NewRecord& record) {
    return sizeof(RecordMeta) + record.key.size() + record.headers.bytes().size() + salt_bytes +
           record.value.size();
}

std::uint64_t GroupWriter::limit(std::size_t more_records) const {
    const std::size_t records = segment_records_ + crcs_.size() + more_records;
    const std::uint64_t footer = footer_bytes(slots_, records, records);
    return segment_.segment_bytes > footer ? segment_.segment_bytes - footer : 0;
}

bool GroupWriter::fits(std::uint64_t record_bytes) const {
    const std::uint64_t end = end_ + record_bytes + pad_bytes_max;
    return end <= arena_->file_end() && end <= limit(1);
}

bool GroupWriter::segment_fits(std::uint64_t record_bytes) const {
    return end_ + record_bytes + pad_bytes_max <= limit(1);
}

void GroupWriter::make_room(std::uint64_t record_bytes) {
    BUS_ASSERT(crcs_.empty(), "a group stands in one arena");
    if (fits(record_bytes)) return;
    const std::uint64_t page = page_floor(point_.at);
    const std::string_view carried(at(page), point_.at - page);
    arena_ =
        cache_.start(segment_.segment, page,
                     carried.size() + sizeof(FrameHeader) + record_bytes + pad_bytes_max, carried);
}

Place GroupWriter::add(const NewRecord& record, Offset offset) {
    RecordMeta meta = meta_of(record, offset);
    const Place place{static_cast<std::uint32_t>(end_),
                      static_cast<std::uint32_t>(meta.record_bytes())};
    char* const start = at(end_);
    char* to = append(start + sizeof meta, record.key);
    to = append(to, record.headers.bytes());
    const std::string_view salt(to, salt_bytes);
    salts_.next(to);
    append(to + salt_bytes, record.value);

    meta.body_hash = crypto::sha256({salt, record.value});
    std::memcpy(start, &meta, sizeof meta);
    const std::string_view covered(start, meta.covered_bytes());
    meta.crc = crc32c(covered.substr(sizeof meta.crc));
    std::memcpy(start, &meta.crc, sizeof meta.crc);

    covered_ += covered;
    crcs_.push_back(meta.crc);
    end_ += place.bytes;
    return place;
}

void GroupWriter::seal_frame() {
    const std::uint64_t end = point_.at + frame_bytes_for(end_ - point_.at - sizeof(FrameHeader));
    FrameHeader header{.records = static_cast<std::uint32_t>(crcs_.size()),
                       .segment = segment_.segment,
                       .sequence = point_.sequence,
                       .bytes = static_cast<std::uint32_t>(end - point_.at)};
    header.chain = next_chain(point_.chain, header, covered_);
    header.crc = frame_crc(segment_, header, crcs_);
    std::memcpy(at(point_.at), &header, sizeof header);
    std::memset(at(end_), 0, page_ceil(end) - end_);
    end_ = end;
    point_.chain = header.chain;
}

Result<Done> GroupWriter::commit() {
    const std::uint64_t start = page_floor(point_.at);
    seal_frame();
    const std::string_view pages(at(start), page_ceil(end_) - start);
    if (auto written = file_->write_at(start, pages); !written) return written;
    crash_point("journal.group_written");
    if (auto synced = file_->sync(); !synced) return synced;
    crash_point("journal.group_synced");
    segment_records_ += crcs_.size();
    point_.at = end_;
    point_.sequence += 1;
    withdraw();
    return Done{};
}

void GroupWriter::blank(std::span<const Blanking> records) {
    BUS_ASSERT(crcs_.empty(), "between groups");
    arena_ = cache_.blank(segment_.segment, records, arena_);
}

void GroupWriter::withdraw() {
    end_ = point_.at + sizeof(FrameHeader);
    crcs_.clear();
    covered_.clear();
}

}  // namespace bus::embedded
