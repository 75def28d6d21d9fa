#include "projections/measures/measure_set.hpp"

#include "bus/crypto/digest.hpp"
#include "bus/text.hpp"
#include "projections/measures/aggregate.hpp"
#include "projections/measures/measure_query.hpp"
#include "schemas/json/json.hpp"

#include <unordered_map>

namespace projections {
namespace {

using Value = MeasureValueDefinition;

// What one row adds to one measure: nothing, or values under a key.
struct Contribution {
    bool counts = false;
    bus::Timestamp time{};
    std::string dimensions;             // encoded
    std::vector<std::int64_t> amounts;  // per value; a histogram's or distinct's is its number or 1
    std::vector<std::string> keys;      // of distinct values
    std::vector<bool> present;

    bool operator==(const Contribution&) const = default;
};

struct CompiledMeasure {
    MeasureDefinition definition;
    std::string quarter_prefix, day_prefix;
};

void contribute(const MeasureDefinition& measure, const std::vector<MeasureValue>& row,
                Contribution& out) {
    out.counts = row[measure.time_field].kind == MeasureValue::Kind::time &&
                 (!measure.where || measure.where->matches(row));
    if (!out.counts) return;
    out.time = bus::Timestamp{bus::microseconds{row[measure.time_field].number}};
    KeyWriter dimensions;
    for (const std::size_t field : measure.dimension_fields)
        dimensions.text(dimension_text(row[field]));
    out.dimensions = dimensions.take();
    out.amounts.assign(measure.values.size(), 0);
    out.keys.assign(measure.values.size(), {});
    out.present.assign(measure.values.size(), false);
    for (std::size_t i = 0; i < measure.values.size(); ++i) {
        const Value& value = measure.values[i];
        if (value.kind == Value::Kind::count) {
            out.present[i] = !value.only_if || value.only_if->matches(row);
            out.amounts[i] = 1;
            continue;
        }
        const MeasureValue& field = row[value.field];
        out.present[i] = field.kind != MeasureValue::Kind::absent;
        out.amounts[i] = value.kind == Value::Kind::distinct ? 1 : field.number;
        if (value.kind == Value::Kind::distinct) out.keys[i] = dimension_text(field);
    }
}

void add_references(const MeasureDefinition& measure, const Contribution& part,
                    bus::Timestamp bucket, Resolution resolution, std::int64_t sign, Rows& rows) {
    for (std::size_t i = 0; i < measure.values.size(); ++i) {
        if (measure.values[i].kind != Value::Kind::distinct || !part.present[i]) continue;
        const std::string key = KeyWriter()
                                    .raw(references_prefix(measure, resolution, i))
                                    .time(bucket)
                                    .raw(part.dimensions)
                                    .raw(part.keys[i])
                                    .take();
        rows.edit<KeyReferences>(Table::measures, key).count += sign;
    }
}

void add_totals(const MeasureDefinition& measure, const Contribution& part, std::string_view prefix,
                bus::Timestamp bucket, std::int64_t sign, Rows& rows) {
    const std::string key = KeyWriter().raw(prefix).time(bucket).raw(part.dimensions).take();
    Aggregate& aggregate = rows.edit<Aggregate>(Table::measures, key);
    aggregate.totals.resize(measure.totals);
    aggregate.histograms.resize(measure.histograms);
    for (std::size_t i = 0; i < measure.values.size(); ++i) {
        const Value& value = measure.values[i];
        if (!part.present[i] || value.kind == Value::Kind::distinct) continue;
        if (value.kind != Value::Kind::histogram) {
            std::int64_t& total = aggregate.totals[value.slot];
            const std::int64_t amount = part.amounts[i];
            total = sign > 0 ? wrapping_sum(total, amount) : wrapping_difference(total, amount);
            continue;
        }
        auto& counts = aggregate.histograms[value.slot];
        const auto bucket_number = histogram_bucket(part.amounts[i]);
        if ((counts[bucket_number] += sign) == 0) counts.erase(bucket_number);
    }
}

void apply(const CompiledMeasure& measure, const Contribution& part, std::int64_t sign,
           Rows& rows) {
    if (!part.counts) return;
    const auto since = part.time.time_since_epoch();
    const bus::Timestamp quarter = quarter_floor(part.time);
    const bus::Timestamp day{since - (since % utc_day + utc_day) % utc_day};
    add_totals(measure.definition, part, measure.quarter_prefix, quarter, sign, rows);
    add_totals(measure.definition, part, measure.day_prefix, day, sign, rows);
    add_references(measure.definition, part, quarter, Resolution::quarter, sign, rows);
    add_references(measure.definition, part, day, Resolution::day, sign, rows);
}

class CompiledSet final : public MeasureSet {
public:
    bus::Result<bus::Done> add(const std::string& file, const std::string& text) {
        auto parsed = parse_measure(text, file);
        if (!parsed) return parsed.error();
        const std::string name = parsed->name;
        CompiledMeasure compiled{*std::move(parsed), {}, {}};
        compiled.quarter_prefix = aggregate_prefix(compiled.definition, Resolution::quarter);
        compiled.day_prefix = aggregate_prefix(compiled.definition, Resolution::day);
        const RowKind& kind = *compiled.definition.kind;
        const auto [at, is_new] =
            by_name_.emplace(name, std::make_unique<CompiledMeasure>(std::move(compiled)));
        if (!is_new)
            return bus::fail(bus::ErrorCode::invalid_input, "{}: measure '{}' is defined twice",
                             file, name);
        by_kind_[kind.name].push_back(at->second.get());
        texts_[kind.projection] += text;
        return bus::Done{};
    }

