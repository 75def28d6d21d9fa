// What callers of the private port send: the form of a source, a line of an import, the query of a
// measure. Without a kind it could be any of them, so each input is read as all.
#include "bus/http/http.hpp"
#include "producers/commands/source_form.hpp"
#include "producers/import/import_line.hpp"
#include "projections/measures/measure_set.hpp"
#include "projections/memory_rows.hpp"
#include "schemas/providers/built_in.hpp"

#include <cstdlib>

namespace {

using producers::commands::ObjectForm;
using schemas::json::Parser;
using schemas::json::Value;

void must_be_json(std::string_view text) {
    static Parser parser;
    if (!parser.parse(text)) std::abort();
}

// Repeated, the same form changes nothing more and is not refused.
void read_source(Value object, const schemas::ProviderKind& kind) {
    schemas::Source source;
    ObjectForm form(object);
    form.text("kind");
    (void)producers::commands::read_source(form, kind, source);
    if (const auto refused = form.refusal()) return must_be_json(refused->body);
    const schemas::Source before = source;
    ObjectForm repeated(object);
    repeated.text("kind");
    (void)producers::commands::read_source(repeated, kind, source);
    const bool same = source.slug == before.slug && source.label == before.label &&
                      *source.verification == *before.verification &&
                      source.account_ids == before.account_ids &&
                      *source.dedup_paths == *before.dedup_paths;
    if (repeated.refusal() || !same) std::abort();
}

void read_sources(std::string_view text) {
    static const auto kinds = schemas::built_in_providers();
    static Parser parser;
    const auto parsed = producers::commands::parse_object(parser, text);
    if (const auto* refused = std::get_if<bus::http::Response>(&parsed))
        return must_be_json(refused->body);
    const auto object = std::get<Value>(parsed);
    const auto wanted = object["kind"].text();
    for (const auto& kind : *kinds)
        if (wanted.empty() || kind.kind == wanted) read_source(object, kind);
}

void read_import_line(std::string_view text) {
    static Parser parser;
    const auto json = parser.parse(text);
    if (!json) return;
    const auto line = producers::import::read_import_line(*json);
    if (!line) return;
    const std::size_t promised = line->body.size() + producers::import::parser_padding_bytes;
    if (!line->body.empty() && line->body.capacity() < promised) std::abort();
}

bus::Timestamp quarter_of(const std::string& text) {
    return projections::quarter_floor(bus::from_iso(text).value_or(bus::Timestamp{}));
}

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    for (; !text.empty(); text.remove_prefix(std::min(text.size(), words.back().size() + 1)))
        words.emplace_back(text.substr(0, text.find(',')));
    return words;
}

// measure=answered_calls&from=2026-01-01T00:00:00Z&bucket=day&by=team&team=sales
projections::MeasureSet::Query measure_query(std::string_view text) {
    projections::MeasureSet::Query query;
    for (const auto& [name, value] : bus::http::parse_query(text)) {
        if (name == "measure")
            query.measure = value;
        else if (name == "from")
            query.from = quarter_of(value);
        else if (name == "to")
            query.to = quarter_of(value);
        else if (name == "tz")
            query.time_zone = value;
        else if (name == "bucket")
            query.bucket = value;
        else if (name == "by")
            query.by = words_of(value);
        else if (name == "limit")
            query.largest = value.size();
        else
            query.filters[name] = words_of(value);
    }
    return query;
}

void ask_measures(std::string_view text) {
    static const auto measures =
        *projections::MeasureSet::compile(projections::built_in_measure_files());
    static const projections::MemoryRows rows;
    const projections::MemoryReadView view(rows, projections::InstanceId{3}, bus::TenantId{5});
    auto query = measure_query(text);
    if (!query.measure.empty()) return (void)measures->query(query, view);
    for (const std::string& name : measures->names()) {
        query.measure = name;
        (void)measures->query(query, view);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    read_sources(text);
    read_import_line(text);
    ask_measures(text);
    return 0;
}
