// Mails of an mbox file, in the mboxrd and mboxo dialects.
//
// A mail begins at a line "From " with a time in it, at the beginning of the file or behind an
// empty line; ">From " in its text loses one ">". The line that separates, and the empty line
// before the next one, are not part of the mail. invalid_input: the file does not begin with such a
// line.
#pragma once

#include "schemas/import_formats/byte_source.hpp"
#include "schemas/import_formats/import_reader.hpp"

namespace schemas::import_formats {

bool is_mbox_separator(std::string_view line);

class MboxReader final : public ImportReader {
public:
    explicit MboxReader(ByteSource source) : source_(std::move(source)) {}
    bus::Result<bool> next(ImportItem& item) override;
    std::uint64_t bytes_read() const override { return source_.offset(); }

private:
    bus::Result<bool> find_first();
    bool read_mail();  // into mail_; false when it is too long to be kept

    ByteSource source_;
    std::uint64_t number_ = 0;
    std::uint64_t mail_bytes_ = 0;
    std::string mail_;
    bool at_mail_ = false;  // the source stands behind a separator
};

// The members that a mail's record has beside its body.
inline constexpr std::string_view mail_members = R"(,"content_type":"message/rfc822")";

}  // namespace schemas::import_formats
