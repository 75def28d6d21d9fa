#include "schemas/import_formats/mbox_reader.hpp"

#include "bus/text.hpp"

#include <algorithm>

namespace schemas::import_formats {

using bus::ErrorCode;
using bus::Result;

namespace {

constexpr std::string_view from = "From ";
constexpr std::size_t line_end_max = 2;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// hh:mm, which every spelling of the time in a separator has.
bool has_time_of_day(std::string_view text) {
    for (auto colon = text.find(':'); colon != std::string_view::npos;
         colon = text.find(':', colon + 1)) {
        if (colon >= 1 && colon + 2 < text.size() && is_digit(text[colon - 1]) &&
            is_digit(text[colon + 1]) && is_digit(text[colon + 2]))
            return true;
    }
    return false;
}

// ">From ", ">>From ": quoted by who wrote the mbox.
bool is_quoted_from(std::string_view line) {
    const auto text = line.find_first_not_of('>');
    return text != 0 && text != std::string_view::npos && line.substr(text).starts_with(from);
}

}  // namespace

bool is_mbox_separator(std::string_view line) {
    return line.starts_with(from) && has_time_of_day(line);
}

Result<bool> MboxReader::next(ImportItem& item) {
    item.clear();
    if (!at_mail_) {
        auto found = find_first();
        if (!found || !*found) return found;
    }
    item.place = fmt::format("mail {}", ++number_);
    if (read_mail()) {
        write_record(item.record, mail_, mail_members);
    } else {
        item.damage = bus::fail(ErrorCode::too_large, "a mail of {} bytes, {} are allowed",
                                mail_bytes_, body_bytes_max);
        item.original = mail_.substr(0, shown_bytes_max);
    }
    if (source_.failure()) return *source_.failure();
    return true;
}

Result<bool> MboxReader::find_first() {
    while (const auto line = source_.line(shown_bytes_max)) {
        if (bus::trim(line->text).empty()) continue;
        // The first one may be without a time: nothing stands before it that it could belong to.
        at_mail_ = line->text.starts_with(from);
        if (!at_mail_)
            return bus::fail(ErrorCode::invalid_input,
                             "no mbox: it does not begin with a line 'From ...'; single mails are "
                             "imported from a directory of .eml files or a maildir");
        return true;
    }
    if (source_.failure()) return *source_.failure();
    return false;
}

bool MboxReader::read_mail() {
    mail_.clear();
    mail_bytes_ = 0;
    at_mail_ = false;
    bool behind_empty_line = false;
    while (const auto line = source_.line(body_bytes_max + 1)) {
        if (behind_empty_line && is_mbox_separator(line->text)) {
            at_mail_ = true;
            break;
        }
        const bool empty = line->text.empty() || line->text == "\r";
        mail_bytes_ += line->bytes;
        behind_empty_line = empty;
        if (mail_.size() > body_bytes_max + line_end_max) continue;
        mail_ += is_quoted_from(line->text) ? line->text.substr(1) : line->text;
        if (line->ended) mail_ += '\n';
    }
    // Whoever writes an mbox ends each mail with it, the last one too.
    if (behind_empty_line && mail_.ends_with('\n')) {
        mail_.pop_back();
        if (mail_.ends_with('\r')) mail_.pop_back();
    }
    return mail_.size() <= body_bytes_max;
}

}  // namespace schemas::import_formats
