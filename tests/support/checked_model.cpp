#include "tests/support/checked_model.hpp"

#include <algorithm>

namespace tests::checker {
namespace {

constexpr std::size_t preview_characters = 120;  // of its newest message, as shown

// When it is shown to have happened.
bus::Timestamp time_of(const Told& told, bus::Timestamp received_at) {
    const bus::Timestamp at{bus::seconds{told.at_s}};
    if (told.kind == Kind::mail) return std::min(at, received_at);
    return told.kind == Kind::call ? at + bus::seconds{call_seconds} : at;
}

}  // namespace

void Model::tell(const Told& told, bus::Timestamp received_at) {
    const Of key{told.source, told.id};
    if (told.kind == Kind::unreadable) {
        letters[key] = &told;
        return;
    }
    const bus::Timestamp at = time_of(told, received_at);
    lines[told.customer][{told.source, bus::to_iso(at)}] = &told;
    if (told.kind == Kind::message) tell_message(told);
    if (told.kind == Kind::call) calls[key] = &told;
    if (told.kind == Kind::mail) tell_mail(told, at);
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

void Model::tell_mail(const Told& told, bus::Timestamp at) {
    mails[{told.source, told.id}] = {&told, at};
    ModelThread& thread = threads[told.thread];
    thread.customer = told.customer;
    thread.subject = told.text;
    ++thread.mails;
    thread.last_at = std::max(thread.last_at, at);
}

void Model::tell_bill(const Told& told) {
    const Told*& newest = accounts[told.customer];
    if (newest == nullptr || newest->at_s < told.at_s) newest = &told;
}

std::string iso(std::int64_t unix_s) {
    return bus::to_iso(bus::Timestamp{bus::seconds{unix_s}});
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
