// What rows the told events give, by plain maps: the checker's own idea of conversations, messages
// and calls, which knows nothing of how the product folds them.
#pragma once

#include "tests/support/checker.hpp"

#include <map>

namespace tests::checker {

struct ModelConversation {
    std::int64_t messages = 0, last_at_s = 0;
    std::string last_text{};
};

struct Model {
    using Of = std::pair<std::string, std::string>;   // source and customer, or source and id
    std::map<Of, ModelConversation> conversations{};  // by customer
    std::map<Of, const Told*> messages{}, calls{};    // by the provider's id

    void tell(const Told& told);
};

inline constexpr std::int64_t unread_max = 999;  // the product counts no further

std::string iso(std::int64_t unix_s);
std::string call_status(const std::string& word);

}  // namespace tests::checker
