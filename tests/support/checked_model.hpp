// What rows the told events give, by plain maps: the checker's own idea of conversations, messages,
// calls, mails, bills, dead letters and timelines, which knows nothing of how the product folds
// them.
#pragma once

#include "tests/support/checker.hpp"

#include <map>

namespace tests::checker {

struct ModelConversation {
    std::int64_t messages = 0, last_at_s = 0;
    std::string last_text{};
};

// When it happened is what its sender says, but no later than it was received.
struct ModelMail {
    const Told* told = nullptr;
    bus::Timestamp at{};
};

struct ModelThread {
    std::string customer, subject;
    std::int64_t mails = 0;
    bus::Timestamp last_at{};
};

struct Model {
    using Of = std::pair<std::string, std::string>;   // source and customer, or source and id
    std::map<Of, ModelConversation> conversations{};  // by customer
    // By the provider's id.
    std::map<Of, const Told*> messages{}, calls{}, letters{};
    std::map<Of, ModelMail> mails{};
    std::map<std::string, ModelThread> threads{};   // by the id of the first mail
    std::map<std::string, const Told*> accounts{};  // by customer: the newest of its subscription
    // By customer: what its timeline shows, by source and time, which for a call is that of its
    // end.
    std::map<std::string, std::map<Of, const Told*>> lines{};

    void tell(const Told& told, bus::Timestamp received_at);

private:
    void tell_message(const Told& told);
    void tell_mail(const Told& told, bus::Timestamp at);
    void tell_bill(const Told& told);
};

inline constexpr std::int64_t unread_max = 999;  // the product counts no further
inline constexpr std::int64_t call_seconds = 65;

std::string iso(std::int64_t unix_s);
std::string call_status(const std::string& word);

}  // namespace tests::checker
