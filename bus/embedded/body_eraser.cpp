#include "bus/embedded/body_eraser.hpp"

#include "bus/crash_point.hpp"
#include "bus/embedded/segment_reader.hpp"

#include <algorithm>

namespace bus::embedded {
namespace {

constexpr std::uint64_t step_bytes = 1u << 20;

// Reads whole pages, lets `change` work on them and writes them back.
template <class Change>
Result<Done> rewrite(File& file, std::uint64_t from, std::uint64_t to, Change change) {
    const std::uint64_t start = page_floor(from);
    AlignedBuffer pages(page_ceil(to) - start);
    auto read = file.read_at(start, pages.data(), pages.size());
    if (!read) return read.error();
    if (*read != pages.size()) return fail(ErrorCode::corrupt, "a segment file is too short");
    change(pages.data() + (from - start));
    return file.write_at(start, pages.view());
}

void set_flag(char* flags) {
    *flags = static_cast<char>(static_cast<std::uint8_t>(*flags) | Flags::erased);
}

Result<Done> zero(File& file, std::uint64_t from, std::uint64_t to) {
    while (from < to) {
        const std::uint64_t end = std::min(to, page_floor(from) + step_bytes);
        auto written = rewrite(file, from, end, [&](char* at) { std::memset(at, 0, end - from); });
        if (!written) return written;
        from = end;
    }
    return Done{};
}

}  // namespace

Result<Blanking> blanking_of(File& file, const PlacedAddress& record) {
    std::string bytes(record.place.bytes, '\0');
    auto read = file.read_at(record.place.at, bytes.data(), bytes.size());
    if (!read) return read.error();
    bytes.resize(*read);
    const auto stored = parse_record(bytes);
    if (!stored || !header_checks(*stored) ||
        Address{topic_at(stored->meta.topic), stored->meta.partition, stored->meta.offset} !=
            record.address)
        return fail(ErrorCode::corrupt, "the header of record {} is damaged",
                    to_string(record.address));
    return Blanking{.flags_at = record.place.at + flags_at,
                    .body_at = record.place.at + stored->meta.covered_bytes(),
                    .end = record.place.at + stored->meta.stored_bytes()};
}

Result<Done> blank_in_file(File& file, std::span<const Blanking> records) {
    for (const Blanking& one : records)
        if (auto marked = rewrite(file, one.flags_at, one.flags_at + 1, set_flag); !marked)
            return marked;
    if (auto synced = file.sync(); !synced) return synced;
    crash_point("journal.erase.marked");
    bool first = true;
    for (const Blanking& one : records) {
        if (auto zeroed = zero(file, one.body_at, one.end); !zeroed) return zeroed;
        if (std::exchange(first, false)) crash_point("journal.erase.zeroing");
    }
    auto synced = file.sync();
    crash_point("journal.erase.synced");
    return synced;
}

void blank_in_memory(char* bytes, std::uint64_t file_at, std::uint64_t file_end,
                     std::span<const Blanking> records) {
    for (const Blanking& one : records) {
        if (file_at <= one.flags_at && one.flags_at < file_end)
            set_flag(bytes + (one.flags_at - file_at));
        const std::uint64_t from = std::max(one.body_at, file_at);
        const std::uint64_t to = std::min(one.end, file_end);
        if (from < to) std::memset(bytes + (from - file_at), 0, to - from);
    }
}

}  // namespace bus::embedded
