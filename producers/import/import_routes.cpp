#include "producers/import/import_routes.hpp"

#include <array>

namespace producers::import {

using bus::http::Call;
using bus::http::problem;
using bus::http::query_value;
using bus::http::Response;
using schemas::json::Writer;

namespace {

void write_line(Writer& json, const LineOutcome& line) {
    json.begin_object()
        .member("line", static_cast<std::int64_t>(line.line))
        .member("result", name(line.result));
    if (line.result == LineResult::refused) {
        json.member("code", line.code);
        if (!line.path.empty()) json.member("path", line.path);
        json.member("reason", line.reason);
    }
    json.end_object();
}

void write_events(Writer& json, const ChunkOutcome& outcome) {
    json.key("event_types").begin_object();
    for (const auto& [type, count] : outcome.event_types)
        json.member(type, static_cast<std::int64_t>(count));
    json.end_object();
    if (outcome.from) json.member("from", *outcome.from).member("to", *outcome.to);
}

std::string answer_body(const ChunkOutcome& outcome, bool dry_run) {
    std::array<std::int64_t, 3> counts{};
    for (const LineOutcome& line : outcome.lines) ++counts[static_cast<std::size_t>(line.result)];
    std::string body;
    body.reserve(outcome.lines.size() * 40 + 256);
    Writer json(body);
    json.begin_object()
        .member("accepted", counts[0])
        .member("duplicates", counts[1])
        .member("refused", counts[2])
        .member("dry_run", dry_run);
    json.key("results").begin_array();
    for (const LineOutcome& line : outcome.lines) write_line(json, line);
    json.end_array();
    write_events(json, outcome);
    json.end_object();
    return body;
}

Response import_records(const ImportPorts& ports, const Call& call) {
    const auto parameter = [&](std::string_view name) {
        return query_value(call.request.query, name).value_or("");
    };
    ImportWish wish{.tenant = *call.caller.tenant,
                    .source = parameter("source"),
                    .by = call.caller.key_id.empty() ? "admin" : call.caller.key_id,
                    .keep_all = parameter("keep") == "all",
                    .dry_run = parameter("dry_run") == "true"};
    const auto outcome = import_chunk(ports, wish, call.request.body);
    if (!outcome) {
        Response refused = problem(outcome.error());
        if (refused.status == 503) refused.set_header("Retry-After", "1");
        return refused;
    }
    return {.body = answer_body(*outcome, wish.dry_run)};
}

}  // namespace

std::vector<bus::http::Route> import_routes(const ImportPorts& ports) {
    return {
        {.method = "POST",
         .pattern = "/v1/imports/records",
         .operation = "importRecords",
         .summary = "Brings records of the past into a source, one JSON object a line: at most "
                    "1,000 lines and 4 MiB (S-09)",
         .tag = "imports",
         .parameters = {{.name = "source",
                         .description = "slug; without it each line's record.source names one"},
                        {.name = "keep",
                         .description = "all: append what cannot be mapped too, as dead letters"},
                        {.name = "dry_run", .description = "true: append nothing"}},
         .handle = [&ports](const Call& call) { return import_records(ports, call); },
         .body_bytes_max = chunk_bytes_max}};
}

}  // namespace producers::import
