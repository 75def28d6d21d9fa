#include "tools/export/csv_table.hpp"

#include "schemas/json/json.hpp"

#include <fstream>
#include <functional>
#include <map>

namespace tools::exports {

using bus::Done;
using bus::ErrorCode;
using bus::Result;
using schemas::json::Kind;
using schemas::json::Value;

namespace {

constexpr std::string_view spread_member = "fields";

using EachCell = std::function<void(std::string_view column, Value value)>;

void each_cell(Value object, const EachCell& visit) {
    object.each_member([&](std::string_view name, Value value) {
        if (name != spread_member || value.kind() != Kind::object) return visit(name, value);
        value.each_member([&](std::string_view inner, Value cell) {
            visit(fmt::format("{}.{}", name, inner), cell);
        });
    });
}

Result<Done> each_object(const std::filesystem::path& ndjson,
                         const std::function<Result<Done>(Value)>& visit) {
    std::ifstream in(ndjson, std::ios::binary);
    schemas::json::Parser parser;
    for (std::string line; std::getline(in, line);) {
        const auto json = parser.parse(line, {.bytes_max = line.size() + 1, .keys_max = 1'000'000});
        if (!json) return json.error();
        if (auto done = visit(*json); !done) return done;
    }
    return Done{};
}

std::string cell_text(Value value) {
    if (value.kind() != Kind::object && value.kind() != Kind::array) {
        std::string text = value.scalar_text();
        const bool formula = value.kind() == Kind::text && !text.empty() &&
                             std::string_view("=+-@\t\r").find(text[0]) != std::string_view::npos;
        return formula ? "'" + text : text;
    }
    std::string text;
    value.append_to(text);
    return text;
}

void append_cell(std::string& row, std::string_view text) {
    if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
        row += text;
        return;
    }
    row += '"';
    for (const char c : text) {
        if (c == '"') row += '"';
        row += c;
    }
    row += '"';
}

std::string row_of(const std::vector<std::string>& cells) {
    std::string row;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        if (i > 0) row += ',';
        append_cell(row, cells[i]);
    }
    row += '\r';  // the LF is the file's
    return row;
}

}  // namespace

Result<Done> write_csv(const std::filesystem::path& ndjson, ExportFile& csv) {
    std::map<std::string, std::size_t, std::less<>> places;
    std::vector<std::string> names;
    auto seen = each_object(ndjson, [&](Value object) -> Result<Done> {
        each_cell(object, [&](std::string_view column, Value) {
            if (places.emplace(column, names.size()).second) names.emplace_back(column);
        });
        if (names.size() > columns_max)
            return bus::fail(ErrorCode::too_large, "{} columns in {}, {} are allowed; take NDJSON",
                             names.size(), ndjson.string(), columns_max);
        return Done{};
    });
    if (!seen) return seen;
    if (auto head = csv.line(row_of(names)); !head) return head;
    return each_object(ndjson, [&](Value object) {
        std::vector<std::string> cells(names.size());
        each_cell(object, [&](std::string_view column, Value value) {
            cells[places.find(column)->second] = cell_text(value);
        });
        return csv.line(row_of(cells));
    });
}

}  // namespace tools::exports
