// One aggregate: counts, sums and histograms of a measure for one bucket and one set of dimensions.
//
// Stored as JSON: [[totals...],[[bucket,count,bucket,count...]...]]. Integers only, so that
// subtracting what was added gives the same bytes as never having added it.
#pragma once

#include "projections/row.hpp"

#include <map>
#include <vector>

namespace projections {

// Buckets of at most 1/64 relative width: exact below 64, then 64 per power of two; the middle of a
// bucket is at most 0.8 % off.
std::uint32_t histogram_bucket(std::int64_t value);  // negative counts as 0
std::int64_t histogram_value(std::uint32_t bucket);

using HistogramCounts = std::map<std::uint32_t, std::int64_t>;
// The value below which `percent` of the counts lie; none when there are no counts.
std::optional<std::int64_t> percentile(const HistogramCounts& counts, int percent);

// Modulo 2^64, so that any order of adding and subtracting gives the same bytes, however absurd an
// amount is, and what fits in the end is right.
constexpr std::int64_t wrapping_sum(std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
constexpr std::int64_t wrapping_difference(std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

struct Aggregate : RowOf<Aggregate> {
    std::vector<std::int64_t> totals;
    std::vector<HistogramCounts> histograms;

    void encode(std::string& out) const override;
    bus::Result<bus::Done> decode(std::string_view bytes) override;
    bool empty() const override;
};

// How many rows hold one key of a distinct count; gone when none does.
struct KeyReferences : RowOf<KeyReferences> {
    std::int64_t count = 0;

    void encode(std::string& out) const override;
    bus::Result<bus::Done> decode(std::string_view bytes) override;
    bool empty() const override { return count == 0; }
};

}  // namespace projections
