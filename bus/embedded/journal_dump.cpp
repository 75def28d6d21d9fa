#include "bus/embedded/journal_dump.hpp"

#include "bus/embedded/segment_footer.hpp"
#include "bus/embedded/segment_reader.hpp"
#include "bus/text.hpp"

namespace bus::embedded {
namespace {

using Line = std::function<void(std::string_view)>;

void show_frame(const CheckedFrame& frame, const DumpOptions& options, const Line& line) {
    line(fmt::format("frame sequence={} records={} bytes={} chain={}", frame.header.sequence,
                     frame.header.records, frame.header.bytes,
                     to_hex(view(frame.header.chain).substr(0, 8))));
    if (!options.records) return;
    for (const PlacedRecord& placed : frame.records) {
        const RecordMeta& meta = placed.record.meta;
        const Address address{topic_at(meta.topic), meta.partition, meta.offset};
        line(fmt::format(
            "record address={} at={} ingest_time={} key_bytes={} headers_bytes={} value_bytes={} "
            "tombstone={} erased={} expired={} dedup={}",
            to_string(address), placed.place.at, to_iso(to_timestamp(meta.ingest_us)),
            meta.key_bytes, meta.headers_bytes, meta.value_bytes,
            (meta.flags & Flags::tombstone) != 0, placed.record.erased(), placed.record.expired(),
            (meta.flags & Flags::dedup) ? to_hex(bytes_of(meta.dedup)) : "none"));
    }
}

}  // namespace

Result<Done> dump_segment(const std::filesystem::path& path, const DumpOptions& options,
                          const Line& line) {
    auto file = real_files().open(path);
    if (!file) return file.error();
    const auto start = read_segment_start(**file);
    if (!start) return start.error();
    const DecodedStart& decoded = *start;
    if (decoded.state == HeaderState::other_version)
        return fail(ErrorCode::invalid_input, "{} has journal format version {}", path.string(),
                    decoded.version);
    if (decoded.state != HeaderState::valid)
        return fail(ErrorCode::corrupt, "{} has no segment header", path.string());

    const SegmentHeader& header = decoded.start.header;
    line(fmt::format("segment id={} version={} partitions={} bytes={} first_sequence={} created={}",
                     header.segment, header.version, header.partitions, header.segment_bytes,
                     header.first_sequence, to_iso(to_timestamp(header.created_us))));
    const Slots slots(header.partitions);
    auto footer = SegmentFooter::read(**file, header, slots.count());
    if (!footer) return footer.error();
    std::optional<std::uint64_t> until;
    if (*footer) until = (*footer)->next_sequence();
    auto end = scan_frames(**file, header, until,
                           [&](const CheckedFrame& frame) { show_frame(frame, options, line); });
    if (!end) return end.error();
    if (until) {
        line(fmt::format("footer next_sequence={}", *until));
        if (end->next_sequence == *until) return Done{};
        return fail(ErrorCode::corrupt, "{}: {} at byte {}", path.string(), end->wrong, end->at);
    }
    line(fmt::format("end at={} next_sequence={}", end->at, end->next_sequence));
    auto rest = survey_rest(**file, header, end->at, end->next_sequence);
    if (!rest) return rest.error();
    if (rest->nonzero_end > 0)
        return fail(ErrorCode::corrupt, "{}: {} at byte {}", path.string(), end->wrong, end->at);
    return Done{};
}

}  // namespace bus::embedded
