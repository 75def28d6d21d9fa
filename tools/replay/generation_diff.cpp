#include "tools/replay/generation_diff.hpp"

#include "bus/text.hpp"
#include "schemas/json/json.hpp"

#include <algorithm>

namespace tools::replay {

namespace {

using bus::Done;
using bus::ErrorCode;
using bus::Result;
using schemas::json::Value;

constexpr std::size_t chunk_rows = 2'000;
constexpr std::size_t example_bytes_max = 300;
constexpr schemas::json::Limits document_limits{
    .bytes_max = 16 << 20, .depth_max = 32, .keys_max = 100'000};

// Walks the rows of an instance, or those in a scope of it, without holding more than a chunk. Keys
// are relative to the instance.
class RowCursor {
public:
    RowCursor(const projections::store::Snapshot& rows, std::uint8_t table, std::string instance,
              const std::string& scope)
        : rows_(rows),
          table_(table),
          instance_(std::move(instance)),
          end_(projections::prefix_end(instance_ + scope)) {
        fill(instance_ + scope);
    }
    bool valid() const { return at_ < chunk_.size(); }
    std::string_view key() const { return chunk_[at_].first; }
    std::string_view value() const { return chunk_[at_].second; }
    void next() {
        if (++at_ < chunk_.size() || !more_) return;
        fill(instance_ + chunk_.back().first + '\0');
    }

private:
    void fill(const std::string& from) {
        chunk_.clear();
        at_ = 0;
        more_ = false;
        rows_.scan(table_, from, end_, false, [&](std::string_view key, std::string_view value) {
            if (chunk_.size() == chunk_rows) {
                more_ = true;
                return false;
            }
            chunk_.emplace_back(key.substr(instance_.size()), value);
            return true;
        });
    }

    const projections::store::Snapshot& rows_;
    const std::uint8_t table_;
    const std::string instance_;
    const std::string end_;
    std::vector<std::pair<std::string, std::string>> chunk_;
    std::size_t at_ = 0;
    bool more_ = false;
};

std::string shortened(std::string text) {
    if (text.size() <= example_bytes_max) return text;
    text.resize(example_bytes_max);
    while (!text.empty() && !schemas::json::is_utf8(text)) text.pop_back();
    return text + "...";
}

std::string shown_key(std::string_view key) {
    const bool is_text = std::all_of(key.begin(), key.end(),
                                     [](char c) { return (c >= ' ' && c <= '~') || c == '\0'; });
    if (!is_text) return bus::to_hex(key);
    std::string out{key};
    std::replace(out.begin(), out.end(), '\0', ' ');
    while (out.ends_with(' ')) out.pop_back();
    return out;
}

std::string json_of(Value value) {
    std::string out;
    if (value) value.append_to(out);
    return out;
}

class RowDiff {
public:
    RowDiff(GenerationDiff& diff, std::string_view key) : diff_(diff), key_(key) {}

    void compare(std::string_view before, std::string_view after) {
        const std::string_view shown_before = before.substr(0, before.find('\n'));
        const std::string_view shown_after = after.substr(0, after.find('\n'));
        if (shown_before == shown_after) return note("(state)", "", "");
        thread_local schemas::json::Parser parser_before, parser_after;
        const auto old_document = parser_before.parse(shown_before, document_limits);
        const auto new_document = parser_after.parse(shown_after, document_limits);
        if (!old_document || !new_document) {
            return note("(bytes)", schemas::json::is_utf8(before) ? std::string{before} : "",
                        schemas::json::is_utf8(after) ? std::string{after} : "");
        }
        members("", *old_document, *new_document);
    }
    void note(const std::string& field, std::string before, std::string after) {
        if (!diff_.fields.contains(field) && diff_.fields.size() >= diff_fields_max) return;
        FieldDiff& one = diff_.fields[field];
        ++one.changed;
        if (one.examples.size() < diff_examples_max)
            one.examples.push_back(example(std::move(before), std::move(after)));
    }
    DiffExample example(std::string before, std::string after) const {
        bus::TenantId tenant;
        std::string_view key = key_;
        if (key.size() >= sizeof tenant) {
            tenant.value = projections::KeyReader{key}.number();
            key.remove_prefix(sizeof tenant);
        }
        return {bus::to_string(tenant), shown_key(key), shortened(std::move(before)),
                shortened(std::move(after))};
    }

private:
    using Kind = schemas::json::Kind;

    void members(const std::string& path, Value before, Value after) {
        if (before.kind() != Kind::object || after.kind() != Kind::object) {
            std::string old_text = json_of(before), new_text = json_of(after);
            if (old_text != new_text)
                note(path.empty() ? "(document)" : path, std::move(old_text), std::move(new_text));
            return;
        }
        const auto child = [&](std::string_view name) {
            return path.empty() ? std::string{name} : fmt::format("{}.{}", path, name);
        };
        before.each_member(
            [&](std::string_view name, Value value) { members(child(name), value, after[name]); });
        after.each_member([&](std::string_view name, Value value) {
            if (!before[name]) note(child(name), "", json_of(value));
        });
    }

    GenerationDiff& diff_;
    const std::string_view key_;
};

bool holds_documents(std::uint8_t table) {
    return table == static_cast<std::uint8_t>(projections::Table::rows) ||
           table == static_cast<std::uint8_t>(projections::Table::entries);
}

std::string document_of(std::string_view stored) {
    const std::string_view shown = stored.substr(0, stored.find('\n'));
    return schemas::json::is_utf8(shown) ? std::string{shown} : bus::to_hex(shown);
}

void only_in(std::vector<DiffExample>& examples, GenerationDiff& diff, const RowCursor& row,
             bool is_before) {
    if (examples.size() >= diff_examples_max) return;
    const std::string document = document_of(row.value());
    examples.push_back(
        RowDiff(diff, row.key()).example(is_before ? document : "", is_before ? "" : document));
}

Result<Done> add_table(std::uint8_t table, RowCursor before, RowCursor after,
                       consumers::BuildWatch& watch, GenerationDiff& diff) {
    TableDiff& counts = diff.tables[table];
    const bool documents = holds_documents(table);
    for (std::uint64_t visited = 1; before.valid() || after.valid(); ++visited) {
        if (visited % chunk_rows == 0) {
            watch.advance(chunk_rows);
            if (!watch.go_on())
                return bus::fail(ErrorCode::cancelled, "the comparison was stopped");
        }
        const bool gone = before.valid() && (!after.valid() || before.key() < after.key());
        const bool added = after.valid() && (!before.valid() || after.key() < before.key());
        if (gone) {
            ++counts.gone;
            if (documents) only_in(diff.gone, diff, before, true);
        } else if (added) {
            ++counts.added;
            if (documents) only_in(diff.added, diff, after, false);
        } else if (before.value() == after.value()) {
            ++counts.same;
        } else {
            ++counts.changed;
            if (documents) RowDiff(diff, before.key()).compare(before.value(), after.value());
        }
        if (!added) before.next();
        if (!gone) after.next();
    }
    return Done{};
}

}  // namespace

bool GenerationDiff::is_empty() const {
    return std::all_of(tables.begin(), tables.end(), [](const TableDiff& table) {
        return table.added + table.gone + table.changed == 0;
    });
}

Result<Done> add_difference(const consumers::ProjectorPool::AllRows& rows,
                            const schemas::GenerationName& before,
                            const schemas::GenerationName& after, consumers::BuildWatch& watch,
                            GenerationDiff& diff) {
    const consumers::StoredGeneration* old_one = rows.catalogue.find(before);
    const consumers::StoredGeneration* new_one = rows.catalogue.find(after);
    if (!old_one || !new_one || !new_one->is_fed())
        return bus::fail(ErrorCode::not_found,
                         "generations {} and {} of {} are not both there; resume the replay",
                         before.number, after.number, after.projection);
    // Of a generation of one tenant only that tenant's rows can be compared.
    std::string scope;
    if (const auto tenant = new_one->spec->tenant)
        scope = projections::complete_key(0, *tenant, "").substr(sizeof(projections::InstanceId));
    for (std::uint8_t table = 0; table < projections::table_count; ++table) {
        RowCursor old_rows(*rows.rows, table, consumers::instance_prefix(old_one->instance), scope);
        RowCursor new_rows(*rows.rows, table, consumers::instance_prefix(new_one->instance), scope);
        auto added = add_table(table, std::move(old_rows), std::move(new_rows), watch, diff);
        if (!added) return added;
    }
    if (rows.rows->failure()) return *rows.rows->failure();
    return Done{};
}

}  // namespace tools::replay
