#include "tests/support/checker.hpp"

#include "bus/position.hpp"
#include "tests/support/checked_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace tests::checker {
namespace {

constexpr std::size_t examples_max = 12;

std::int64_t offset_of(const std::string& address) {
    return std::stoll(address.substr(address.rfind('/') + 1));
}

std::string place_of(const std::string& address) {
    return address.substr(0, address.rfind('/'));
}

// Whose an event is, by its body: bodies differ between any two events.
using ByBody = std::map<std::string_view, const Told*>;

// One tenant's side of the log and of the rows.
class Tenant {
public:
    Tenant(std::size_t number, const ByBody& all, const SeenTenant& seen, const Rules& rules,
           Verdict& verdict)
        : number_(number), all_(all), seen_(seen), rules_(rules), verdict_(verdict) {}

    void judge(const std::vector<const Told*>& told) {
        for (const Told* one : told) by_id_.emplace(one->event_id, one);
        read_log();
        for (const Told* one : told) judge_acknowledged(*one);
        judge_order();
        for (const Told* one : told)
            if (must_be_there(*one) || found_.contains(one)) model_.tell(*one, received(*one));
        judge_messages();
        judge_conversations();
        judge_calls();
        judge_mails();
        judge_threads();
        judge_accounts();
        judge_letters();
        judge_timelines();
        judge_lists();
    }

private:
    void fault(std::size_t Verdict::*count, std::string what) {
        verdict_.add(count, fmt::format("tenant {}: {}", number_, what));
    }

    bool must_be_there(const Told& told) const {
        return told.acknowledged && !(rules_.may_be_missing && rules_.may_be_missing(told));
    }

    bool has_lost_body(const SeenRequest& request) const {
        const auto kept = rules_.kept_from.find(place_of(request.address));
        return kept != rules_.kept_from.end() && offset_of(request.address) < kept->second;
    }

    void read_log() {
        for (const SeenRequest& request : seen_.requests) {
            if (request.is_gone != has_lost_body(request))
                fault(&Verdict::wrong_rows,
                      fmt::format("the body of {} at {} {}", request.event_id, request.address,
                                  request.is_gone ? "is gone" : "is not answered as gone"));
            if (request.is_gone) {
                read_bodiless(request);
                continue;
            }
            const auto known = all_.find(request.body);
            if (known == all_.end())
                fault(&Verdict::wrong_rows, "a body that nobody sent, event " + request.event_id);
            else if (known->second->tenant != number_)
                fault(&Verdict::leaked, "a body of another tenant: " + known->second->id);
            else if (known->second->source != request.source)
                fault(&Verdict::wrong_rows,
                      known->second->id + " is shown as a request of " + request.source);
            else
                add_found(*known->second, request);
        }
    }
    void add_found(const Told& told, const SeenRequest& request) {
        found_[&told].push_back(&request);
        by_request_.emplace(request.event_id, &told);
    }

    // Told by the id that was answered.
    void read_bodiless(const SeenRequest& request) {
        const auto known = by_id_.find(request.event_id);
        if (known == by_id_.end())
            fault(&Verdict::wrong_rows, "an event that nobody was told of: " + request.event_id);
        else if (known->second->source != request.source)
            fault(&Verdict::wrong_rows,
                  known->second->id + " is shown as a request of " + request.source);
        else
            add_found(*known->second, request);
    }

    void judge_acknowledged(const Told& told) {
        const auto found = found_.find(&told);
        if (found != found_.end() && found->second.size() > 1 && !rules_.log_may_repeat)
            fault(&Verdict::doubled,
                  fmt::format("{} is in the log {} times", told.id, found->second.size()));
        if (!must_be_there(told)) return;
        ++verdict_.checked;
        if (found == found_.end()) return fault(&Verdict::lost, told.id + " is not in the log");
        if (!rules_.clock_is_moved) judge_time(told, found->second);
        const bool named =
            std::any_of(found->second.begin(), found->second.end(),
                        [&](const SeenRequest* one) { return one->event_id == told.event_id; });
        if (!named && !rules_.log_may_repeat)
            fault(&Verdict::lost, told.id + " is not under the id that was answered");
    }

    // Whatever was stored of it came in between the first time that it was sent and its answer.
    void judge_time(const Told& told, const std::vector<const SeenRequest*>& requests) {
        for (const SeenRequest* one : requests)
            if (one->received_at < told.sent_at || one->received_at > told.answered_at)
                fault(&Verdict::wrong_rows,
                      fmt::format("{} was received at {}, sent at {} and answered at {}", told.id,
                                  bus::to_iso(one->received_at), bus::to_iso(told.sent_at),
                                  bus::to_iso(told.answered_at)));
    }

