#include "projections/measures/measure_query.hpp"

#include "projections/measures/aggregate.hpp"
#include "projections/measures/time_buckets.hpp"

#include <algorithm>
#include <set>

namespace projections {
namespace {

using Answer = MeasureSet::Answer;
using Query = MeasureSet::Query;
using Value = MeasureValueDefinition;

constexpr std::array percentiles = {50, 95, 99};

struct GroupKey {
    bus::Timestamp bucket{};  // its start
    std::vector<std::string> dimensions;
    auto operator<=>(const GroupKey&) const = default;
};

struct Totals {
    std::vector<std::int64_t> totals;
    std::vector<HistogramCounts> histograms;
    std::vector<std::set<std::string>> distinct;  // per value
};

bus::Timestamp floor_to(bus::Timestamp time, bus::microseconds width) {
    const auto since = time.time_since_epoch();
    return bus::Timestamp{since - (since % width + width) % width};
}

class QueryRun {
public:
    QueryRun(const MeasureDefinition& measure, const Query& query, const ReadView& rows,
             TimeBuckets buckets)
        : measure_(measure), query_(query), rows_(rows), buckets_(buckets) {}

    bus::Result<Answer> run() {
        if (auto resolved = resolve_dimensions(); !resolved) return resolved.error();
        from_ = floor_to(query_.from, quarter_hour);
        to_ = floor_to(query_.to + quarter_hour - bus::microseconds{1}, quarter_hour);
        if (from_ >= to_)
            return bus::fail(bus::ErrorCode::invalid_input, "'from' must be before 'to'");
        // Whole UTC days come from the roll-ups wherever a bucket cannot start inside one.
        const auto first_day = floor_to(from_ + utc_day - bus::microseconds{1}, utc_day);
        const auto last_day = floor_to(to_, utc_day);
        if (buckets_.keep_utc_days() && first_day < last_day) {
            collect(Resolution::quarter, from_, first_day);
            collect(Resolution::day, first_day, last_day);
            collect(Resolution::quarter, last_day, to_);
        } else {
            collect(Resolution::quarter, from_, to_);
        }
        if (query_.by.empty()) {
            if (auto filled = fill_empty_buckets(); !filled) return filled.error();
        }
        if (groups_.size() > query_.groups_max) {
            return bus::fail(
                bus::ErrorCode::too_large,
                "the answer has {} groups, {} are allowed; filter, or take fewer dimensions",
                groups_.size(), query_.groups_max);
        }
        return answer();
    }

private:
    bus::Result<std::size_t> dimension(const std::string& name) const {
        const auto found = std::find(measure_.dimensions.begin(), measure_.dimensions.end(), name);
        if (found == measure_.dimensions.end()) {
            return bus::fail(bus::ErrorCode::invalid_input,
                             "measure '{}' has no dimension '{}'; it has: {}", measure_.name, name,
                             fmt::join(measure_.dimensions, ", "));
        }
        return static_cast<std::size_t>(found - measure_.dimensions.begin());
    }

    bus::Result<bus::Done> resolve_dimensions() {
        for (const std::string& name : query_.by) {
            auto number = dimension(name);
            if (!number) return number.error();
            by_.push_back(*number);
        }
        for (const auto& [name, wanted] : query_.filters) {
            auto number = dimension(name);
            if (!number) return number.error();
            filters_.emplace_back(*number, wanted);
        }
        return bus::Done{};
    }

    // The group that a stored key belongs to; nullptr when a filter leaves it out.
    Totals* group_of(bus::Timestamp time, const std::vector<std::string>& dimensions) {
        for (const auto& [number, wanted] : filters_) {
            if (std::find(wanted.begin(), wanted.end(), dimensions[number]) == wanted.end())
                return nullptr;
        }
        GroupKey key{bucket_of(time), {}};
        for (const std::size_t number : by_) key.dimensions.push_back(dimensions[number]);
        return &group(key);
    }

    // Keys come in the order of time, so that most are in the bucket of the one before.
    bus::Timestamp bucket_of(bus::Timestamp time) {
        if (time < bucket_start_ || time >= bucket_end_) {
            bucket_start_ = buckets_.start_of(time);
            bucket_end_ = buckets_.next(bucket_start_);
        }
        return bucket_start_;
    }

    Totals& group(const GroupKey& key) {
        Totals& totals = groups_[key];
        totals.totals.resize(measure_.totals);
        totals.histograms.resize(measure_.histograms);
        totals.distinct.resize(measure_.values.size());
        return totals;
    }

