// What one generation of a projection says differently from another, at one moment: rows added,
// gone and changed, by table and by field, with a few examples. A merge of two sorted ranges, so
// memory does not grow with the rows.
#pragma once

#include "consumers/generation_builder.hpp"

#include <array>
#include <map>
#include <string>

namespace tools::replay {

struct DiffExample {
    std::string tenant;
    std::string key;     // of the row, hex where it is not text
    std::string before;  // JSON, "" = absent
    std::string after;
};

struct FieldDiff {
    std::uint64_t changed = 0;
    std::vector<DiffExample> examples;  // at most diff_examples_max
};

struct TableDiff {
    std::uint64_t same = 0;
    std::uint64_t added = 0;
    std::uint64_t gone = 0;
    std::uint64_t changed = 0;
};

inline constexpr std::size_t diff_examples_max = 3;
inline constexpr std::size_t diff_fields_max = 200;

struct GenerationDiff {
    std::array<TableDiff, projections::table_count> tables;
    // Of documents in rows and entries: "talk_s", "customer.name"; "(state)" is what only the fold
    // sees, "(bytes)" what is no document.
    std::map<std::string, FieldDiff> fields;
    std::vector<DiffExample> added, gone;  // whole rows, a few

    bool is_empty() const;
};

// Adds the rows of one partition. not_found: the catalogue has not both of them.
bus::Result<bus::Done> add_difference(const consumers::ProjectorPool::AllRows& rows,
                                      const schemas::GenerationName& before,
                                      const schemas::GenerationName& after,
                                      consumers::BuildWatch& watch, GenerationDiff& diff);

}  // namespace tools::replay
