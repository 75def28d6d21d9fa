#include "tools/retention/expiry_note.hpp"

#include "bus/durable_file.hpp"
#include "bus/text.hpp"
#include "tools/backup/durable_files.hpp"

namespace tools::retention {

using bus::Done;
using bus::ErrorCode;
using bus::Position;
using bus::Result;

namespace {

namespace fs = std::filesystem;

fs::path note_file(const fs::path& bases, bus::PartitionId partition) {
    return bases / fmt::format("partition-{}.expired", partition);
}

std::string_view next_line(std::string_view& text) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    return line;
}

Result<ExpiryNote> parse_note(std::string_view text) {
    const auto bytes = bus::from_hex(next_line(text));
    if (!bytes) return bytes.error();
    const auto position = bus::decode_checkpoint(*bytes);
    if (!position) return position.error();
    ExpiryNote note{.done = *position};
    while (!text.empty()) {
        const auto range = bus::parse_record_range(next_line(text));
        if (!range) return range.error();
        note.kept.push_back(*range);
    }
    return note;
}

}  // namespace

Result<ExpiryNote> read_expiry_note(const fs::path& bases, bus::PartitionId partition) {
    const ExpiryNote nothing{.done = Position{.partition = partition}};
    const auto text = read_whole(note_file(bases, partition));
    if (!text && text.error().code == ErrorCode::not_found) return nothing;
    if (!text) return text.error();
    auto note = parse_note(*text);
    return note && note->done.partition == partition ? *std::move(note) : nothing;
}

Result<Done> write_expiry_note(const fs::path& bases, const ExpiryNote& note) {
    std::string text = bus::to_hex(bus::encode_checkpoint(note.done));
    for (const bus::RecordRange& range : note.kept) text += "\n" + to_string(range);
    return bus::write_durably(note_file(bases, note.done.partition), text);
}

}  // namespace tools::retention
