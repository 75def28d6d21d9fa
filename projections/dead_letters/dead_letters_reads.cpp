#include "projections/dead_letters/dead_letters_reads.hpp"

#include "projections/dead_letters/dead_letter_id.hpp"
#include "projections/list_range.hpp"

namespace projections {

bus::Result<ListPage> list_dead_letters(const ReadView& view, const DeadLetterQuery& query) {
    const DeadLetterTag tag = query.discarded ? DeadLetterTag::discarded : DeadLetterTag::open;
    const ListRange range{.table = Table::entries,
                          .prefix = std::string(1, static_cast<char>(tag)),
                          .from = query.from,
                          .to = query.to,
                          .oldest_first = false,
                          .page = query.page,
                          .limit = query.limit,
                          .cursor = query.cursor};
    return list_range(
        view, range,
        [&](const ListedEntry& entry) {
            return query.source.empty() || KeyReader{entry.rest}.text() == query.source;
        },
        [&](const ListedEntry& entry, std::string& out) {
            out += shown_dead_letter(tag, entry.value);
        });
}

std::optional<std::string> get_dead_letter(const ReadView& view, std::string_view id) {
    const auto key = parse_dead_letter_id(id);
    if (!key) return std::nullopt;
    const auto place = view.get(Table::entries, entry_key(DeadLetterTag::place, *key));
    if (!place) return std::nullopt;
    for (const DeadLetterTag tag : {DeadLetterTag::open, DeadLetterTag::discarded}) {
        const auto object = view.get(
            Table::entries, KeyWriter{}.byte(static_cast<std::uint8_t>(tag)).raw(*place).take());
        if (object) return shown_dead_letter(tag, *object);
    }
    return std::nullopt;
}

std::string shown_dead_letter(DeadLetterTag tag, std::string_view object) {
    const std::string_view status = tag == DeadLetterTag::open ? "open" : "discarded";
    std::string out{object.substr(0, object.size() - 1)};
    return out.append(R"(,"status":")").append(status).append("\"}");
}

}  // namespace projections
