// The mails of one mailbox that Message-ID, In-Reply-To and References connect.
//
// A thread is its set of members: mails that came, and places of mails that were only named. All
// else is computed from the set, and joining two sets is their union, so whatever order mails come
// in, the same mails end in the same row. It is keyed by its oldest mail, which a later mail seldom
// changes; every member's row points to it, so an id that was given out before two threads became
// one still leads to the thread.
#pragma once

#include "projections/mails/mail_keys.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace projections::mail {

// No row has more, whatever mails name and however often they come. A mail joins the threads that
// fit in, its own first; one that fits in none begins its own, and names find a place while there
// is room. The one rule here that depends on the order of arrival.
inline constexpr std::size_t thread_members_max = 20'000;
inline constexpr std::size_t participants_max = 20;        // the first in the alphabet
inline constexpr std::size_t participant_bytes_max = 320;  // no address is longer

struct Member {
    enum class Kind : std::uint8_t { placeholder, received, sent };
    MailKey mail;
    Kind kind = Kind::placeholder;
    bus::Timestamp at{};
    bus::Timestamp ingest_time{};
    bool automatic = false;  // no person wrote it: it asks nothing and answers nobody
    bool read = false;       // marked so
    bool unread = false;     // computed

    // What the mail's own row says; not stored.
    ThreadKey told_thread;
    bool told_unread = false;
};

struct ThreadRow : RowOf<ThreadRow> {
    ThreadKey key;
    std::string mailbox;
    std::string subject;  // of the oldest mail
    std::set<std::string> participants;
    std::vector<Member> members;  // by mail

    // The member's place, made when there is none.
    Member& member(const MailKey& mail);
    void join(const ThreadRow& other);
    void add_participant(std::string_view address);
    // Finds the key again and which received mails no later sent one answers.
    void settle();

    std::size_t mail_count() const;
    std::size_t unread_count() const;
    const Member* last_mail() const;  // by when it happened
    bool awaits_us() const;           // the newest mail of a customer is not answered, read or not

    void encode(std::string& out) const override;
    bus::Result<bus::Done> decode(std::string_view stored) override;
    bool empty() const override { return members.empty(); }
    void index_entries(IndexSink& sink) const override;

private:
    const Member* oldest_mail() const;
    // Ingest times of the newest mail that a customer wrote, and that somebody of ours wrote.
    std::optional<bus::Timestamp> asked() const;
    std::optional<bus::Timestamp> answered() const;
};

}  // namespace projections::mail
