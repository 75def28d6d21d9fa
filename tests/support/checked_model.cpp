#include "tests/support/checked_model.hpp"

#include <ctime>

namespace tests::checker {

constexpr std::size_t preview_characters = 120;  // of its newest message, as shown

void Model::tell(const Told& told) {
    if (told.kind == Kind::call) {
        calls[{told.source, told.id}] = &told;
        return;
    }
    messages[{told.source, told.id}] = &told;
    ModelConversation& conversation = conversations[{told.source, told.customer}];
    ++conversation.messages;
    if (conversation.messages > 1 && told.at_s < conversation.last_at_s) return;
    conversation.last_at_s = told.at_s;
    conversation.last_text = told.text.substr(0, preview_characters);
}

std::string iso(std::int64_t unix_s) {
    const std::time_t seconds = unix_s;
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[32];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

std::string call_status(const std::string& word) {
    return word == "ANSWER" ? "completed" : "missed";
}

}  // namespace tests::checker
