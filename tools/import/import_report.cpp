#include "tools/import/import_report.hpp"

#include <algorithm>

namespace tools::import {

using schemas::json::Value;
using schemas::json::Writer;

namespace {

void write_map(Writer& json, std::string_view name,
               const std::map<std::string, std::uint64_t>& counts) {
    json.key(name).begin_object();
    for (const auto& [key, count] : counts) json.key(key).unsigned_integer(count);
    json.end_object();
}

std::uint64_t count_of(Value value) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, value.integer().value_or(0)));
}

std::map<std::string, std::uint64_t> read_map(Value object) {
    std::map<std::string, std::uint64_t> counts;
    object.each_member(
        [&](std::string_view name, Value value) { counts[std::string(name)] = count_of(value); });
    return counts;
}

std::optional<bus::Timestamp> read_time(Value value) {
    const auto time = bus::from_iso(value.text());
    return time ? std::optional(*time) : std::nullopt;
}

}  // namespace

std::uint64_t ImportCounts::refused_in_all() const {
    std::uint64_t sum = 0;
    for (const auto& [code, count] : refused) sum += count;
    return sum;
}

void ImportCounts::note_span(bus::Timestamp first, bus::Timestamp last) {
    from = std::min(from.value_or(first), first);
    to = std::max(to.value_or(last), last);
}

void write_counts(Writer& json, const ImportCounts& counts) {
    json.key("read").unsigned_integer(counts.read);
    json.key("accepted").unsigned_integer(counts.accepted);
    json.key("duplicates").unsigned_integer(counts.duplicates);
    json.key("refused").unsigned_integer(counts.refused_in_all());
    write_map(json, "refused_by", counts.refused);
    write_map(json, "event_types", counts.event_types);
    if (counts.from) json.member("from", *counts.from).member("to", *counts.to);
}

ImportCounts read_counts(Value object) {
    return {.read = count_of(object["read"]),
            .accepted = count_of(object["accepted"]),
            .duplicates = count_of(object["duplicates"]),
            .refused = read_map(object["refused_by"]),
            .event_types = read_map(object["event_types"]),
            .from = read_time(object["from"]),
            .to = read_time(object["to"])};
}

}  // namespace tools::import
