#include "bus/embedded/journal_format.hpp"

#include "bus/crc32c.hpp"

#include <charconv>

namespace bus::embedded {
namespace {

std::uint32_t start_crc(SegmentHeader header, std::string_view ends) {
    header.crc = 0;
    return crc32c(ends, crc32c(bytes_of(header)));
}

}  // namespace

std::uint32_t header_bytes_for(const Slots& slots) {
    return static_cast<std::uint32_t>(
        page_ceil(sizeof(SegmentHeader) + slots.count() * sizeof(Offset)));
}

AlignedBuffer encode_segment_start(SegmentStart start) {
    const std::string_view ends(reinterpret_cast<const char*>(start.ends.data()),
                                start.ends.size() * sizeof(Offset));
    start.header.crc = start_crc(start.header, ends);
    auto buffer = AlignedBuffer::zeroed(start.header.header_bytes);
    std::memcpy(buffer.data(), &start.header, sizeof start.header);
    std::memcpy(buffer.data() + sizeof start.header, ends.data(), ends.size());
    return buffer;
}

DecodedStart decode_segment_start(std::string_view bytes) {
    DecodedStart out;
    if (bytes.size() < sizeof(SegmentHeader)) return out;
    const auto header = load<SegmentHeader>(bytes.data());
    if (header.magic != segment_magic) return out;
    out.version = header.version;
    if (header.version != format_version) {
        out.state = HeaderState::other_version;
        return out;
    }
    const Slots slots(header.partitions);
    const std::size_t ends_bytes = slots.count() * sizeof(Offset);
    if (header.partitions == 0 || bytes.size() - sizeof header < ends_bytes) return out;
    const auto ends = bytes.substr(sizeof header, ends_bytes);
    if (header.crc != start_crc(header, ends)) return out;
    out.start.header = header;
    out.start.ends.resize(slots.count());
    std::memcpy(out.start.ends.data(), ends.data(), ends.size());
    out.state = HeaderState::valid;
    return out;
}

std::uint32_t frame_crc_seed(const SegmentHeader& header) {
    return crc32c(bytes_of(header.nonce), 0x7472696Bu);
}

std::string segment_file_name(std::uint64_t id) {
    return fmt::format("{:012}.segment", id);
}

std::optional<std::uint64_t> parse_segment_file_name(std::string_view name) {
    constexpr std::string_view suffix = ".segment";
    if (name.size() != 12 + suffix.size() || !name.ends_with(suffix)) return std::nullopt;
    std::uint64_t id = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + 12, id);
    if (error != std::errc{} || end != name.data() + 12) return std::nullopt;
    return id;
}

Timestamp to_timestamp(std::int64_t us) {
    return Timestamp{microseconds{us}};
}
std::int64_t to_us(Timestamp time) {
    return time.time_since_epoch().count();
}

}  // namespace bus::embedded
