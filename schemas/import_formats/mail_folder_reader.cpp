#include "schemas/import_formats/mail_folder_reader.hpp"

#include "schemas/import_formats/byte_source.hpp"
#include "schemas/import_formats/mbox_reader.hpp"

#include <algorithm>

namespace schemas::import_formats {

using bus::ErrorCode;
using bus::Result;

namespace fs = std::filesystem;

namespace {

bus::Error unreadable(const fs::path& path, const std::error_code& why) {
    return bus::fail(ErrorCode::unavailable, "{}: {}", path.string(), why.message());
}

// Regular files of one directory; with `extension` only those.
Result<bus::Done> list(const fs::path& directory, std::string_view extension,
                       std::vector<fs::path>& out) {
    std::error_code failed;
    fs::directory_iterator entry(directory, failed);
    for (; !failed && entry != fs::directory_iterator{}; entry.increment(failed)) {
        std::error_code unknown;
        const bool wanted = extension.empty() || entry->path().extension() == extension;
        if (wanted && !entry->is_directory(unknown)) out.push_back(entry->path());
    }
    if (failed) return unreadable(directory, failed);
    return bus::Done{};
}

Result<std::string> read_mail_file(const fs::path& file) {
    auto source = ByteSource::open(file);
    if (!source) return source.error();
    const std::string_view bytes = source->look(body_bytes_max + 1);
    if (source->failure()) return *source->failure();
    if (bytes.size() > body_bytes_max)
        return bus::fail(ErrorCode::too_large, "a mail of more than {} bytes", body_bytes_max);
    return std::string(bytes);
}

}  // namespace

bool MailFolderReader::is_maildir(const fs::path& directory) {
    std::error_code none;
    return fs::is_directory(directory / "cur", none) && fs::is_directory(directory / "new", none);
}

Result<std::unique_ptr<MailFolderReader>> MailFolderReader::open(const fs::path& directory) {
    auto reader = std::make_unique<MailFolderReader>();
    reader->directory_ = directory;
    const bool maildir = is_maildir(directory);
    const std::vector<std::pair<fs::path, std::string_view>> places =
        maildir ? std::vector<std::pair<fs::path, std::string_view>>{{directory / "cur", ""},
                                                                     {directory / "new", ""}}
                : std::vector<std::pair<fs::path, std::string_view>>{{directory, ".eml"}};
    for (const auto& [place, extension] : places)
        if (auto listed = list(place, extension, reader->files_); !listed) return listed.error();
    if (!maildir && reader->files_.empty())
        return bus::fail(ErrorCode::invalid_input,
                         "{} is a directory, but neither a maildir (cur and new) nor one with "
                         ".eml files; name the files themselves",
                         directory.string());
    std::sort(reader->files_.begin(), reader->files_.end());
    return reader;
}

std::unique_ptr<MailFolderReader> MailFolderReader::of_mail(const fs::path& file) {
    auto reader = std::make_unique<MailFolderReader>();
    reader->directory_ = file.parent_path();
    reader->files_ = {file};
    return reader;
}

Result<bool> MailFolderReader::next(ImportItem& item) {
    item.clear();
    if (next_ == files_.size()) return false;
    const fs::path& file = files_[next_++];
    item.place = "file " + file.lexically_relative(directory_).string();
    const auto mail = read_mail_file(file);
    if (mail) {
        bytes_read_ += mail->size();
        write_record(item.record, *mail, mail_members);
    } else {
        item.damage = mail.error();
    }
    return true;
}

std::string MailFolderReader::names() const {
    std::string names;
    for (const fs::path& file : files_) names += file.string() + '\n';
    return names;
}

std::uint64_t MailFolderReader::bytes() const {
    std::uint64_t sum = 0;
    for (const fs::path& file : files_) {
        std::error_code unknown;
        const auto bytes = fs::file_size(file, unknown);
        sum += unknown ? 0 : bytes;
    }
    return sum;
}

}  // namespace schemas::import_formats