    void transition(const Row* before, const Row* after, Rows& aggregates) const override {
        const Row* any = before ? before : after;
        if (!any) return;
        const auto measures = by_kind_.find(any->measure_kind());
        if (measures == by_kind_.end()) return;
        thread_local std::vector<MeasureValue> old_values, new_values;
        thread_local Contribution old_part, new_part;
        collect(before, old_values);
        collect(after, new_values);
        for (const CompiledMeasure* measure : measures->second) {
            old_part.counts = new_part.counts = false;
            if (before) contribute(measure->definition, old_values, old_part);
            if (after) contribute(measure->definition, new_values, new_part);
            if (old_part.counts == new_part.counts && (!old_part.counts || old_part == new_part))
                continue;
            apply(*measure, old_part, -1, aggregates);
            apply(*measure, new_part, +1, aggregates);
        }
    }

    std::string fingerprint(std::string_view projection) const override {
        const auto texts = texts_.find(projection);
        if (texts == texts_.end()) return {};
        return bus::to_hex(bus::crypto::view(bus::crypto::sha256(texts->second)));
    }

    bus::Result<std::string_view> projection_of(std::string_view measure) const override {
        const auto found = by_name_.find(measure);
        if (found == by_name_.end()) return no_measure(measure);
        return found->second->definition.kind->projection;
    }

    std::vector<std::string> names() const override {
        std::vector<std::string> out;
        for (const auto& [name, measure] : by_name_) out.push_back(name);
        return out;
    }

    std::string describe() const override {
        std::string out;
        schemas::json::Writer json(out);
        json.begin_array();
        for (const auto& [name, measure] : by_name_) describe_one(json, measure->definition);
        json.end_array();
        return out;
    }

    bus::Result<Answer> query(const Query& query, const ReadView& aggregates) const override {
        const auto found = by_name_.find(query.measure);
        if (found == by_name_.end()) return no_measure(query.measure);
        return query_measure(found->second->definition, query, aggregates);
    }

private:
    bus::Error no_measure(std::string_view name) const {
        return bus::fail(bus::ErrorCode::not_found, "there is no measure '{}'; there are: {}", name,
                         fmt::join(names(), ", "));
    }

    static void collect(const Row* row, std::vector<MeasureValue>& values) {
        values.clear();
        if (row) row->measure_values(values);
    }

    static void describe_one(schemas::json::Writer& json, const MeasureDefinition& measure) {
        json.begin_object()
            .member("name", measure.name)
            .member("description", measure.description)
            .member("unit", measure.unit)
            .member("on", measure.kind->name);
        json.key("dimensions").begin_array();
        for (const std::string& dimension : measure.dimensions) json.text(dimension);
        json.end_array().key("values").begin_array();
        for (const Value& value : measure.values) json.text(value.name);
        json.end_array().member("kept", "all");
        json.end_object();
    }

    std::map<std::string, std::unique_ptr<CompiledMeasure>, std::less<>> by_name_;
    // The names are those of row_kinds.cpp.
    std::unordered_map<std::string_view, std::vector<const CompiledMeasure*>> by_kind_;
    std::map<std::string_view, std::string> texts_;  // by projection
};

}  // namespace

bus::Timestamp quarter_floor(bus::Timestamp time) {
    const auto since = time.time_since_epoch();
    return bus::Timestamp{since - (since % quarter_hour + quarter_hour) % quarter_hour};
}

bus::Timestamp quarter_ceiling(bus::Timestamp time) {
    return quarter_floor(time + quarter_hour - bus::microseconds{1});
}

bus::Result<std::shared_ptr<const MeasureSet>> MeasureSet::compile(
    const std::vector<std::pair<std::string, std::string>>& files) {
    auto set = std::make_shared<CompiledSet>();
    for (const auto& [file, text] : files) {
        if (auto added = set->add(file, text); !added) return added.error();
    }
    return std::shared_ptr<const MeasureSet>(std::move(set));
}

}  // namespace projections
