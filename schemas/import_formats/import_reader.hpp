// Files of the past as lines of POST /v1/imports/records, one record at a time.
//
// What a file format knows is how records stand in it; what they mean is said by the mapping of the
// source that takes them. A reader never holds more than one record and goes on after a damaged
// one. Threads: one at a time.
#pragma once

#include "bus/result.hpp"

#include <memory>
#include <optional>
#include <string>

namespace schemas::import_formats {

// The door takes bodies up to this size too; a longer one is damage, and is passed over unread.
inline constexpr std::size_t body_bytes_max = 1 << 20;
inline constexpr std::size_t shown_bytes_max = 4 * 1024;  // of damage that is no record

struct ImportItem {
    std::string place;   // "line 7", "mail 12": where a person finds it in the file
    std::string record;  // a JSON object, one line, without LF; "" when nothing could be made of it
    // Why it is not to be sent as it is: broken quote, not UTF-8, too long.
    std::optional<bus::Error> damage;
    std::string original;  // of damage without record: its beginning

    void clear();
};

class ImportReader {
public:
    virtual ~ImportReader() = default;
    // The next record into `item`; false at the end. An error is about the whole file.
    virtual bus::Result<bool> next(ImportItem& item) = 0;
    virtual std::uint64_t bytes_read() const = 0;  // for progress
};

// {"body":"..."} or, for bytes that are no UTF-8, {"body_base64":"..."}; `further` is more members
// as JSON (",\"content_type\":\"...\"").
void write_record(std::string& record, std::string_view body, std::string_view further = {});

}  // namespace schemas::import_formats
