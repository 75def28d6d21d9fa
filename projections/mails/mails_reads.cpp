#include "projections/mails/mails_reads.hpp"

#include "projections/direction.hpp"
#include "projections/list_range.hpp"
#include "projections/mails/mail_row.hpp"
#include "projections/mails/thread_row.hpp"
#include "projections/stored_documents.hpp"
#include "projections/word_search.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace projections {

using namespace mail;
using schemas::json::Writer;

namespace {

constexpr std::size_t unread_counted_max = 200'000;

std::optional<std::string> stored_mail(const ReadView& view, const MailKey& key) {
    return view.get(Table::rows, row_key(RowTag::mail, key));
}

// Following the row of the mail that the thread was called after.
std::optional<ThreadRow> thread_called(const ReadView& view, std::string_view id) {
    const auto called = parse_thread_id(id);
    if (!called) return std::nullopt;
    MailRow mail;
    const auto stored = stored_mail(view, *called);
    if (!stored || !mail.decode(*stored)) return std::nullopt;
    const auto key = parse_thread_id(mail.thread);
    if (!key) return std::nullopt;
    const auto stored_thread = view.get(Table::rows, row_key(RowTag::thread, *key));
    ThreadRow thread;
    if (!stored_thread || !thread.decode(*stored_thread)) return std::nullopt;
    return thread;
}

ListRange range_of(const MailQuery& query, std::string prefix) {
    return {.prefix = std::move(prefix),
            .from = query.from,
            .to = query.to,
            .oldest_first = query.oldest_first,
            .page = query.page,
            .limit = query.limit,
            .cursor = query.cursor};
}

class MailFilter {
public:
    MailFilter(const ReadView& view, const MailQuery& query, WordSearch search)
        : view_(view), query_(query), search_(std::move(search)) {}

    bool wants(const ListedEntry& entry) const {
        if (query_.thread.empty()) {
            if (entry.rest.size() < 2 ||
                !fits(entry.rest[0] == 'i', entry.rest[1] == 'u', entry.rest.substr(2)))
                return false;
            if (query_.sender.empty() && search_.empty()) return true;
        }
        return wants_row(entry);
    }

private:
    bool fits(bool inbound, bool unread, std::string_view mailbox) const {
        const std::string& direction = query_.direction;
        return (direction.empty() || (inbound ? is_inbound(direction) : is_outbound(direction))) &&
               (!query_.is_read || *query_.is_read != unread) &&
               (query_.mailbox.empty() || query_.mailbox == mailbox);
    }
    bool wants_row(const ListedEntry& entry) const {
        MailRow row;
        const auto stored = stored_mail(view_, entry.id);
        if (!stored || !row.decode(*stored) || !row.content) return false;
        const MailRow::Content& content = *row.content;
        if (!fits(content.inbound, row.unread, row.mailbox)) return false;
        if (!query_.sender.empty() && content.from != query_.sender) return false;
        return search_.empty() || search_.matches({content.subject, content.from, content.from_name,
                                                   content.to, content.cc, content.snippet},
                                                  {});
    }

    const ReadView& view_;
    const MailQuery& query_;
    const WordSearch search_;
};

std::vector<Member> mails_in_order(const ThreadRow& thread) {
    std::vector<Member> mails;
    for (const Member& member : thread.members) {
        if (member.kind != Member::Kind::placeholder) mails.push_back(member);
    }
    std::sort(mails.begin(), mails.end(), [](const Member& a, const Member& b) {
        return std::tie(a.at, a.mail) < std::tie(b.at, b.mail);
    });
    return mails;
}

std::string opened(std::string_view stored) {
    std::string object{shown_part(stored)};
    object.pop_back();
    return object;
}

}  // namespace

bus::Result<ListPage> list_mails(const ReadView& view, const MailQuery& query) {
    auto search = WordSearch::parse(query.search);
    if (!search) return search.error();
    std::string prefix = index_prefix(IndexTag::newest);
    if (!query.thread.empty()) {
        const auto thread = thread_called(view, query.thread);
        prefix = thread_index_prefix(thread ? thread->key : ThreadKey{});
    }
    const MailFilter filter{view, query, *std::move(search)};
    return list_range(
        view, range_of(query, std::move(prefix)),
        [&](const ListedEntry& entry) { return filter.wants(entry); },
        [&](const ListedEntry& entry, std::string& out) {
            if (const auto stored = stored_mail(view, entry.id)) out += shown_part(*stored);
        });
}

