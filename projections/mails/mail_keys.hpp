// Keys and ids of the mails projection.
//
// rows:  'm' mail key | 't' thread key (that of the thread's oldest mail)
// index: 'L' mail time, newest first | mail | direction, unread, mailbox
//        'H' thread | mail time, newest first | mail
//        'T' time of the last mail, newest first | thread | unread, mailbox
//        'U' time of an unread mail, newest first | mail | mailbox
#pragma once

#include "projections/row.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace projections::mail {

using MailKey = bus::EventId;    // of mailbox and Message-ID, else of mailbox and event id
using ThreadKey = bus::EventId;  // the MailKey of its oldest mail

enum class RowTag : std::uint8_t { mail = 'm', thread = 't' };
enum class IndexTag : std::uint8_t { newest = 'L', thread = 'H', threads = 'T', unread = 'U' };

MailKey mail_key(std::string_view mailbox, std::string_view message_id);
MailKey mail_key_of_event(std::string_view mailbox, const bus::EventId& event);

std::string row_key(RowTag tag, const bus::EventId& key);
std::string index_prefix(IndexTag tag);
std::string thread_index_prefix(const ThreadKey& thread);

std::string mail_id(const MailKey& key);      // "eml_..."
std::string thread_id(const ThreadKey& key);  // "eth_..."
std::optional<MailKey> parse_mail_id(std::string_view text);
std::optional<ThreadKey> parse_thread_id(std::string_view text);

// Of a References header only its beginning and its end are followed.
inline constexpr std::size_t references_followed_max = 32;

// Message ids without brackets, each once, in their order.
std::vector<std::string_view> message_ids(std::string_view header);

}  // namespace projections::mail
