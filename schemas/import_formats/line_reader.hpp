// Files with one record a line.
//
//   ndjson    each line is the body of a request, as its sender would have posted it
//   records   each line is a line of POST /v1/imports/records: exports, and what was refused before
#pragma once

#include "schemas/import_formats/byte_source.hpp"
#include "schemas/import_formats/import_reader.hpp"

namespace schemas::import_formats {

enum class LineKind : std::uint8_t { body, record };

class LineReader final : public ImportReader {
public:
    LineReader(ByteSource source, LineKind kind) : source_(std::move(source)), kind_(kind) {}
    bus::Result<bool> next(ImportItem& item) override;
    std::uint64_t bytes_read() const override { return source_.offset(); }

private:
    void read(std::string_view text, ImportItem& item) const;

    ByteSource source_;
    LineKind kind_;
    std::uint64_t number_ = 0;
};

}  // namespace schemas::import_formats