    void judge_order() {
        std::map<std::string, std::vector<const Told*>> sources;
        for (const auto& [told, requests] : found_) sources[told->source].push_back(told);
        for (auto& [source, events] : sources) {
            std::sort(events.begin(), events.end(),
                      [](const Told* a, const Told* b) { return a->number < b->number; });
            std::int64_t previous = -1;
            for (const Told* told : events) {
                const std::int64_t offset = first_offset(*told);
                if (offset <= previous)
                    fault(&Verdict::out_of_order, told->id + " stands before an earlier one");
                previous = std::max(previous, offset);
            }
        }
    }
    // The first record of it, where there is one.
    bus::Timestamp received(const Told& told) const {
        const auto found = found_.find(&told);
        if (found == found_.end()) return bus::Timestamp::max();
        const std::int64_t offset = first_offset(told);
        for (const SeenRequest* one : found->second)
            if (offset_of(one->address) == offset) return one->received_at;
        return bus::Timestamp::max();
    }
    std::int64_t first_offset(const Told& told) const {
        std::int64_t first = INT64_MAX;
        for (const SeenRequest* one : found_.at(&told))
            first = std::min(first, offset_of(one->address));
        return first;
    }

    // A row that nothing gave is wrong, or another's; `name` is what it could be another's by.
    template <class Key>
    void judge_known(bool known, const Key& key, const std::string& name,
                     std::map<Key, int>& times) {
        if (!known && is_of_another(name))
            fault(&Verdict::leaked, "a row of another tenant: " + name);
        else if (!known)
            fault(&Verdict::wrong_rows, "a row of nothing that was sent: " + name);
        else if (times[key]++ > 0)
            fault(&Verdict::doubled, "two rows of " + name);
    }
    bool is_of_another(const std::string& name) const {
        return std::any_of(all_.begin(), all_.end(), [&](const auto& entry) {
            const Told& told = *entry.second;
            return told.tenant != number_ && (told.id == name || told.customer == name ||
                                              told.event_id == name || told.text == name);
        });
    }
    // Each row is one of the model's, seen once and as it says, and none is missing. `key_of` gives
    // the model's key of a row, `is_right` compares it with what the model has there.
    template <class Row, class Key, class Expected, class KeyOf, class IsRight>
    void judge_rows(const std::vector<Row>& rows, const std::map<Key, Expected>& model,
                    const std::string& what, const KeyOf& key_of, const IsRight& is_right) {
        std::map<Key, int> times;
        for (const Row& row : rows) {
            const auto [key, name] = key_of(row);
            const auto expected = model.find(key);
            judge_known(expected != model.end(), key, name, times);
            if (expected != model.end() && !is_right(row, expected->second))
                fault(&Verdict::wrong_rows, fmt::format("{} {} has a wrong row", what, name));
        }
        for (const auto& [key, expected] : model)
            if (!times.contains(key))
                fault(&Verdict::wrong_rows, fmt::format("no row of {} {}", what, name_of(key)));
    }
    static std::string name_of(const std::string& key) { return key; }
    static std::string name_of(const Model::Of& key) { return key.first + " " + key.second; }
    static auto by_id(const auto& row) { return std::pair(Model::Of{row.source, row.id}, row.id); }

