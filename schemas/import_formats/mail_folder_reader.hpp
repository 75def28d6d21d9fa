// Mails of a maildir (its cur and new), of a directory with .eml files, in the order of their
// names, or of one such file. A file that cannot be read is damage; what stands in tmp is not
// finished and left out.
#pragma once

#include "schemas/import_formats/import_reader.hpp"

#include <filesystem>
#include <vector>

namespace schemas::import_formats {

class MailFolderReader final : public ImportReader {
public:
    // invalid_input: neither a maildir nor a directory with .eml files.
    static bus::Result<std::unique_ptr<MailFolderReader>> open(
        const std::filesystem::path& directory);
    static std::unique_ptr<MailFolderReader> of_mail(const std::filesystem::path& file);
    static bool is_maildir(const std::filesystem::path& directory);

    bus::Result<bool> next(ImportItem& item) override;
    std::uint64_t bytes_read() const override { return bytes_read_; }
    std::uint64_t bytes() const;  // of all files
    std::string names() const;    // of all files, a line each

private:
    std::filesystem::path directory_;
    std::vector<std::filesystem::path> files_;
    std::size_t next_ = 0;
    std::uint64_t bytes_read_ = 0;
};

}  // namespace schemas::import_formats
