#include "projections/measures/aggregate.hpp"

#include "schemas/json/json.hpp"

#include <bit>
#include <charconv>

namespace projections {
namespace {

constexpr std::uint32_t sub_buckets = 64;
constexpr int sub_bits = 6;

}  // namespace

std::uint32_t histogram_bucket(std::int64_t value) {
    if (value <= 0) return 0;
    const auto v = static_cast<std::uint64_t>(value);
    if (v < sub_buckets) return static_cast<std::uint32_t>(v);
    const int shift = static_cast<int>(std::bit_width(v)) - 1 - sub_bits;
    const auto mantissa = static_cast<std::uint32_t>(v >> shift) - sub_buckets;
    return sub_buckets + static_cast<std::uint32_t>(shift) * sub_buckets + mantissa;
}

std::int64_t histogram_value(std::uint32_t bucket) {
    if (bucket < sub_buckets) return bucket;
    const auto shift = (bucket - sub_buckets) / sub_buckets;
    const auto mantissa = std::uint64_t{sub_buckets} + (bucket - sub_buckets) % sub_buckets;
    const std::uint64_t low = mantissa << shift;
    return static_cast<std::int64_t>(low + ((std::uint64_t{1} << shift) - 1) / 2);
}

std::optional<std::int64_t> percentile(const HistogramCounts& counts, int percent) {
    std::int64_t total = 0;
    for (const auto& [bucket, count] : counts) total += count;
    if (total <= 0) return std::nullopt;
    const std::int64_t rank = (total * percent + 99) / 100;
    std::int64_t seen = 0;
    for (const auto& [bucket, count] : counts) {
        seen += count;
        if (seen >= rank) return histogram_value(bucket);
    }
    return std::nullopt;
}

void Aggregate::encode(std::string& out) const {
    schemas::json::Writer json(out);
    json.begin_array().begin_array();
    for (const std::int64_t total : totals) json.integer(total);
    json.end_array();
    if (!histograms.empty()) {
        json.begin_array();
        for (const HistogramCounts& counts : histograms) {
            json.begin_array();
            for (const auto& [bucket, count] : counts) json.integer(bucket).integer(count);
            json.end_array();
        }
        json.end_array();
    }
    json.end_array();
}

bus::Result<bus::Done> Aggregate::decode(std::string_view bytes) {
    thread_local schemas::json::Parser parser;
    const auto json = parser.parse(bytes);
    if (!json || json->size() == 0)
        return bus::fail(bus::ErrorCode::corrupt, "an aggregate is not an array");
    totals.clear();
    histograms.clear();
    json->at(0).each_element(
        [&](schemas::json::Value total) { totals.push_back(total.integer().value_or(0)); });
    json->at(1).each_element([&](schemas::json::Value pairs) {
        HistogramCounts& counts = histograms.emplace_back();
        for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
            counts[static_cast<std::uint32_t>(pairs.at(i).integer().value_or(0))] =
                pairs.at(i + 1).integer().value_or(0);
        }
    });
    return bus::Done{};
}

bool Aggregate::empty() const {
    for (const std::int64_t total : totals) {
        if (total != 0) return false;
    }
    for (const HistogramCounts& counts : histograms) {
        if (!counts.empty()) return false;
    }
    return true;
}

void KeyReferences::encode(std::string& out) const {
    out += std::to_string(count);
}

bus::Result<bus::Done> KeyReferences::decode(std::string_view bytes) {
    const auto [end, error] = std::from_chars(bytes.data(), bytes.data() + bytes.size(), count);
    if (error != std::errc{})
        return bus::fail(bus::ErrorCode::corrupt, "a reference count is not a number");
    return bus::Done{};
}

}  // namespace projections
