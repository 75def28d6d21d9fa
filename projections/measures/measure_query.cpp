#include "projections/measures/measure_query.hpp"

#include "projections/measures/aggregate.hpp"
#include "projections/measures/largest_groups.hpp"
#include "projections/measures/time_buckets.hpp"

#include <algorithm>
#include <set>

namespace projections {
namespace {

using Answer = MeasureSet::Answer;
using Query = MeasureSet::Query;
using Value = MeasureValueDefinition;

constexpr std::array percentiles = {50, 95, 99};

struct Totals {
    std::vector<std::int64_t> totals;
    std::vector<HistogramCounts> histograms;
    std::vector<std::set<std::string>> distinct;  // per value
};

using Groups = std::map<GroupKey, Totals>;

// What is read with one resolution.
struct Part {
    Resolution resolution;
    bus::Timestamp from, to;
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
        from_ = query_.from;
        to_ = query_.to;
        BUS_ASSERT(quarter_floor(from_) == from_ && quarter_floor(to_) == to_,
                   "a measure is read in whole quarter-hours");
        if (from_ >= to_)
            return bus::fail(bus::ErrorCode::invalid_input, "'from' must be before 'to'");
        cut_into_parts();
        if (query_.by.empty()) {
            if (auto filled = fill_empty_buckets(); !filled) return filled.error();
        }
        return query_.largest > 0 ? largest_groups() : all_groups();
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

    // Whole UTC days come from the roll-ups wherever a bucket cannot start inside one.
    void cut_into_parts() {
        const auto first_day = floor_to(from_ + utc_day - bus::microseconds{1}, utc_day);
        const auto last_day = floor_to(to_, utc_day);
        if (buckets_.keep_utc_days() && first_day < last_day) {
            parts_ = {{Resolution::quarter, from_, first_day},
                      {Resolution::day, first_day, last_day},
                      {Resolution::quarter, last_day, to_}};
        } else {
            parts_ = {{Resolution::quarter, from_, to_}};
        }
    }

    bus::Result<Answer> all_groups() {
        if (!collect(query_.groups_max)) {
            return bus::fail(bus::ErrorCode::too_large,
                             "the answer has more than {} groups; filter, take fewer dimensions, "
                             "or only the largest",
                             query_.groups_max);
        }
        return answer(groups_in_order());
    }

    // One more reading tells which they are, where there are more.
    bus::Result<Answer> largest_groups() {
        const auto counted = first_count();
        if (!counted) return counted.error();
        if (!collect(query_.by.empty() ? query_buckets_max : query_.largest)) {
            begin_with(largest_by(*counted));
            collect(query_.largest);
        }
        auto ordered = groups_in_order();
        const bool is_whole_course = query_.by.empty() && ordered.size() <= query_.largest;
        if (is_whole_course) return answer(ordered);
        std::stable_sort(ordered.begin(), ordered.end(), [&](const auto* a, const auto* b) {
            return a->second.totals[*counted] > b->second.totals[*counted];
        });
        ordered.resize(std::min(query_.largest, ordered.size()));
        return answer(ordered);
    }

    // Among the totals.
    bus::Result<std::size_t> first_count() const {
        const auto found =
            std::find_if(measure_.values.begin(), measure_.values.end(),
                         [](const Value& value) { return value.kind == Value::Kind::count; });
        if (found == measure_.values.end()) {
            return bus::fail(bus::ErrorCode::invalid_input,
                             "measure '{}' counts nothing that groups could be compared by",
                             measure_.name);
        }
        return found->slot;
    }

    std::vector<GroupKey> largest_by(std::size_t counted) {
        LargestGroups largest;
        Aggregate aggregate;
        for (const Part& part : parts_) {
            scan(aggregate_prefix(measure_, part.resolution), part,
                 [&](const GroupKey& key, std::string_view, std::string_view value) {
                     if (aggregate.decode(value) && counted < aggregate.totals.size())
                         largest.add(key, aggregate.totals[counted]);
                     return true;
                 });
        }
        return largest.take(query_.largest);
    }

    // Where very many are alike, none may be known to be large: then the first ones that are met
    // stand for all.
    void begin_with(const std::vector<GroupKey>& keys) {
        groups_.clear();
        for (const GroupKey& key : keys) make_group(key);
        more_is_too_many_ = false;
    }

    bool is_wanted(const GroupKey& key) const {
        return query_.only.empty() || query_.only.contains(key.dimensions);
    }

    bool passes_filters(const std::vector<std::string>& dimensions) const {
        return std::all_of(filters_.begin(), filters_.end(), [&](const auto& filter) {
            const auto& [number, wanted] = filter;
            return std::find(wanted.begin(), wanted.end(), dimensions[number]) != wanted.end();
        });
    }

