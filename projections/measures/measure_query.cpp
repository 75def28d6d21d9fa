#include "projections/measures/measure_query.hpp"

#include "projections/measures/aggregate.hpp"
#include "schemas/time/zone.hpp"

#include <algorithm>
#include <set>

namespace projections {
namespace {

using Answer = MeasureSet::Answer;
using Query = MeasureSet::Query;
using Value = MeasureValueDefinition;
using schemas::time::Zone;

constexpr std::array percentiles = {50, 95, 99};

struct GroupKey {
    bus::Timestamp bucket{};  // local wall time of its start
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

// Start of the bucket that a local wall time falls into.
bus::Timestamp bucket_start(bus::Timestamp local, std::string_view bucket) {
    using namespace std::chrono;
    if (bucket.empty()) return {};
    if (bucket == "hour") return floor_to(local, hours{1});
    const auto day = floor<days>(local);
    if (bucket == "day") return bus::Timestamp{day};
    if (bucket == "week") return bus::Timestamp{day - (weekday{day} - Monday)};
    const year_month_day date{day};
    return bus::Timestamp{sys_days{date.year() / date.month() / 1}};
}

bus::Timestamp next_bucket(bus::Timestamp start, std::string_view bucket) {
    using namespace std::chrono;
    if (bucket == "hour") return start + hours{1};
    if (bucket == "day") return start + days{1};
    if (bucket == "week") return start + days{7};
    const year_month_day date{floor<days>(start)};
    return bus::Timestamp{sys_days{(date.year() / date.month() / 1) + months{1}}};
}

std::string bucket_text(bus::Timestamp local, const Zone& zone) {
    const auto utc = zone.to_utc(local);
    const auto offset =
        std::chrono::duration_cast<std::chrono::minutes>(zone.offset_at(utc)).count();
    std::string text = bus::to_iso(local);
    text.pop_back();
    if (offset == 0) return text + "Z";
    const auto distance = offset < 0 ? -offset : offset;
    return text +
           fmt::format("{}{:02}:{:02}", offset < 0 ? '-' : '+', distance / 60, distance % 60);
}

class QueryRun {
public:
    QueryRun(const MeasureDefinition& measure, const Query& query, const ReadView& rows, Zone zone)
        : measure_(measure), query_(query), rows_(rows), zone_(zone) {}

    bus::Result<Answer> run() {
        if (auto resolved = resolve_dimensions(); !resolved) return resolved.error();
        from_ = floor_to(query_.from, quarter_hour);
        to_ = floor_to(query_.to + quarter_hour - bus::microseconds{1}, quarter_hour);
        if (from_ >= to_)
            return bus::fail(bus::ErrorCode::invalid_input, "'from' must be before 'to'");
        // Whole UTC days come from the roll-ups wherever a bucket cannot start inside one.
        const bool days_fit = query_.bucket.empty() || (zone_.is_utc() && query_.bucket != "hour");
        const auto first_day = floor_to(from_ + utc_day - bus::microseconds{1}, utc_day);
        const auto last_day = floor_to(to_, utc_day);
        if (days_fit && first_day < last_day) {
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
    Totals* group_of(bus::Timestamp bucket, const std::vector<std::string>& dimensions) {
        for (const auto& [number, wanted] : filters_) {
            if (std::find(wanted.begin(), wanted.end(), dimensions[number]) == wanted.end())
                return nullptr;
        }
        GroupKey key{bucket_start(zone_.to_local(bucket), query_.bucket), {}};
        for (const std::size_t number : by_) key.dimensions.push_back(dimensions[number]);
        return &group(key);
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
        if (query_.bucket.empty()) {
            group({});
            return bus::Done{};
        }
        const auto end = zone_.to_local(to_);
        auto start = bucket_start(zone_.to_local(from_), query_.bucket);
        for (std::size_t count = 0; start < end; start = next_bucket(start, query_.bucket)) {
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
            MeasureSet::Group group{
                query_.bucket.empty() ? "" : bucket_text(key.bucket, zone_), key.dimensions, {}};
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
    Zone zone_;
    bus::Timestamp from_, to_;
    std::vector<std::size_t> by_;
    std::vector<std::pair<std::size_t, std::vector<std::string>>> filters_;
    std::map<GroupKey, Totals> groups_;
};

}  // namespace

bus::Result<Answer> query_measure(const MeasureDefinition& measure, const Query& query,
                                  const ReadView& aggregates) {
    auto zone = Zone::find(query.time_zone);
    if (!zone) return zone.error();
    constexpr std::string_view buckets = " hour day week month ";
    if (!query.bucket.empty() && buckets.find(" " + query.bucket + " ") == std::string_view::npos) {
        return bus::fail(bus::ErrorCode::invalid_input,
                         "bucket '{}' is not one of hour, day, week, month", query.bucket);
    }
    return QueryRun(measure, query, aggregates, *zone).run();
}

}  // namespace projections
