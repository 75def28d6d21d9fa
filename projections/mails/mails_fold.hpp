// Mails and threads, of email.message.received, sent, read, unread and bounced.
//
// A mail is named by `mailbox` (else its source) and `message_id`; one without is its event. read
// and unread name it so too, or by `object_id` ("eml_..."). A bounce report is a received mail
// itself; the mail that its `in_reply_to` names is marked.
//
// A thread is a row with the set of its members (thread_row.hpp), united when a mail names members
// of several; a mail named before it came is a member without content. Union commutes, and unread,
// key and shown values are functions of the set. Each union writes the mails whose thread or unread
// state it changes, so that measures count them in the same batch.
//
// A mail is listed by when it happened (mail_time.hpp). What concerns attention goes by when it was
// stored.
//
// A mail that no person wrote answers nobody (PRODUCT 10.5), and no answer is waited for when one
// was received (PRODUCT 10.1). Such a one is unread like others all the same: bounces and what
// forms send are among them, and somebody should see these.
//
//   awaiting: "us" when the newest mail that a person wrote to us is not answered; on a tie the
//             customer waits
//   unread:   received, no answer of the thread sent later (by ingest time; on a tie it stays
//             unread), last marker not `read`
#pragma once

#include "projections/projection.hpp"

namespace projections {

class MailsFold final : public Projection {
public:
    std::string_view name() const override { return "mails"; }
    std::uint32_t version() const override { return 4; }
    // What is computed from a thread's members has changed, not what a row holds. A thread that no
    // mail touches since goes on saying what it said: whom it awaits may be of version 3.
    std::uint32_t goes_on_from() const override { return 3; }
    std::span<const std::string_view> type_prefixes() const override;
    void fold(const schemas::Event& event, Rows& rows) const override;
};

}  // namespace projections