    std::vector<std::string> read_dimensions(KeyReader& key) const {
        std::vector<std::string> out;
        for (std::size_t i = 0; i < measure_.dimensions.size(); ++i) out.push_back(key.text());
        return out;
    }

    template <class Visit>
    void scan(const std::string& prefix, bus::Timestamp from, bus::Timestamp to, Visit visit) {
        const auto bound = [&](bus::Timestamp time) {
            return KeyWriter().raw(prefix).time(time).take();
        };
        rows_.scan(Table::measures, bound(from), bound(to), false,
                   [&](std::string_view key, std::string_view value) {
                       KeyReader reader(key.substr(prefix.size()));
                       const auto bucket = reader.time();
                       const auto dimensions = read_dimensions(reader);
                       if (Totals* totals = group_of(bucket, dimensions))
                           visit(*totals, reader.rest(), value);
                       return true;
                   });
    }

    void collect(Resolution resolution, bus::Timestamp from, bus::Timestamp to) {
        if (from >= to) return;
        Aggregate aggregate;
        scan(aggregate_prefix(measure_, resolution), from, to,
             [&](Totals& totals, std::string_view, std::string_view value) {
                 if (!aggregate.decode(value)) return;
                 for (std::size_t i = 0;
                      i < std::min(totals.totals.size(), aggregate.totals.size()); ++i) {
                     totals.totals[i] = wrapping_sum(totals.totals[i], aggregate.totals[i]);
                 }
                 for (std::size_t i = 0;
                      i < std::min(totals.histograms.size(), aggregate.histograms.size()); ++i) {
                     for (const auto& [bucket, count] : aggregate.histograms[i])
                         totals.histograms[i][bucket] += count;
                 }
             });
        for (std::size_t i = 0; i < measure_.values.size(); ++i) {
            if (measure_.values[i].kind != Value::Kind::distinct) continue;
            scan(references_prefix(measure_, resolution, i), from, to,
                 [&](Totals& totals, std::string_view key, std::string_view) {
                     totals.distinct[i].emplace(key);
                 });
        }
    }

    bus::Result<bus::Done> fill_empty_buckets() {
        std::size_t count = 0;
        for (auto start = buckets_.start_of(from_); start < to_; start = buckets_.next(start)) {
            if (++count > query_buckets_max) {
                return bus::fail(bus::ErrorCode::invalid_input,
                                 "more than {} buckets; take a larger bucket or a shorter range",
                                 query_buckets_max);
            }
            group({start, {}});
        }
        return bus::Done{};
    }

    Answer answer() const {
        Answer out;
        for (const Value& value : measure_.values) {
            if (value.kind != Value::Kind::histogram)
                out.value_names.push_back(value.name);
            else
                for (const int p : percentiles)
                    out.value_names.push_back(fmt::format("{}_p{}", value.name, p));
        }
        for (const auto& [key, totals] : groups_) {
            MeasureSet::Group group{buckets_.text(key.bucket), key.dimensions, {}};
            for (std::size_t i = 0; i < measure_.values.size(); ++i)
                append_value(i, totals, group.values);
            out.groups.push_back(std::move(group));
        }
        return out;
    }

    void append_value(std::size_t i, const Totals& totals,
                      std::vector<std::optional<std::int64_t>>& out) const {
        const Value& value = measure_.values[i];
        if (value.kind == Value::Kind::histogram) {
            for (const int p : percentiles)
                out.push_back(percentile(totals.histograms[value.slot], p));
        } else if (value.kind == Value::Kind::distinct) {
            out.push_back(static_cast<std::int64_t>(totals.distinct[i].size()));
        } else {
            out.push_back(totals.totals[value.slot]);
        }
    }

    const MeasureDefinition& measure_;
    const Query& query_;
    const ReadView& rows_;
    const TimeBuckets buckets_;
    bus::Timestamp from_, to_;
    bus::Timestamp bucket_start_{}, bucket_end_{};
    std::vector<std::size_t> by_;
    std::vector<std::pair<std::size_t, std::vector<std::string>>> filters_;
    std::map<GroupKey, Totals> groups_;
};

}  // namespace

bus::Result<Answer> query_measure(const MeasureDefinition& measure, const Query& query,
                                  const ReadView& aggregates) {
    auto buckets = TimeBuckets::of(query.bucket, query.time_zone);
    if (!buckets) return buckets.error();
    return QueryRun(measure, query, aggregates, *buckets).run();
}

}  // namespace projections
