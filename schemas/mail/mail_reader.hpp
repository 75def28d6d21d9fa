// A raw mail (RFC 5322, MIME) as a JSON document for mappings. Hides GMime.
//
//   message_id, in_reply_to   without angle brackets; of a bounce that answers none, in_reply_to is
//                             the id of the mail inside it
//   references                message ids, oldest first, separated by blanks
//   identity                  the message id, or "sha256:<hex>" of the raw bytes when there is none
//   subject, date             decoded; ISO 8601 with offset, absent when unreadable
//   from, reply_to            {address, name}: the first of each header; address in lower case
//   recipients                [{address, name}] of To, then Cc
//   to, cc                    as text, addresses separated by ", "
//   text                      the first readable plain text, or HTML without its tags, at most
//                             text_bytes_max
//   snippet                   its beginning in one line, at most snippet_bytes_max
//   attachment_count, size_bytes
//   auto_reply                no person wrote it (PRODUCT 10.1): Auto-Submitted, Precedence
//                             bulk/junk/auto_reply, X-Autoreply, X-Autorespond, a null return path
//   bounce                    a delivery status report (RFC 3464)
//
// What breaks real mails (no Message-ID, 8-bit headers, unknown charsets, boundaries never closed)
// gives the parts that can be read; only bytes without any header field are an error, and what the
// parser would take out of proportion for: thousands of addresses, of names without one, of parts.
#pragma once

#include "bus/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace schemas::mail {

inline constexpr std::size_t text_bytes_max = 16 * 1024;
inline constexpr std::size_t snippet_bytes_max = 200;
inline constexpr std::int64_t addresses_max =
    5'000;  // and groups, of one field; else invalid_input

// Replaces `json`. invalid_input when the bytes are no mail. Pure; any thread.
bus::Result<bus::Done> read_mail(std::string_view bytes, std::string& json);

}  // namespace schemas::mail
