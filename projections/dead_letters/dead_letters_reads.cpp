#include "projections/dead_letters/dead_letters_reads.hpp"

#include "projections/dead_letters/dead_letters_fold.hpp"
#include "projections/list_range.hpp"

namespace projections {

bus::Result<ListPage> list_dead_letters(const ReadView& view, const DeadLetterQuery& query) {
    const ListRange range{.table = Table::entries,
                          .prefix = std::string(1, static_cast<char>(dead_letter_tag)),
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
        [](const ListedEntry& entry, std::string& out) { out += entry.value; });
}

}  // namespace projections