    void judge_messages() {
        std::map<std::string, const SeenConversation*> conversations;
        for (const SeenConversation& row : seen_.conversations) conversations[row.id] = &row;
        const auto stands_in_its_own = [&](const SeenMessage& row, const Told& told) {
            const auto in = conversations.find(row.conversation);
            return in != conversations.end() && row.listed_in == row.conversation &&
                   in->second->customer == told.customer && in->second->source == told.source;
        };
        judge_rows(
            seen_.messages, model_.messages, "message", [](const auto& row) { return by_id(row); },
            [&](const SeenMessage& row, const Told* told) {
                return row.text == told->text && row.at == iso(told->at_s) &&
                       stands_in_its_own(row, *told);
            });
    }
    void judge_conversations() {
        judge_rows(
            seen_.conversations, model_.conversations, "conversation",
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
    void judge_calls() {
        judge_rows(
            seen_.calls, model_.calls, "call", [](const auto& row) { return by_id(row); },
            [](const SeenCall& row, const Told* told) {
                return row.customer == told->customer && row.status == call_status(told->text) &&
                       row.at == iso(told->at_s);
            });
    }
    void judge_mails() {
        judge_rows(
            seen_.mails, model_.mails, "mail", [](const auto& row) { return by_id(row); },
            [&](const SeenMail& row, const ModelMail& mail) {
                const Told& told = *mail.told;
                const auto thread = threads_.emplace(row.thread, told.thread).first;
                return row.customer == told.customer && row.subject == told.text &&
                       row.at == bus::to_iso(mail.at) && thread->second == told.thread;
            });
    }
    void judge_threads() {
        judge_rows(
            seen_.threads, model_.threads, "thread",
            [&](const SeenThread& row) {
                const auto first = threads_.find(row.id);
                return std::pair(first != threads_.end() ? first->second : "", row.customer);
            },
            [](const SeenThread& row, const ModelThread& expected) {
                return row.customer == expected.customer && row.mails == expected.mails &&
                       row.unread == expected.mails && row.last_at == bus::to_iso(expected.last_at);
            });
    }
    void judge_accounts() {
        judge_rows(
            seen_.accounts, model_.accounts, "account",
            [](const SeenAccount& row) { return std::pair(row.customer, row.customer); },
            [](const SeenAccount& row, const Told* newest) {
                return row.status == newest->text && row.at == iso(newest->at_s);
            });
    }
    void judge_letters() {
        judge_rows(
            seen_.letters, model_.letters, "dead letter",
            [&](const SeenLetter& row) {
                const auto told = by_request_.find(row.event_id);
                const bool known = told != by_request_.end();
                return std::pair(Model::Of{row.source, known ? told->second->id : row.event_id},
                                 row.event_id);
            },
            [](const SeenLetter& row, const Told*) {
                return row.reason.find("message_id") != row.reason.npos;
            });
    }
    // By source and time: no two events of a source have the same.
    void judge_timelines() {
        for (const auto& [customer, lines] : seen_.timelines)
            judge_rows(
                lines, model_.lines[customer], "line of " + customer,
                [](const SeenLine& row) {
                    return std::pair(Model::Of{row.source, row.at}, row.at);
                },
                [](const SeenLine&, const Told*) { return true; });
    }
    // Lists are newest first over all their pages: messages those of one conversation.
    void judge_lists() {
        std::map<std::string, std::string> last;  // by list: the time of its row before
        const auto judge_next = [&](const std::string& list, const std::string& at) {
            const auto before = last.find(list);
            if (before != last.end() && before->second < at)
                fault(&Verdict::out_of_order,
                      fmt::format("the list of {}: {} stands behind {}", list, at, before->second));
            last[list] = at;
        };
        for (const SeenConversation& row : seen_.conversations)
            judge_next("conversations", row.last_at);
        for (const SeenMessage& row : seen_.messages)
            judge_next("messages of " + row.listed_in, row.at);
        for (const SeenCall& row : seen_.calls) judge_next("calls", row.at);
        for (const SeenMail& row : seen_.mails) judge_next("mails", row.at);
        for (const SeenThread& row : seen_.threads) judge_next("threads", row.last_at);
        for (const auto& [customer, lines] : seen_.timelines)
            for (const SeenLine& row : lines) judge_next("the timeline of " + customer, row.at);
    }

    const std::size_t number_;
    const ByBody& all_;
    const SeenTenant& seen_;
    const Rules& rules_;
    Verdict& verdict_;
    std::map<std::string_view, const Told*> by_id_;
    std::map<std::string_view, const Told*> by_request_;  // as the log has them
    std::map<const Told*, std::vector<const SeenRequest*>> found_;
    std::map<std::string, std::string> threads_;  // by their ids: the first mail that was told
    Model model_;
};

void judge_moments(const std::vector<SeenMoment>& moments, Verdict& verdict) {
    std::map<std::size_t, const SeenMoment*> last;
    for (const SeenMoment& moment : moments) {
        const SeenMoment*& before = last[moment.tenant];
        if (before) {
            const auto now = bus::parse_position(moment.position);
            const auto then = bus::parse_position(before->position);
            if (!now || !then || !now->covers(*then))
                verdict.add(&Verdict::back_in_time,
                            fmt::format("tenant {}: position {} after {}", moment.tenant,
                                        moment.position, before->position));
            else if (moment.messages < before->messages)
                verdict.add(&Verdict::back_in_time,
                            fmt::format("tenant {}: {} messages after {}", moment.tenant,
                                        moment.messages, before->messages));
        }
        before = &moment;
    }
}

}  // namespace

void Verdict::add(std::size_t Verdict::*count, std::string example) {
    ++(this->*count);
    if (examples.size() < examples_max) examples.push_back(std::move(example));
}

void Verdict::add(const Verdict& other) {
    for (const auto count :
         {&Verdict::checked, &Verdict::lost, &Verdict::doubled, &Verdict::out_of_order,
          &Verdict::wrong_rows, &Verdict::back_in_time, &Verdict::leaked, &Verdict::unproven})
        this->*count += other.*count;
    for (const auto& example : other.examples)
        if (examples.size() < examples_max) examples.push_back(example);
}

std::string to_string(const Verdict& v) {
    return fmt::format(
        "checked={} lost={} double={} out_of_order={} wrong_rows={} back_in_time={} leaked={} "
        "unproven={}",
        v.checked, v.lost, v.doubled, v.out_of_order, v.wrong_rows, v.back_in_time, v.leaked,
        v.unproven);
}

Verdict judge(const std::vector<Told>& told, const Seen& seen, const Rules& rules) {
    Verdict verdict;
    ByBody all;
    std::vector<std::vector<const Told*>> of_tenant(seen.tenants.size());
    for (const Told& one : told) {
        all.emplace(one.body, &one);
        of_tenant.at(one.tenant).push_back(&one);
    }
    for (std::size_t tenant = 0; tenant < seen.tenants.size(); ++tenant)
        Tenant(tenant, all, seen.tenants[tenant], rules, verdict).judge(of_tenant[tenant]);
    judge_moments(seen.moments, verdict);
    if (!seen.unproven.empty()) verdict.add(&Verdict::unproven, "verify: " + seen.unproven);
    return verdict;
}

}  // namespace tests::checker
