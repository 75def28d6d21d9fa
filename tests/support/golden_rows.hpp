// Rows as an earlier version of a projection wrote them, in tests/support/golden/rows, a file per
// version: "mails_v3.txt". Lines, their parts behind tabs, bytes that are not printed as \xNN:
//   event JSON                what the rows were folded from, in batches of one
//   later JSON                what comes to them afterwards
//   measured FINGERPRINT      of the measures that counted them
//   TABLE KEY VALUE           rows, entries, index, measures: under instance 1, tenant 5
//   differs-encoded REGEX     what today's code says otherwise of the same row, on purpose
//   differs-folded REGEX      what it says otherwise of rows that it has folded further
// An event's JSON has type, id, at (seconds), stored (seconds; else as `at`), source, repeat (so
// many, each with the next id and second), phone_key, and fields.
//
// Before a version is raised whose rows the next one goes on from: write a file of its name with
// events alone (those of the version before, and what is new), and have its rows written by
//   golden_rows_test -tc='*are written*' --no-skip
#pragma once

#include "tests/support/folding.hpp"

#include <filesystem>

namespace tests {

struct GoldenRows {
    std::vector<TestEvent> events, later;
    std::string measured;
    projections::MemoryRows rows;
    std::string differs_encoded, differs_folded;  // "" = nothing

    bool has_rows() const {
        return !rows.rows(projections::Table::rows).empty() ||
               !rows.rows(projections::Table::entries).empty();
    }
};

std::filesystem::path golden_file(std::string_view projection, std::uint32_t version);
// Fails the test when it cannot be read.
GoldenRows read_golden(const std::filesystem::path& file);
void append_golden(const std::filesystem::path& file, std::string_view measured,
                   const projections::MemoryRows& rows);

}  // namespace tests
