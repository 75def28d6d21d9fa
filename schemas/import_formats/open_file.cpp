#include "schemas/import_formats/open_file.hpp"

#include "bus/text.hpp"
#include "schemas/import_formats/csv_reader.hpp"
#include "schemas/import_formats/line_reader.hpp"
#include "schemas/import_formats/mail_folder_reader.hpp"
#include "schemas/import_formats/mbox_reader.hpp"
#include "schemas/json/json.hpp"

#include <fmt/ranges.h>

#include <algorithm>

namespace schemas::import_formats {

using bus::ErrorCode;
using bus::Result;

namespace fs = std::filesystem;

namespace {

constexpr std::size_t bytes_looked_at = 64 * 1024;

struct Signature {
    std::string_view bytes;
    std::string_view what;
    std::string_view remedy;
};
constexpr Signature foreign[] = {
    {"\x1F\x8B", "compressed with gzip", "gunzip it first"},
    {"\xFD"
     "7zXZ",
     "compressed with xz", "unxz it first"},
    {"\x28\xB5\x2F\xFD", "compressed with zstd", "unzstd it first"},
    {"BZh", "compressed with bzip2", "bunzip2 it first"},
    {"PK\x03\x04", "a zip archive (or a spreadsheet)", "unzip it first; save spreadsheets as CSV"},
    {"\xFF\xFE", "UTF-16", "convert it: iconv -f utf-16 -t utf-8"},
    {"\xFE\xFF", "UTF-16", "convert it: iconv -f utf-16 -t utf-8"},
};

Result<bus::Done> refuse_foreign(std::string_view start, const fs::path& path) {
    if (start.empty())
        return bus::fail(ErrorCode::invalid_input, "{}: the file is empty", path.string());
    for (const Signature& signature : foreign) {
        if (start.starts_with(signature.bytes))
            return bus::fail(ErrorCode::invalid_input, "{} is {}; {}", path.string(),
                             signature.what, signature.remedy);
    }
    return bus::Done{};
}

// A line of ours: a body as text beside members that only we write.
bool is_record_line(std::string_view line) {
    json::Parser parser;
    const auto value = parser.parse(line, {.bytes_max = line.size() + 1});
    if (!value || value->kind() != json::Kind::object) return false;
    constexpr std::string_view known[] = {"body",   "body_base64", "content_type", "headers",
                                          "method", "path",        "query",        "key",
                                          "record", "refused"};
    bool all_known = true;
    value->each_member([&](std::string_view name, json::Value) {
        all_known =
            all_known && std::find(std::begin(known), std::end(known), name) != std::end(known);
    });
    const bool has_body = (*value)["body"].kind() == json::Kind::text ||
                          (*value)["body_base64"].kind() == json::Kind::text;
    return all_known && (has_body || (*value)["refused"].kind() == json::Kind::object);
}

const JsonListFormat* find_list(const OpenOptions& options, std::string_view name) {
    for (const JsonListFormat& format : options.json_lists)
        if (format.name == name) return &format;
    return nullptr;
}

// Whether the layout says anything about this document.
bool is_laid_out(json::Value document, const JsonListFormat* format) {
    return format && (document[format->list].kind() == json::Kind::array ||
                      document[format->item].kind() == json::Kind::object);
}

// Most lines are an object each. One that is broken must not make another format of the rest.
bool is_one_a_line(std::string_view start, const JsonListFormat* layout) {
    json::Parser parser;
    std::size_t objects = 0, others = 0;
    while (!start.empty()) {
        const auto end = std::min(start.find('\n'), start.size());
        const std::string_view line = bus::trim(start.substr(0, end));
        start.remove_prefix(std::min(start.size(), end + 1));
        if (line.empty()) continue;
        const auto document = parser.parse(line, {.bytes_max = line.size() + 1});
        if (document && is_laid_out(*document, layout)) return false;
        const bool object = document && document->kind() == json::Kind::object;
        ++(object ? objects : others);
    }
    return objects > others;
}

std::string detect_json(std::string_view start, const OpenOptions& options) {
    const auto last_end = start.rfind('\n');  // a line that is not seen whole says nothing
    if (last_end != std::string_view::npos && start.size() > last_end + 1 &&
        start.size() >= bytes_looked_at - 16)
        start = start.substr(0, last_end);
    if (is_record_line(bus::trim(start.substr(0, start.find('\n'))))) return "records";
    const JsonListFormat* layout = find_list(options, options.json_list_of_source);
    return is_one_a_line(start, layout) ? "ndjson" : options.json_list_of_source;
}

Result<std::string> detect(std::string_view start, const fs::path& path,
                           const OpenOptions& options) {
    const std::string_view text = bus::trim(start);
    if (path.extension() == ".csv" || path.extension() == ".tsv") return std::string("csv");
    if (path.extension() == ".eml") return std::string("mail");
    if (path.extension() == ".mbox" || text.starts_with("From ")) return std::string("mbox");
    if (text.starts_with('{') || text.starts_with('[')) {
        auto json = detect_json(text, options);
        if (!json.empty()) return json;
    }
    return bus::fail(ErrorCode::invalid_input,
                     "{}: its format cannot be told; say --format ndjson, records, csv, "
                     "json or mbox",
                     path.string());
}

Result<std::unique_ptr<ImportReader>> make_reader(const std::string& format, ByteSource source,
                                                  const OpenOptions& options) {
    if (format == "ndjson" || format == "records") {
        const auto kind = format == "ndjson" ? LineKind::body : LineKind::record;
        return std::unique_ptr<ImportReader>(new LineReader(std::move(source), kind));
    }
    if (format == "mbox") return std::unique_ptr<ImportReader>(new MboxReader(std::move(source)));
    if (format == "csv") {
        auto csv = CsvReader::open(std::move(source), options.delimiter);
        if (!csv) return csv.error();
        return std::unique_ptr<ImportReader>(*std::move(csv));
    }
    if (const auto* list = find_list(options, format))
        return std::unique_ptr<ImportReader>(new JsonListReader(std::move(source), *list));
    std::vector<std::string_view> known;
    for (const JsonListFormat& one : options.json_lists) known.push_back(one.name);
    return bus::fail(ErrorCode::invalid_input,
                     "there is no format '{}'; known are auto, ndjson, records, csv, mbox, mail, "
                     "{}",
                     format, fmt::join(known, ", "));
}

Result<OpenedFile> open_mail_folder(const fs::path& path, const OpenOptions& options) {
    if (options.format != "auto" && options.format != "maildir")
        return bus::fail(ErrorCode::invalid_input, "{} is a directory, not a file of format {}",
                         path.string(), options.format);
    auto mails = MailFolderReader::open(path);
    if (!mails) return mails.error();
    const std::uint64_t bytes = (*mails)->bytes();
    std::string identity = (*mails)->names();
    return OpenedFile{"maildir", *std::move(mails), bytes, std::move(identity)};
}

}  // namespace

Result<OpenedFile> open_file(const fs::path& path, const OpenOptions& options) {
    std::error_code unknown;
    if (fs::is_directory(path, unknown)) return open_mail_folder(path, options);
    if (options.format == "maildir")
        return bus::fail(ErrorCode::invalid_input, "{} is a file; a maildir is a directory",
                         path.string());
    auto source = ByteSource::open(path);
    if (!source) return source.error();
    source->skip_byte_order_mark();
    const std::string_view start = source->look(bytes_looked_at).substr(0, bytes_looked_at);
    if (source->failure()) return *source->failure();
    if (auto usable = refuse_foreign(start, path); !usable) return usable.error();
    const std::uint64_t bytes = fs::file_size(path, unknown);
    std::string identity = fmt::format("{} {}", bytes, start);
    std::string format = options.format;
    if (format == "auto") {
        auto detected = detect(start, path, options);
        if (!detected) return detected.error();
        format = *std::move(detected);
    }
    if (format == "mail")
        return OpenedFile{format, MailFolderReader::of_mail(path), bytes, std::move(identity)};
    auto reader = make_reader(format, *std::move(source), options);
    if (!reader)
        return bus::fail(reader.error().code, "{}: {}", path.string(), reader.error().message);
    return OpenedFile{std::move(format), *std::move(reader), bytes, std::move(identity)};
}

}  // namespace schemas::import_formats
