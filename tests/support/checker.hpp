// Proves what was told to a product against what its log and its read API say.
//
// judge() is pure: what was sent and answered on one side, what was seen on the other. What the
// rows should be is a plain model of its own (checked_model.hpp), written apart from the folds.
// checked_load.hpp sends, checked_view.hpp looks.
#pragma once

#include "bus/ids.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace tests::checker {

enum class Kind {
    message,
    call,
    mail,
    bill,        // a change of a customer's subscription
    unreadable,  // a message without its id: kept, and a dead letter
};
std::string channel_of(Kind kind);  // whose topic it goes to: "chat"

// One webhook of known content. Numbers of a source rise in the order in which they were sent, and
// the next is sent only after the one before was answered.
struct Told {
    std::size_t tenant = 0;
    std::string source;  // slug
    std::int64_t number = 0;
    Kind kind = Kind::message;
    std::string id;        // the provider's
    std::string customer;  // +E.164; a mail's sender
    std::string
        text;  // of a message; a call's state word, a mail's subject, a subscription's status
    std::int64_t at_s = 0;
    std::string body{};
    std::string thread{};      // of a mail: the id of the first one, which the others refer to
    bus::Timestamp sent_at{};  // the first time, by this machine's clock
    // From the answer 2xx; without one the product may have taken it or not.
    bool acknowledged = false;
    bus::Timestamp answered_at{};
    std::string event_id{}, position{};
};

// As the read API tells them.
struct SeenRequest {
    std::string event_id, source, address, body;
    bus::Timestamp received_at{};
    bool is_gone = false;  // the body: answered 410
};
struct SeenMessage {
    std::string id, source, text, at, conversation;
    std::string listed_in;  // the conversation whose list showed it
};
struct SeenConversation {
    std::string id, source, customer, last_at, last_text;
    std::int64_t messages = 0, unread = 0;
};
struct SeenCall {
    std::string id, source, customer, status, at;
};
struct SeenMail {
    std::string id, source, customer, subject, at, thread;
};
struct SeenThread {
    std::string id, customer, subject, last_at;
    std::int64_t mails = 0, unread = 0;
};
struct SeenAccount {
    std::string customer, status, at;  // of its one subscription
};
struct SeenLetter {
    std::string event_id, source, reason;
};
struct SeenLine {  // of a customer's timeline
    std::string source, at;
};
// What a reader saw in passing; in the order of looking, several tenants mixed.
struct SeenMoment {
    std::size_t tenant = 0;
    std::string position;
    std::int64_t messages = 0;  // counted by the conversations
};

struct SeenTenant {
    std::vector<SeenRequest> requests;
    std::vector<SeenConversation> conversations;
    std::vector<SeenMessage> messages;
    std::vector<SeenCall> calls;
    std::vector<SeenMail> mails{};
    std::vector<SeenThread> threads{};
    std::vector<SeenAccount> accounts{};
    std::vector<SeenLetter> letters{};
    std::map<std::string, std::vector<SeenLine>> timelines{};  // of some customers
};
struct Seen {
    std::vector<SeenTenant> tenants;  // by number
    std::vector<SeenMoment> moments;
    std::string unproven{};  // what /v1/verify says when it does not say that all is proven
};

struct Rules {
    // A log that answers late may hold a repeated record twice; the rows may not.
    bool log_may_repeat = false;
    // The product's clock was: its times say nothing about when something was told.
    bool clock_is_moved = false;
    // Of "chat/0" and the like, the first offset that the log has kept: what was before is shown
    // as before, without its body; everything else with it.
    std::map<std::string, std::int64_t> kept_from{};
    // Acknowledged, and in a log that has lost it: it may be there or not, but as a whole.
    std::function<bool(const Told&)> may_be_missing{};
};

struct Verdict {
    std::size_t checked = 0;  // acknowledged events, which must be there
    std::size_t lost = 0, doubled = 0, out_of_order = 0, wrong_rows = 0, back_in_time = 0,
                leaked = 0, unproven = 0;
    std::vector<std::string> examples{};  // the first few, of any kind

    std::size_t faults() const {
        return lost + doubled + out_of_order + wrong_rows + back_in_time + leaked + unproven;
    }
    void add(std::size_t Verdict::*count, std::string example);
    void add(const Verdict& other);
};
std::string to_string(const Verdict& verdict);  // "lost=0 double=0 ..."

Verdict judge(const std::vector<Told>& told, const Seen& seen, const Rules& rules = {});

}  // namespace tests::checker
