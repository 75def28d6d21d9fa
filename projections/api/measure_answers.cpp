#include "projections/api/measure_answers.hpp"

namespace projections::api {

MeasureReader::MeasureReader(const ApiContext& context, const bus::http::Call& call)
    : context_(context), tenant_(*call.caller.tenant) {}

bus::Result<MeasureSet::Answer> MeasureReader::ask(const MeasureSet::Query& query) const {
    const auto projection = context_.measures.projection_of(query.measure);
    if (!projection) return projection.error();
    std::unique_ptr<ReadView>& view = views_[*projection];
    if (!view) {
        auto opened = context_.reads.view(tenant_, *projection);
        if (!opened) return opened.error();
        view = *std::move(opened);
    }
    return context_.measures.query(query, *view);
}

std::int64_t value_of(const MeasureSet::Answer& answer, const MeasureSet::Group& group,
                      std::string_view name) {
    for (std::size_t i = 0; i < answer.value_names.size(); ++i) {
        if (answer.value_names[i] == name) return group.values[i].value_or(0);
    }
    return 0;
}

void write_range(schemas::json::Writer& json, const TimeRange& range, std::string_view bucket) {
    json.key("range").begin_object().member("from", range.from).member("to", range.to).end_object();
    json.member("tz", range.time_zone);
    if (!bucket.empty()) json.member("bucket", bucket);
}

void write_groups(schemas::json::Writer& json, const MeasureSet::Answer& answer,
                  const std::vector<std::string>& by) {
    json.begin_array();
    for (const auto& group : answer.groups) {
        json.begin_object();
        if (!group.bucket.empty()) json.member("bucket", group.bucket);
        for (std::size_t i = 0; i < by.size(); ++i) json.member(by[i], group.dimensions[i]);
        for (std::size_t i = 0; i < answer.value_names.size(); ++i) {
            json.key(answer.value_names[i]);
            if (group.values[i])
                json.integer(*group.values[i]);
            else
                json.null();
        }
        json.end_object();
    }
    json.end_array();
}

}  // namespace projections::api
