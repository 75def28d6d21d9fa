// What Projection::goes_on_from() promises, held against rows that earlier versions wrote.
#include "tests/support/golden_rows.hpp"

#include "projections/conversations/conversation_row.hpp"
#include "projections/conversations/message_row.hpp"
#include "projections/mails/mail_row.hpp"
#include "projections/mails/thread_row.hpp"
#include "projections/measures/measure_set.hpp"
#include "tools/projection_list.hpp"

#include <doctest/doctest.h>

#include <regex>

using namespace projections;
using tests::GoldenRows;
using tests::TestEvent;

namespace {

constexpr InstanceId instance{1};
constexpr bus::TenantId tenant{5};  // of every TestEvent

const MeasureSet& measures() {
    static const auto set = *MeasureSet::compile(built_in_measure_files());
    return *set;
}

void finish(Batch& batch, MemoryRows& rows) {
    const auto writes = batch.finish();
    REQUIRE_MESSAGE(writes, (writes ? "" : writes.error().message));
    rows.apply(*writes);
}

void fold(const Projection& projection, const std::vector<TestEvent>& events, MemoryRows& rows) {
    Batch batch{rows, &measures()};
    for (const TestEvent& event : events) {
        projection.fold(event.event(), batch.rows(instance, tenant));
        finish(batch, rows);
    }
}

template <class Type>
void restate_as(Rows& rows, std::string_view key, std::string_view value) {
    auto& row = rows.edit<Type>(Table::rows, key);
    REQUIRE(row.decode(value));
    row.decode_key(key);
}

// What stands under a projection's keys, by their first byte.
using Restate = void (*)(Rows&, std::string_view, std::string_view);
const std::map<std::string, std::map<char, Restate>, std::less<>> row_kinds{
    {"mails", {{'m', restate_as<mail::MailRow>}, {'t', restate_as<mail::ThreadRow>}}},
    {"conversations",
     {{'c', restate_as<chat::ConversationRow>},
      {'m', restate_as<chat::MessageRow>},
      {'n', restate_as<chat::CountRow>}}},
    {"timeline", {}}};  // entries alone

// The same rows as today's code encodes, indexes and measures them.
MemoryRows restated(std::string_view projection, const MemoryRows& stored) {
    const auto kinds = row_kinds.find(projection);
    REQUIRE_MESSAGE(kinds != row_kinds.end(), "row_kinds does not know the projection");
    MemoryRows rows;
    Batch batch{rows, &measures()};
    Rows& into = batch.rows(instance, tenant);
    const std::size_t scope = complete_key(instance, tenant, "").size();
    for (const auto& [key, value] : stored.rows(Table::rows))
        kinds->second.at(key.at(scope))(into, std::string_view{key}.substr(scope), value);
    for (const auto& [key, value] : stored.rows(Table::entries))
        into.put(Table::entries, std::string_view{key}.substr(scope), value);
    finish(batch, rows);
    return rows;
}

MemoryRows::TableRows without(const MemoryRows::TableRows& rows, const std::string& differs) {
    if (differs.empty()) return rows;
    const std::regex regex(differs);
    MemoryRows::TableRows rest;
    for (const auto& [key, value] : rows) rest[key] = std::regex_replace(value, regex, "");
    return rest;
}

void check_same(const MemoryRows& found, const MemoryRows& wanted, const std::string& differs,
                bool with_measures) {
    const auto rows = without(found.rows(Table::rows), differs);
    for (const auto& [key, value] : without(wanted.rows(Table::rows), differs)) {
        const auto same = rows.find(key);
        REQUIRE(same != rows.end());
        CHECK(same->second == value);
    }
    CHECK(rows.size() == wanted.rows(Table::rows).size());
    for (const Table table : {Table::entries, Table::index})
        CHECK(found.rows(table) == wanted.rows(table));
    if (with_measures) CHECK(found.rows(Table::measures) == wanted.rows(Table::measures));
}

void check_goes_on_from(const Projection& projection, const GoldenRows& golden) {
    REQUIRE(golden.has_rows());
    const std::string_view name = projection.name();
    // With other measures no rows are gone on from (consumers/base_rows.hpp).
    const bool same_measures = golden.measured == measures().fingerprint(name);
    check_same(restated(name, golden.rows), golden.rows, golden.differs_encoded, same_measures);

    MemoryRows gone_on = golden.rows;
    fold(projection, golden.later, gone_on);
    MemoryRows anew;
    fold(projection, golden.events, anew);
    fold(projection, golden.later, anew);
    check_same(restated(name, gone_on), anew, golden.differs_folded, same_measures);
    if (!same_measures) return;
    // Kept up to date by each write, not only found when all is made anew.
    CHECK(gone_on.rows(Table::index) == anew.rows(Table::index));
    CHECK(gone_on.rows(Table::measures) == anew.rows(Table::measures));
}

}  // namespace

TEST_CASE(
    "golden: rows of every version that a projection goes on from are read and fed as its own") {
    for (const Projection* projection : tools::all_projections())
        for (std::uint32_t version = projection->goes_on_from(); version < projection->version();
             ++version) {
            const auto file = tests::golden_file(projection->name(), version);
            CAPTURE(file.string());
            check_goes_on_from(*projection, tests::read_golden(file));
        }
}

TEST_CASE("golden: the rows of today are written where a file has events alone" * doctest::skip()) {
    for (const Projection* projection : tools::all_projections()) {
        const auto file = tests::golden_file(projection->name(), projection->version());
        if (!std::filesystem::exists(file)) continue;
        const GoldenRows golden = tests::read_golden(file);
        if (golden.has_rows()) continue;
        MemoryRows rows;
        fold(*projection, golden.events, rows);
        tests::append_golden(file, measures().fingerprint(projection->name()), rows);
    }
}
