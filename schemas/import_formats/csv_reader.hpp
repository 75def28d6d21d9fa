// CSV (RFC 4180) with a header row: each row becomes a JSON object {column: text}, to be mapped by
// the mapping of a generic source.
//
// Fields may be quoted, with doubled quotes, delimiters and line ends inside; lines end in LF or
// CRLF; UTF-8 with or without byte order mark. A row with a broken quote, another number of fields
// or bytes that are no UTF-8 is damage, named with its line; reading goes on at the next line, also
// when an open quote had swallowed it.
#pragma once

#include "schemas/import_formats/byte_source.hpp"
#include "schemas/import_formats/import_reader.hpp"

#include <vector>

namespace schemas::import_formats {

inline constexpr std::size_t csv_columns_max = 2'000;

class CsvReader final : public ImportReader {
public:
    // `delimiter` 0 = whichever of , ; TAB | the header row has most of. invalid_input: no header
    // row, a column without a name or named twice, too many columns.
    static bus::Result<std::unique_ptr<CsvReader>> open(ByteSource source, char delimiter = 0);

    bus::Result<bool> next(ImportItem& item) override;
    std::uint64_t bytes_read() const override { return source_.offset(); }
    const std::vector<std::string>& columns() const { return columns_; }

private:
    explicit CsvReader(ByteSource source) : source_(std::move(source)) {}

    // One row into fields_; false at the end of the file. What is wrong with it is returned in
    // `damage`, and the source stands at the beginning of the next line.
    bool read_row(std::optional<bus::Error>& damage);
    std::optional<bus::Error> read_field(std::string& field, bool& row_ends);
    std::optional<bus::Error> read_quoted(std::string& field, bool& row_ends);
    bool take_row_end();  // a line end that stands here
    int take();
    void pass_damage();
    bool row_is_empty() const { return fields_.size() == 1 && fields_[0].empty(); }
    void write(ImportItem& item) const;

    ByteSource source_;
    char delimiter_ = ',';
    std::vector<std::string> columns_;
    std::vector<std::string> fields_;
    std::string raw_;             // the row as it stands in the file
    std::uint64_t line_ = 1;      // of the next byte
    std::uint64_t row_line_ = 1;  // where the row began
};

}  // namespace schemas::import_formats
