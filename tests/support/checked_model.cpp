#include "tests/support/checked_model.hpp"

#include <algorithm>
#include <ctime>

namespace tests::checker {

constexpr std::size_t preview_characters = 120;  // of its newest message, as shown

void Model::tell(const Told& told) {
    const Of key{told.source, told.id};
    if (told.kind == Kind::unreadable) {
        letters[key] = &told;
        return;
    }
    const std::int64_t shown_at_s = told.at_s + (told.kind == Kind::call ? call_seconds : 0);
    lines[told.customer][{told.source, iso(shown_at_s)}] = &told;
    if (told.kind == Kind::message) tell_message(told);
    if (told.kind == Kind::call) calls[key] = &told;
    if (told.kind == Kind::mail) tell_mail(told);
    if (told.kind == Kind::bill) tell_bill(told);
}

void Model::tell_message(const Told& told) {
    messages[{told.source, told.id}] = &told;
    ModelConversation& conversation = conversations[{told.source, told.customer}];
    ++conversation.messages;
    if (conversation.messages > 1 && told.at_s < conversation.last_at_s) return;
    conversation.last_at_s = told.at_s;
    conversation.last_text = told.text.substr(0, preview_characters);
}

void Model::tell_mail(const Told& told) {
    mails[{told.source, told.id}] = &told;
    ModelThread& thread = threads[told.text];
    thread.customer = told.customer;
    ++thread.mails;
    thread.last_at_s = std::max(thread.last_at_s, told.at_s);
}

void Model::tell_bill(const Told& told) {
    const Told*& newest = accounts[told.customer];
    if (newest == nullptr || newest->at_s < told.at_s) newest = &told;
}

std::string iso(std::int64_t unix_s) {
    const std::time_t seconds = unix_s;
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[32];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

std::string channel_of(Kind kind) {
    if (kind == Kind::call) return "voice";
    if (kind == Kind::mail) return "email";
    return kind == Kind::bill ? "billing" : "chat";
}

std::string call_status(const std::string& word) {
    return word == "ANSWER" ? "completed" : "missed";
}

}  // namespace tests::checker
