// S-18: any measure, by its name.
#include "projections/api/measure_answers.hpp"
#include "schemas/json/json.hpp"

namespace projections::api {
namespace {

using bus::http::Call;
using bus::http::problem;
using bus::http::Response;
using schemas::json::Writer;

const std::vector<std::string> range_parameters = {"from", "to",      "tz",   "bucket",
                                                   "by",   "compare", "limit"};

Response list_measures(const ApiContext& context, const Call& call) {
    std::string body = R"({"data":)" + context.measures.describe() + "}";
    return json_answer(call, std::move(body), 0);
}

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const auto word = text.substr(0, text.find(','));
        if (!word.empty()) out.emplace_back(word);
        text.remove_prefix(std::min(text.size(), word.size() + 1));
    }
    return out;
}

// Everything but the range's own parameters filters by a dimension of that name.
std::map<std::string, std::vector<std::string>> filters_of(const Call& call) {
    std::map<std::string, std::vector<std::string>> filters;
    for (const auto& [name, value] : bus::http::parse_query(call.request.query)) {
        const bool own = bus::http::is_common_parameter(name) ||
                         std::find(range_parameters.begin(), range_parameters.end(), name) !=
                             range_parameters.end();
        if (own) continue;
        const bool is_list = name.ends_with("[in]");
        filters[is_list ? name.substr(0, name.size() - 4) : name] =
            is_list ? split(value) : std::vector{value};
    }
    return filters;
}

// Each of the largest is set beside what it was itself, however small that was.
void compare_with(const MeasureSet::Answer& shown, MeasureSet::Query& query) {
    if (query.largest == 0 || query.by.empty()) return;
    for (const MeasureSet::Group& group : shown.groups) query.only.insert(group.dimensions);
}

Response get_measure(const ApiContext& context, const Call& call) {
    const QueryParameters parameters(call);
    const auto range = parameters.range(context, call);
    if (!range) return problem(range.error());
    const auto limit = parameters.count("limit", 0, page_limit_max);
    if (!limit) return problem(limit.error());
    MeasureSet::Query query{.measure = std::string(call.parameter("name")),
                            .from = range->from,
                            .to = range->to,
                            .time_zone = range->time_zone,
                            .bucket = parameters.get("bucket"),
                            .by = split(parameters.get("by")),
                            .filters = filters_of(call),
                            .largest = *limit};
    MeasureReader reader(context, call);
    const auto answer = reader.ask(query);
    if (!answer) return problem(answer.error());
    std::string body;
    Writer json(body);
    json.begin_object().member("measure", query.measure);
    write_range(json, *range, query.bucket);
    json.key("data");
    write_groups(json, *answer, query.by);
    if (parameters.get("compare") == "previous") {
        const auto length = query.to - query.from;
        query.to = query.from;
        query.from -= length;
        compare_with(*answer, query);
        const auto previous = reader.ask(query);
        if (!previous) return problem(previous.error());
        json.key("previous");
        write_groups(json, *previous, query.by);
    }
    json.end_object();
    return json_answer(call, std::move(body));
}

}  // namespace

std::vector<bus::http::Route> measure_routes(const ApiContext& context) {
    return {
        {.method = "GET",
         .pattern = "/v1/measures",
         .operation = "listMeasures",
         .summary = "The measures there are",
         .tag = "measures",
         .response_schema = "Measures",
         .has_past = false,
         .handle = [&context](const Call& call) { return list_measures(context, call); }},
        {.method = "GET",
         .pattern = "/v1/measures/:name",
         .operation = "getMeasure",
         .summary = "One measure over a range; limit leaves the largest groups, further parameters "
                    "filter by dimension (S-18)",
         .tag = "measures",
         .parameters = document(range_parameters),
         .has_further_parameters = true,
         .response_schema = "Measure",
         .handle = [&context](const Call& call) { return get_measure(context, call); }},
    };
}

}  // namespace projections::api