std::optional<std::string> get_mail(const ReadView& view, std::string_view id) {
    const auto key = parse_mail_id(id);
    if (!key) return std::nullopt;
    const auto stored = stored_mail(view, *key);
    MailRow row;
    if (!stored || !row.decode(*stored) || !row.content) return std::nullopt;
    std::string before = "null";
    std::string after = "null";
    if (const auto thread = thread_called(view, row.thread)) {
        const auto quoted = [](const MailKey& mail) { return '"' + mail_id(mail) + '"'; };
        const std::vector<Member> mails = mails_in_order(*thread);
        for (std::size_t i = 0; i < mails.size(); ++i) {
            if (mails[i].mail != *key) continue;
            if (i > 0) before = quoted(mails[i - 1].mail);
            if (i + 1 < mails.size()) after = quoted(mails[i + 1].mail);
        }
    }
    return opened(*stored) + R"(,"previous_id":)" + before + R"(,"next_id":)" + after + '}';
}

bus::Result<ListPage> list_threads(const ReadView& view, const MailQuery& query) {
    const auto search = WordSearch::parse(query.search);
    if (!search) return search.error();
    const auto stored_thread = [&](const ThreadKey& key) {
        return view.get(Table::rows, row_key(RowTag::thread, key));
    };
    const auto found = [&](const ThreadKey& key) {
        const auto stored = stored_thread(key);
        ThreadRow row;
        if (!stored || !row.decode(*stored)) return false;
        std::vector<std::string_view> texts{row.subject};
        texts.insert(texts.end(), row.participants.begin(), row.participants.end());
        return search->matches(texts, {});
    };
    return list_range(
        view, range_of(query, index_prefix(IndexTag::threads)),
        [&](const ListedEntry& entry) {
            if (entry.rest.empty()) return false;
            const bool unread = entry.rest[0] == 'u';
            if (query.is_read && *query.is_read == unread) return false;
            if (!query.mailbox.empty() && entry.rest.substr(1) != query.mailbox) return false;
            return search->empty() || found(entry.id);
        },
        [&](const ListedEntry& entry, std::string& out) {
            if (const auto stored = stored_thread(entry.id)) out += shown_part(*stored);
        });
}

std::optional<std::string> get_thread(const ReadView& view, std::string_view id) {
    const auto thread = thread_called(view, id);
    if (!thread) return std::nullopt;
    const auto stored = view.get(Table::rows, row_key(RowTag::thread, thread->key));
    if (!stored) return std::nullopt;
    const auto mails =
        list_mails(view, {.thread = thread_id(thread->key), .limit = page_limit_max});
    if (!mails) return std::nullopt;
    return opened(*stored) + R"(,"messages":)" + mails->data + '}';
}

std::string count_unread(const ReadView& view, std::string_view mailbox) {
    const std::string prefix = index_prefix(IndexTag::unread);
    std::map<std::string, std::uint64_t, std::less<>> mailboxes;
    std::optional<bus::Timestamp> oldest;
    std::uint64_t unread = 0;
    std::size_t examined = 0;
    // From the oldest on.
    view.scan(Table::index, prefix, prefix_end(prefix), true,
              [&](std::string_view key, std::string_view) {
                  if (examined++ == unread_counted_max) return false;
                  KeyReader reader{key.substr(prefix.size())};
                  const bus::Timestamp at = reader.time_descending();
                  reader.id();
                  if (!mailbox.empty() && reader.rest() != mailbox) return true;
                  if (!oldest) oldest = at;
                  ++unread;
                  ++mailboxes[std::string{reader.rest()}];
                  return true;
              });
    std::string out;
    Writer writer{out};
    writer.begin_object().key("unread").unsigned_integer(unread).key("oldest_at");
    oldest ? writer.time(*oldest) : writer.null();
    writer.key("by_mailbox").begin_array();
    for (const auto& [name, count] : mailboxes) {
        writer.begin_object().member("mailbox_id", name).key("unread").unsigned_integer(count);
        writer.end_object();
    }
    writer.end_array().member("exact", examined <= unread_counted_max).end_object();
    return out;
}

}  // namespace projections
