#include "projections/mails/mails_fold.hpp"

#include "projections/mail_time.hpp"
#include "projections/mails/mail_row.hpp"
#include "projections/mails/thread_row.hpp"
#include "projections/text_limits.hpp"

#include <algorithm>

namespace projections {

using namespace mail;
using schemas::Event;
using schemas::EventType;
using schemas::Field;

namespace {

std::string_view mailbox_of(const Event& event) {
    const std::string_view told = event.text(Field::mailbox);
    return told.empty() ? event.source_slug : told;
}

std::string_view first_message_id(std::string_view header) {
    const auto ids = message_ids(header);
    return ids.empty() ? std::string_view{} : ids.front();
}

MailRow& mail_of(const MailKey& key, std::string_view mailbox, Rows& rows) {
    auto& row = rows.edit<MailRow>(Table::rows, row_key(RowTag::mail, key));
    row.key = key;
    if (!mailbox.empty()) row.mailbox = short_name(mailbox);
    return row;
}

// The other mails that this one names, as keys.
std::vector<MailKey> named_by(const Event& event, const MailKey& itself) {
    std::vector<MailKey> named;
    for (const Field field : {Field::references, Field::in_reply_to}) {
        for (const std::string_view id : message_ids(event.text(field))) {
            const MailKey key = mail_key(mailbox_of(event), id);
            if (key != itself && std::find(named.begin(), named.end(), key) == named.end())
                named.push_back(key);
        }
    }
    return named;
}

std::string short_id(std::string_view message_id) {
    return std::string{cut_at_code_point(message_id, message_id_bytes_max)};
}

// The oldest are dropped where there is no room for all.
std::string references_of(const Event& event) {
    const auto ids = message_ids(event.text(Field::references));
    std::string references;
    for (auto id = ids.rbegin(); id != ids.rend(); ++id) {
        const std::string older = short_id(*id) + (references.empty() ? "" : " ");
        if (older.size() + references.size() > references_bytes_max) break;
        references.insert(0, older);
    }
    return references;
}

MailRow::Content content_of(const Event& event) {
    const auto text = [&](Field field, std::size_t bytes_max = header_text_bytes_max) {
        return std::string{cut_at_code_point(event.text(field), bytes_max)};
    };
    MailRow::Content content;
    content.inbound = event.type == EventType::email_message_received;
    content.message_id = short_id(first_message_id(event.text(Field::message_id)));
    content.in_reply_to = short_id(first_message_id(event.text(Field::in_reply_to)));
    content.references = references_of(event);
    content.subject = text(Field::subject);
    content.from = text(Field::from);
    content.from_name = text(Field::from_name);
    content.to = text(Field::to);
    content.cc = text(Field::cc);
    content.snippet = text(Field::snippet, snippet_bytes_max);
    content.team = text(Field::team);
    content.source = event.source_slug;
    content.attachment_count = event.get(Field::attachment_count).number;
    content.auto_reply = event.get(Field::auto_reply).number != 0;
    content.bounce = event.get(Field::bounce).number != 0;
    content.at = mail_time(event);
    content.ingest_time = event.ingest_time;
    content.event_id = event.id;
    content.address = event.address;
    return content;
}

// The thread that a mail's row points to; "" while it has none.
std::string thread_of(const MailKey& key, Rows& rows) {
    const auto* row = rows.peek<MailRow>(Table::rows, row_key(RowTag::mail, key));
    return row ? row->thread : std::string{};
}

// The threads of these mails as one: in any case that of the first, others while there is room for
// all their members. Members are told apart by the thread that their rows point to.
struct United {
    ThreadRow thread;
    std::vector<ThreadKey> from;
};
United unite(const std::vector<MailKey>& mails, Rows& rows) {
    United united;
    const std::size_t own_place = thread_of(mails.front(), rows).empty() ? 1 : 0;
    for (const MailKey& mail : mails) {
        const auto key = parse_thread_id(thread_of(mail, rows));
        if (!key || std::find(united.from.begin(), united.from.end(), *key) != united.from.end())
            continue;
        const auto* stored = rows.peek<ThreadRow>(Table::rows, row_key(RowTag::thread, *key));
        if (!stored) continue;
        const std::size_t members =
            united.thread.members.size() + stored->members.size() + own_place;
        if (mail != mails.front() && members > thread_members_max) continue;
        ThreadRow thread = *stored;
        for (Member& member : thread.members) {
            member.told_thread = *key;
            member.told_unread = member.unread;
        }
        united.thread.join(thread);
        united.from.push_back(*key);
    }
    return united;
}

// Places for mails that no thread has, while there is room.
void add_places(ThreadRow& thread, const std::vector<MailKey>& named, Rows& rows) {
    for (const MailKey& mail : named) {
        if (thread.members.size() >= thread_members_max) return;
        if (thread_of(mail, rows).empty()) thread.member(mail);
    }
}

void write_thread(United united, Rows& rows) {
    ThreadRow& thread = united.thread;
    thread.settle();
    if (const auto* oldest = rows.peek<MailRow>(Table::rows, row_key(RowTag::mail, thread.key));
        oldest && oldest->content)
        thread.subject = oldest->content->subject;
    for (const ThreadKey& key : united.from) {
        if (key != thread.key)
            rows.edit<ThreadRow>(Table::rows, row_key(RowTag::thread, key)) = ThreadRow{};
    }
    const std::string id = thread_id(thread.key);
    for (const Member& member : thread.members) {
        if (member.told_thread == thread.key && member.told_unread == member.unread) continue;
        MailRow& mail = mail_of(member.mail, thread.mailbox, rows);
        mail.thread = id;
        mail.unread = member.unread;
    }
    rows.edit<ThreadRow>(Table::rows, row_key(RowTag::thread, thread.key)) = std::move(thread);
}

void fold_mail(const Event& event, Rows& rows) {
    const std::string_view mailbox = mailbox_of(event);
    const std::string_view message_id = first_message_id(event.text(Field::message_id));
    const MailKey key =
        message_id.empty() ? mail_key_of_event(mailbox, event.id) : mail_key(mailbox, message_id);
    std::vector<MailKey> connected = named_by(event, key);
    MailRow& mail = mail_of(key, mailbox, rows);
    mail.take(content_of(event));
    const bool inbound = mail.content->inbound;
    const bool automatic = mail.content->auto_reply;
    const bus::Timestamp at = mail.content->at;
    const bus::Timestamp ingest_time = mail.content->ingest_time;
    const bool read = mail.marked_read();

    connected.insert(connected.begin(), key);
    United united = unite(connected, rows);
    united.thread.mailbox = short_name(mailbox);
    united.thread.add_participant(event.text(Field::from));
    united.thread.add_participant(event.text(Field::customer_email));
    // Its own place first: connected begins with it.
    add_places(united.thread, connected, rows);
    Member& member = united.thread.member(key);
    member.kind = inbound ? Member::Kind::received : Member::Kind::sent;
    member.at = at;
    member.ingest_time = ingest_time;
    member.automatic = automatic;
    member.read = read;
    write_thread(std::move(united), rows);
}

void fold_marker(const Event& event, bool read, Rows& rows) {
    const std::string_view message_id = first_message_id(event.text(Field::message_id));
    auto key = parse_mail_id(event.text(Field::object_id));
    if (!key && message_id.empty()) return;
    const std::string_view mailbox = key ? std::string_view{} : mailbox_of(event);
    if (!key) key = mail_key(mailbox, message_id);
    MailRow& mail = mail_of(*key, mailbox, rows);
    if (!mail.mark({schemas::order_of(event), read}) || !mail.content) return;
    United united = unite({*key}, rows);
    united.thread.member(*key).read = read;
    write_thread(std::move(united), rows);
}

void fold_bounced(const Event& event, Rows& rows) {
    const std::string_view bounced = first_message_id(event.text(Field::in_reply_to));
    if (bounced.empty()) return;
    const std::string_view mailbox = mailbox_of(event);
    MailRow& mail = mail_of(mail_key(mailbox, bounced), mailbox, rows);
    const bus::Timestamp at = mail_time(event);
    if (!mail.bounced_at || at < *mail.bounced_at) mail.bounced_at = at;
}

}  // namespace

std::span<const std::string_view> MailsFold::type_prefixes() const {
    static constexpr std::string_view prefixes[] = {"email."};
    return prefixes;
}

void MailsFold::fold(const Event& event, Rows& rows) const {
    switch (event.type) {
        case EventType::email_message_received:
        case EventType::email_message_sent:
            return fold_mail(event, rows);
        case EventType::email_message_read:
            return fold_marker(event, true, rows);
        case EventType::email_message_unread:
            return fold_marker(event, false, rows);
        case EventType::email_message_bounced:
            return fold_bounced(event, rows);
        default:
            return;
    }
}

}  // namespace projections
