// Records that stand in JSON documents as providers export them: a list under a member of the
// document, a list as the document itself, or one record a document. Documents follow each other,
// one a line or laid out over many.
//
// Lists of any length are read as a stream. Damage inside a document of one line costs that line;
// in one that is laid out over many lines nothing behind the damage can be told apart, and reading
// ends there with a damaged item that says so.
#pragma once

#include "schemas/import_formats/import_reader.hpp"
#include "schemas/import_formats/json_scanner.hpp"

#include <map>

namespace schemas::import_formats {

// How one kind of export is laid out; written in provider files ("exports").
struct JsonListFormat {
    std::string name{};  // "acme-events"
    std::string list{};  // member of a document that holds the list
    std::string item{};  // member of an element that is the record; "" = the element itself
    // The record that an element of the list makes: "{item}" stands for it, "{name}" for the
    // document's member of that name before the list, or null. "" = as it is. Where such a member
    // is too long to be repeated, the elements are damage.
    std::string wrap{};

    bool operator==(const JsonListFormat&) const = default;
};

class JsonListReader final : public ImportReader {
public:
    JsonListReader(ByteSource source, JsonListFormat format)
        : source_(std::move(source)),
          scanner_(source_, body_bytes_max),
          format_(std::move(format)) {}

    bus::Result<bool> next(ImportItem& item) override;
    std::uint64_t bytes_read() const override { return source_.offset(); }

private:
    enum class Step : std::uint8_t { item, go_on, end };
    Step begin_document(ImportItem& item);
    Step walk_object(ImportItem& item);
    bool take_member(std::string_view name);
    Step next_element(ImportItem& item);
    Step end_list(ImportItem& item);
    Step damaged(ImportItem& item, std::string_view why);
    Step give(ImportItem& item, bool is_element);
    void write(ImportItem& item, bool is_element) const;
    std::string wrapped(std::string_view element) const;

    ByteSource source_;
    JsonScanner scanner_;
    JsonListFormat format_;
    std::uint64_t number_ = 0;         // of the item
    std::uint64_t document_line_ = 1;  // where the document began
    bool in_list_ = false;
    bool in_object_ = false;  // the list is a member of the document
    bool lost_ = false;       // nothing more can be told apart
    // Of the document, before its list; those that the wrap names.
    std::map<std::string, std::string, std::less<>> members_;
    std::string too_long_member_;  // name of one that is not among them, or ""
    std::string value_, member_;
};

}  // namespace schemas::import_formats
