#include "projections/mails/mail_keys.hpp"

#include "bus/crypto/digest.hpp"
#include "projections/stored_documents.hpp"

#include <algorithm>

namespace projections::mail {

MailKey mail_key(std::string_view mailbox, std::string_view message_id) {
    return bus::crypto::hash_id({"mail", mailbox, message_id});
}

MailKey mail_key_of_event(std::string_view mailbox, const bus::EventId& event) {
    return bus::crypto::hash_id({"mail event", mailbox, event.view()});
}

std::string row_key(RowTag tag, const bus::EventId& key) {
    return KeyWriter{}.byte(static_cast<std::uint8_t>(tag)).id(key).take();
}

std::string index_prefix(IndexTag tag) {
    return std::string(1, static_cast<char>(tag));
}

std::string thread_index_prefix(const ThreadKey& thread) {
    return KeyWriter{}.byte(static_cast<std::uint8_t>(IndexTag::thread)).id(thread).take();
}

std::string mail_id(const MailKey& key) {
    return prefixed_id("eml", key);
}

std::string thread_id(const ThreadKey& key) {
    return prefixed_id("eth", key);
}

std::optional<MailKey> parse_mail_id(std::string_view text) {
    return parse_prefixed_id("eml", text);
}

std::optional<ThreadKey> parse_thread_id(std::string_view text) {
    return parse_prefixed_id("eth", text);
}

std::vector<std::string_view> message_ids(std::string_view header) {
    constexpr std::string_view between = " \t\r\n,<>";
    std::vector<std::string_view> ids;
    std::size_t begin = header.find_first_not_of(between);
    while (begin != std::string_view::npos) {
        const std::size_t end = std::min(header.find_first_of(between, begin), header.size());
        const std::string_view id = header.substr(begin, end - begin);
        if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
        // The first names the thread's beginning, the last ones the nearest ancestors.
        if (ids.size() > references_followed_max) ids.erase(ids.begin() + 1);
        begin = header.find_first_not_of(between, end);
    }
    return ids;
}

}  // namespace projections::mail