    GroupKey group_key(bus::Timestamp time, const std::vector<std::string>& dimensions) {
        GroupKey key{bucket_of(time), {}};
        for (const std::size_t number : by_) key.dimensions.push_back(dimensions[number]);
        return key;
    }

    // Keys come in the order of time, so that most are in the bucket of the one before.
    bus::Timestamp bucket_of(bus::Timestamp time) {
        if (time < bucket_start_ || time >= bucket_end_) {
            bucket_start_ = buckets_.start_of(time);
            bucket_end_ = buckets_.next(bucket_start_);
        }
        return bucket_start_;
    }

    Totals& make_group(const GroupKey& key) {
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

    // Visits what the filters leave, until visit returns false.
    template <class Visit>
    void scan(const std::string& prefix, const Part& part, Visit visit) {
        if (part.from >= part.to) return;
        const auto bound = [&](bus::Timestamp time) {
            return KeyWriter().raw(prefix).time(time).take();
        };
        rows_.scan(Table::measures, bound(part.from), bound(part.to), false,
                   [&](std::string_view key, std::string_view value) {
                       KeyReader reader(key.substr(prefix.size()));
                       const auto time = reader.time();
                       const auto dimensions = read_dimensions(reader);
                       if (!passes_filters(dimensions)) return true;
                       const GroupKey group = group_key(time, dimensions);
                       return !is_wanted(group) || visit(group, reader.rest(), value);
                   });
    }

    // Adds up what there is of each group. False when there are more groups, found at the first one
    // too many.
    bool collect(std::size_t groups_max) {
        if (groups_.size() > groups_max) return false;
        return std::all_of(parts_.begin(), parts_.end(),
                           [&](const Part& part) { return collect_part(part, groups_max); });
    }

    bool collect_part(const Part& part, std::size_t groups_max) {
        Aggregate aggregate;
        bool complete =
            collect_entries(aggregate_prefix(measure_, part.resolution), part, groups_max,
                            [&](Totals& totals, std::string_view, std::string_view value) {
                                if (aggregate.decode(value)) add_to(totals, aggregate);
                            });
        for (std::size_t i = 0; complete && i < measure_.values.size(); ++i) {
            if (measure_.values[i].kind != Value::Kind::distinct) continue;
            complete =
                collect_entries(references_prefix(measure_, part.resolution, i), part, groups_max,
                                [&](Totals& totals, std::string_view key, std::string_view) {
                                    totals.distinct[i].emplace(key);
                                });
        }
        return complete;
    }

    template <class Add>
    bool collect_entries(const std::string& prefix, const Part& part, std::size_t groups_max,
                         Add add) {
        bool complete = true;
        scan(prefix, part, [&](const GroupKey& key, std::string_view rest, std::string_view value) {
            const auto known = groups_.find(key);
            if (known != groups_.end())
                add(known->second, rest, value);
            else if (groups_.size() < groups_max)
                add(make_group(key), rest, value);
            else
                complete = !more_is_too_many_;
            return complete;
        });
        return complete;
    }

    static void add_to(Totals& totals, const Aggregate& aggregate) {
        const auto sums = std::min(totals.totals.size(), aggregate.totals.size());
        for (std::size_t i = 0; i < sums; ++i)
            totals.totals[i] = wrapping_sum(totals.totals[i], aggregate.totals[i]);
        const auto histograms = std::min(totals.histograms.size(), aggregate.histograms.size());
        for (std::size_t i = 0; i < histograms; ++i) {
            for (const auto& [bucket, count] : aggregate.histograms[i])
                totals.histograms[i][bucket] += count;
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
            make_group({start, {}});
        }
        return bus::Done{};
    }

    using Ordered = std::vector<const Groups::value_type*>;
    Ordered groups_in_order() const {
        Ordered ordered;
        for (const auto& group : groups_) ordered.push_back(&group);
        return ordered;
    }

    Answer answer(const Ordered& ordered) const {
        Answer out;
        for (const Value& value : measure_.values) {
            if (value.kind != Value::Kind::histogram)
                out.value_names.push_back(value.name);
            else
                for (const int p : percentiles)
                    out.value_names.push_back(fmt::format("{}_p{}", value.name, p));
        }
        for (const auto* entry : ordered) {
            const auto& [key, totals] = *entry;
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
    std::vector<Part> parts_;
    Groups groups_;
    bool more_is_too_many_ = true;  // else groups that find no room are passed over
};

}  // namespace

bus::Result<Answer> query_measure(const MeasureDefinition& measure, const Query& query,
                                  const ReadView& aggregates) {
    auto buckets = TimeBuckets::of(query.bucket, query.time_zone);
    if (!buckets) return buckets.error();
    return QueryRun(measure, query, aggregates, *buckets).run();
}

}  // namespace projections
