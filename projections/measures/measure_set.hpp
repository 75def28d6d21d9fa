// Measures: a dashboard number is a YAML file (PRODUCT M8; the language is in
// schemas/measures/MEASURES.md).
//
// Fed by row transitions: what a row counted before is subtracted, what it counts now is added, in
// the same write. Aggregates are integers (counts, sums, log-bucket histograms with at most 1 %
// error, reference-counted keys for distinct) per UTC quarter-hour with daily roll-ups; the asked
// zone is applied when read. So duplicates, late events and a changed time zone need no repair.
// Sums are kept modulo 2^64: one that does not fit in 63 bits shows a wrong number, until the rows
// that made it absurd are gone.
#pragma once

#include "projections/projection.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace projections {

// Down and up to a whole quarter-hour, the finest that is kept.
bus::Timestamp quarter_floor(bus::Timestamp time);
bus::Timestamp quarter_ceiling(bus::Timestamp time);

class MeasureSet {
public:
    // `files` are (file name, text). invalid_input: "file:line:column: reason".
    static bus::Result<std::shared_ptr<const MeasureSet>> compile(
        const std::vector<std::pair<std::string, std::string>>& files);
    virtual ~MeasureSet() = default;

    // Subtracts `before` and adds `after` (either may be null) for every measure over their kind.
    virtual void transition(const Row* before, const Row* after, Rows& aggregates) const = 0;

    // Changes when a measure over this projection's rows changes; "" when there is none.
    virtual std::string fingerprint(std::string_view projection) const = 0;
    // Whose rows a measure counts: its aggregates stand under that projection's instance.
    // not_found: no such measure.
    virtual bus::Result<std::string_view> projection_of(std::string_view measure) const = 0;
    virtual std::vector<std::string> names() const = 0;
    // One measure or all as the catalogue shows them (JSON): name, description, unit, dimensions,
    // values.
    virtual std::string describe() const = 0;

    struct Query {
        std::string measure{};
        bus::Timestamp from{};  // both whole quarter-hours
        bus::Timestamp to{};
        std::string time_zone = "UTC";
        std::string bucket{};           // "", hour, day, week, month; "" = one total
        std::vector<std::string> by{};  // dimensions to keep, in this order
        std::map<std::string, std::vector<std::string>> filters{};  // dimension -> wanted values
        std::size_t groups_max = 1000;  // more are too_large, told at the first one too many
        // Only so many, those with the most of the measure's first count, most first; then
        // groups_max does not matter. 0: all. Which they are: largest_groups.hpp.
        std::size_t largest = 0;
        // Dimensions as in `by`; if there are any, groups of these alone.
        std::set<std::vector<std::string>> only{};
    };
    struct Group {
        std::string bucket{};  // its start, ISO with the offset there; "" without buckets
        std::vector<std::string> dimensions;  // as in Query::by
        // In the order of value_names(): counts, sums; percentiles as "<name>_p50" and so on.
        std::vector<std::optional<std::int64_t>> values;
    };
    struct Answer {
        std::vector<std::string> value_names;
        // By bucket and dimensions, empty buckets present when `by` is empty; or largest first,
        // except for buckets of which none is left out.
        std::vector<Group> groups;
    };
    // not_found: no such measure; invalid_input: unknown dimension, zone or bucket, range the wrong
    // way; too_large: more groups than groups_max.
    virtual bus::Result<Answer> query(const Query& query, const ReadView& aggregates) const = 0;
};

// The built-in files, compiled into the program.
std::vector<std::pair<std::string, std::string>> built_in_measure_files();

}  // namespace projections
