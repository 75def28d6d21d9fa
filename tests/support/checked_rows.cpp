#include "tests/support/checked_rows.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tests::checker {
namespace {

class RowJudge {
public:
    explicit RowJudge(const RowsToJudge& job) : job_(job) {}

    void judge() {
        messages();
        conversations();
        calls();
        mails();
        threads();
        accounts();
        letters();
        timelines();
        lists();
    }

private:
    // A row that nothing gave is wrong, or another's; `name` is what it could be another's by.
    template <class Key>
    void known_once(bool known, const Key& key, const std::string& name,
                    std::map<Key, int>& times) {
        if (!known && job_.is_of_another(name))
            job_.fault(&Verdict::leaked, "a row of another tenant: " + name);
        else if (!known)
            job_.fault(&Verdict::wrong_rows, "a row of nothing that was sent: " + name);
        else if (times[key]++ > 0)
            job_.fault(&Verdict::doubled, "two rows of " + name);
    }

    // Each row is one of the model's, seen once and as it says, and none is missing. `key_of` gives
    // the model's key of a row, `is_right` compares it with what the model has there.
    template <class Row, class Key, class Expected, class KeyOf, class IsRight>
    void each_is_right(const std::vector<Row>& rows, const std::map<Key, Expected>& model,
                       const std::string& what, const KeyOf& key_of, const IsRight& is_right) {
        std::map<Key, int> times;
        for (const Row& row : rows) {
            const auto [key, name] = key_of(row);
            const auto expected = model.find(key);
            known_once(expected != model.end(), key, name, times);
            if (expected != model.end() && !is_right(row, expected->second))
                job_.fault(&Verdict::wrong_rows, fmt::format("{} {} has a wrong row", what, name));
        }
        for (const auto& [key, expected] : model)
            if (!times.contains(key))
                job_.fault(&Verdict::wrong_rows,
                           fmt::format("no row of {} {}", what, name_of(key)));
    }
    static std::string name_of(const std::string& key) { return key; }
    static std::string name_of(const Model::Of& key) { return key.first + " " + key.second; }
    static auto by_id(const auto& row) { return std::pair(Model::Of{row.source, row.id}, row.id); }

    void messages() {
        std::map<std::string, const SeenConversation*> conversations;
        for (const SeenConversation& row : job_.seen.conversations) conversations[row.id] = &row;
        const auto stands_in_its_own = [&](const SeenMessage& row, const Told& told) {
            const auto in = conversations.find(row.conversation);
            return in != conversations.end() && row.listed_in == row.conversation &&
                   in->second->customer == told.customer && in->second->source == told.source;
        };
        each_is_right(
            job_.seen.messages, job_.model.messages, "message",
            [](const auto& row) { return by_id(row); },
            [&](const SeenMessage& row, const Told* told) {
                return row.text == told->text && row.at == iso(told->at_s) &&
                       stands_in_its_own(row, *told);
            });
    }
    void conversations() {
        each_is_right(
            job_.seen.conversations, job_.model.conversations, "conversation",
            [](const SeenConversation& row) {
                return std::pair(Model::Of{row.source, row.customer}, row.customer);
            },
            [](const SeenConversation& row, const ModelConversation& expected) {
                return row.messages == expected.messages &&
                       row.unread == std::min(expected.messages, unread_max) &&
                       row.last_at == iso(expected.last_at_s) &&
                       row.last_text == expected.last_text;
            });
    }
    void calls() {
        each_is_right(
            job_.seen.calls, job_.model.calls, "call", [](const auto& row) { return by_id(row); },
            [](const SeenCall& row, const Told* told) {
                return row.customer == told->customer && row.status == call_status(told->text) &&
                       row.at == iso(told->at_s);
            });
    }
    void mails() {
        each_is_right(
            job_.seen.mails, job_.model.mails, "mail", [](const auto& row) { return by_id(row); },
            [&](const SeenMail& row, const ModelMail& mail) {
                const Told& told = *mail.told;
                const auto thread = threads_.emplace(row.thread, told.thread).first;
                return row.customer == told.customer && row.subject == told.text &&
                       row.at == bus::to_iso(mail.at) && thread->second == told.thread;
            });
    }
    void threads() {
        each_is_right(
            job_.seen.threads, job_.model.threads, "thread",
            [&](const SeenThread& row) {
                const auto first = threads_.find(row.id);
                return std::pair(first != threads_.end() ? first->second : "", row.customer);
            },
            [](const SeenThread& row, const ModelThread& expected) {
                return row.customer == expected.customer && row.subject == expected.subject &&
                       row.mails == expected.mails && row.unread == expected.mails &&
                       row.last_at == bus::to_iso(expected.last_at);
            });
    }
    void accounts() {
        each_is_right(
            job_.seen.accounts, job_.model.accounts, "account",
            [](const SeenAccount& row) { return std::pair(row.customer, row.customer); },
            [](const SeenAccount& row, const Told* newest) {
                return row.status == newest->text && row.at == iso(newest->at_s);
            });
    }
    void letters() {
        each_is_right(
            job_.seen.letters, job_.model.letters, "dead letter",
            [&](const SeenLetter& row) {
                const auto told = job_.by_request.find(row.event_id);
                const bool known = told != job_.by_request.end();
                return std::pair(Model::Of{row.source, known ? told->second->id : row.event_id},
                                 row.event_id);
            },
            [](const SeenLetter& row, const Told*) {
                return row.reason.find("message_id") != row.reason.npos;
            });
    }
    // By source and time: no two events of a source have the same.
    void timelines() {
        for (const auto& [customer, lines] : job_.seen.timelines)
            each_is_right(
                lines, job_.model.lines[customer], "line of " + customer,
                [](const SeenLine& row) {
                    return std::pair(Model::Of{row.source, row.at}, row.at);
                },
                [](const SeenLine&, const Told*) { return true; });
    }
    // Lists are newest first over all their pages: messages those of one conversation.
    void lists() {
        std::map<std::string, std::string> last;  // by list: the time of its row before
        const auto next = [&](const std::string& list, const std::string& at) {
            const auto before = last.find(list);
            if (before != last.end() && before->second < at)
                job_.fault(
                    &Verdict::out_of_order,
                    fmt::format("the list of {}: {} stands behind {}", list, at, before->second));
            last[list] = at;
        };
        for (const SeenConversation& row : job_.seen.conversations)
            next("conversations", row.last_at);
        for (const SeenMessage& row : job_.seen.messages)
            next("messages of " + row.listed_in, row.at);
        for (const SeenCall& row : job_.seen.calls) next("calls", row.at);
        for (const SeenMail& row : job_.seen.mails) next("mails", row.at);
        for (const SeenThread& row : job_.seen.threads) next("threads", row.last_at);
        for (const auto& [customer, lines] : job_.seen.timelines)
            for (const SeenLine& row : lines) next("the timeline of " + customer, row.at);
    }

    const RowsToJudge& job_;
    std::map<std::string, std::string> threads_;  // by their ids: the first mail that was told
};

}  // namespace

void judge_rows(const RowsToJudge& job) {
    RowJudge(job).judge();
}

}  // namespace tests::checker
