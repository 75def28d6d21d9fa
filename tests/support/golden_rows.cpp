#include "tests/support/golden_rows.hpp"

#include "schemas/json/json.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <fstream>

namespace tests {

namespace {

using projections::Table;
using schemas::json::Value;

constexpr std::array<std::string_view, projections::table_count> table_names{"rows", "entries",
                                                                             "index", "measures"};

std::string printed(std::string_view bytes) {
    std::string out;
    for (const char byte : bytes) {
        const auto value = static_cast<unsigned char>(byte);
        if (value < 0x20 || value > 0x7e || byte == '\\')
            out += fmt::format("\\x{:02x}", value);
        else
            out += byte;
    }
    return out;
}

std::string unprinted(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            out += text[i];
            continue;
        }
        unsigned value = 0;
        REQUIRE(text.size() >= i + 4);
        const auto parsed = std::from_chars(&text[i + 2], &text[i] + 4, value, 16);
        REQUIRE(parsed.ec == std::errc{});
        out += static_cast<char>(value);
        i += 3;
    }
    return out;
}

std::vector<std::string> parts_of(const std::string& line) {
    std::vector<std::string> parts;
    for (std::size_t begin = 0; begin <= line.size();) {
        const std::size_t end = std::min(line.find('\t', begin), line.size());
        parts.push_back(line.substr(begin, end - begin));
        begin = end + 1;
    }
    return parts;
}

bus::Timestamp at_second(std::int64_t second) {
    return bus::Timestamp{bus::seconds{1'700'000'000 + second}};
}

void set_field(TestEvent& event, std::string_view name, Value value) {
    const auto field = schemas::parse_field(name);
    if (!field) return;
    if (schemas::kind_of(*field) == schemas::FieldKind::text)
        event.texts[*field] = value.text();
    else
        event.numbers[*field] = value.integer().value_or(0);
}

TestEvent event_of(Value json, std::int64_t place) {
    const auto number = [&](std::string_view name) { return json[name].integer().value_or(0); };
    TestEvent event;
    event.type = json["type"].text();
    event.id = event_id(static_cast<std::uint64_t>(number("id") + place));
    event.time = at_second(number("at") + place);
    event.ingest_time = json["stored"] ? at_second(number("stored") + place) : event.time;
    event.address.offset = static_cast<bus::Offset>(number("id") + place);
    if (json["source"]) event.source = bus::SourceId{static_cast<std::uint64_t>(number("source"))};
    json.each_member([&](std::string_view name, Value value) { set_field(event, name, value); });
    if (json["phone_key"])
        event.keys.push_back({schemas::KeyKind::phone, std::string(json["phone_key"].text())});
    if (json["repeat"]) event.texts[schemas::Field::message_id] += fmt::format("-{}", place);
    return event;
}

void add_events(const std::string& text, std::vector<TestEvent>& into) {
    schemas::json::Parser parser;
    const auto json = parser.parse(text);
    REQUIRE_MESSAGE(json.has_value(), text);
    const std::int64_t times = (*json)["repeat"].integer().value_or(1);
    for (std::int64_t place = 0; place < times; ++place) into.push_back(event_of(*json, place));
}

void add_line(const std::string& line, GoldenRows& golden) {
    const std::vector<std::string> parts = parts_of(line);
    REQUIRE_MESSAGE(parts.size() >= 2, line);
    const std::string& kind = parts.front();
    if (kind == "event") return add_events(parts[1], golden.events);
    if (kind == "later") return add_events(parts[1], golden.later);
    if (kind == "measured") return void(golden.measured = parts[1]);
    if (kind == "differs-encoded") return void(golden.differs_encoded = parts[1]);
    if (kind == "differs-folded") return void(golden.differs_folded = parts[1]);
    const auto table = std::find(table_names.begin(), table_names.end(), kind);
    REQUIRE_MESSAGE((table != table_names.end() && parts.size() == 3), line);
    golden.rows.put(static_cast<Table>(table - table_names.begin()), unprinted(parts[1]),
                    unprinted(parts[2]));
}

}  // namespace

std::filesystem::path golden_file(std::string_view projection, std::uint32_t version) {
    return std::filesystem::path{GOLDEN_ROWS} / fmt::format("{}_v{}.txt", projection, version);
}

GoldenRows read_golden(const std::filesystem::path& file) {
    std::ifstream lines(file);
    REQUIRE_MESSAGE(lines.good(), file.string());
    GoldenRows golden;
    for (std::string line; std::getline(lines, line);)
        if (!line.empty()) add_line(line, golden);
    return golden;
}

void append_golden(const std::filesystem::path& file, std::string_view measured,
                   const projections::MemoryRows& rows) {
    std::ofstream out(file, std::ios::app);
    out << "measured\t" << measured << '\n';
    for (std::size_t table = 0; table < table_names.size(); ++table)
        for (const auto& [key, value] : rows.rows(static_cast<Table>(table)))
            out << table_names.at(table) << '\t' << printed(key) << '\t' << printed(value) << '\n';
    REQUIRE_MESSAGE(out.good(), file.string());
}

}  // namespace tests
