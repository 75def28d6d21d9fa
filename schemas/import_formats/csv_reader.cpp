#include "schemas/import_formats/csv_reader.hpp"

#include "bus/text.hpp"
#include "schemas/json/json.hpp"

#include <algorithm>
#include <set>

namespace schemas::import_formats {

using bus::Error;
using bus::ErrorCode;
using bus::Result;

namespace {

constexpr std::size_t header_bytes_looked_at = 64 * 1024;
constexpr char delimiters[] = {',', ';', '\t', '|'};

char most_frequent_delimiter(std::string_view header) {
    header = header.substr(0, header.find('\n'));
    const auto count = [&](char c) { return std::count(header.begin(), header.end(), c); };
    return *std::max_element(std::begin(delimiters), std::end(delimiters),
                             [&](char a, char b) { return count(a) < count(b); });
}

std::optional<Error> check_columns(const std::vector<std::string>& columns) {
    std::set<std::string_view> seen;
    for (const std::string& column : columns) {
        if (column.empty())
            return bus::fail(ErrorCode::invalid_input,
                             "the header row has a column without a name (number {})",
                             &column - columns.data() + 1);
        if (!json::is_utf8(column))
            return bus::fail(ErrorCode::invalid_input,
                             "line 1: the header row is not UTF-8; convert the file: iconv -f "
                             "latin1 -t utf-8");
        if (!seen.insert(column).second)
            return bus::fail(ErrorCode::invalid_input, "the header row names '{}' twice", column);
    }
    if (columns.size() > csv_columns_max)
        return bus::fail(ErrorCode::invalid_input, "{} columns, {} are allowed", columns.size(),
                         csv_columns_max);
    return std::nullopt;
}

}  // namespace

Result<std::unique_ptr<CsvReader>> CsvReader::open(ByteSource source, char delimiter) {
    std::unique_ptr<CsvReader> reader(new CsvReader(std::move(source)));
    reader->source_.skip_byte_order_mark();
    reader->delimiter_ =
        delimiter != 0 ? delimiter
                       : most_frequent_delimiter(reader->source_.look(header_bytes_looked_at));
    std::optional<Error> damage;
    if (!reader->read_row(damage) || reader->row_is_empty())
        return bus::fail(ErrorCode::invalid_input, "the file has no header row");
    if (damage) return bus::fail(damage->code, "the header row: {}", damage->message);
    for (std::string& column : reader->fields_) column = bus::trim(column);
    if (auto wrong = check_columns(reader->fields_)) return *wrong;
    reader->columns_ = std::move(reader->fields_);
    return reader;
}

Result<bool> CsvReader::next(ImportItem& item) {
    item.clear();
    std::optional<Error> damage;
    while (read_row(damage)) {
        if (!damage && row_is_empty()) continue;
        item.place = fmt::format("line {}", row_line_);
        if (!damage && fields_.size() != columns_.size())
            damage =
                bus::fail(ErrorCode::invalid_input,
                          "the row has {} fields, the header row {}; is a delimiter not quoted?",
                          fields_.size(), columns_.size());
        if (!damage && !json::is_utf8(raw_))
            damage = bus::fail(ErrorCode::invalid_input,
                               "not UTF-8; convert the file: iconv -f latin1 -t utf-8");
        if (damage)
            item.original = raw_.substr(0, shown_bytes_max);
        else
            write(item);
        item.damage = damage;
        return true;
    }
    if (source_.failure()) return *source_.failure();
    return false;
}

bool CsvReader::read_row(std::optional<Error>& damage) {
    damage.reset();
    if (source_.peek() == ByteSource::end) return false;
    fields_.clear();
    raw_.clear();
    row_line_ = line_;
    for (bool row_ends = false; !row_ends && !damage;) {
        fields_.emplace_back();
        damage = read_field(fields_.back(), row_ends);
        if (fields_.size() > csv_columns_max + 1 && !damage)
            damage = bus::fail(ErrorCode::too_large, "more than {} fields", csv_columns_max);
    }
    if (damage) pass_damage();
    return true;
}

std::optional<Error> CsvReader::read_field(std::string& field, bool& row_ends) {
    if (source_.peek() == '"') return read_quoted(field, row_ends);
    for (;;) {
        row_ends = take_row_end();
        if (row_ends) return std::nullopt;
        const int byte = take();
        if (byte == delimiter_) return std::nullopt;
        if (byte == '"')
            return bus::fail(ErrorCode::invalid_input,
                             "broken quote: a quote inside a field that does not begin with one");
        if (raw_.size() > body_bytes_max)
            return bus::fail(ErrorCode::too_large, "a row of more than {} bytes", body_bytes_max);
        field += static_cast<char>(byte);
    }
}

std::optional<Error> CsvReader::read_quoted(std::string& field, bool& row_ends) {
    (void)take();
    for (;;) {
        const int byte = take();
        if (byte == ByteSource::end)
            return bus::fail(ErrorCode::invalid_input,
                             "broken quote: it is still open at the end of the file");
        if (raw_.size() > body_bytes_max)
            return bus::fail(ErrorCode::too_large,
                             "a row of more than {} bytes; is a quote not closed?", body_bytes_max);
        if (byte != '"') {
            field += static_cast<char>(byte);
            continue;
        }
        if (source_.peek() == '"') {
            field += static_cast<char>(take());
            continue;
        }
        row_ends = take_row_end();
        if (row_ends || take() == delimiter_) return std::nullopt;
        return bus::fail(ErrorCode::invalid_input,
                         "broken quote: text between a closing quote and the next delimiter");
    }
}

bool CsvReader::take_row_end() {
    const int byte = source_.peek();
    if (byte == ByteSource::end) return true;
    if (byte == '\r' && source_.look(2).substr(0, 2) == "\r\n") (void)take();
    if (source_.peek() != '\n') return false;
    (void)take();
    return true;
}

int CsvReader::take() {
    const int byte = source_.next();
    if (byte == ByteSource::end) return byte;
    if (byte == '\n') ++line_;
    raw_ += static_cast<char>(byte);
    return byte;
}

// Only the line where the row began is given up: an open quote may have taken good ones with it.
void CsvReader::pass_damage() {
    const auto first_end = raw_.find('\n');
    if (first_end == std::string::npos) {
        (void)source_.line(0);
    } else {
        source_.put_back(std::string_view(raw_).substr(first_end + 1));
        raw_.resize(first_end);
    }
    line_ = row_line_ + 1;
}

void CsvReader::write(ImportItem& item) const {
    std::string body;
    json::Writer out(body);
    out.begin_object();
    for (std::size_t i = 0; i < columns_.size(); ++i) out.member(columns_[i], fields_[i]);
    out.end_object();
    write_record(item.record, body);
}

}  // namespace schemas::import_formats
