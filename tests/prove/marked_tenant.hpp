// A tenant whose data holds a marker wherever words can stand: what another tenant must never see.
#pragma once

#include "tests/support/sample_webhooks.hpp"

#include <random>

namespace tests::prove {

// Letters and digits that stand nowhere else.
std::string random_word(std::mt19937_64& random, std::size_t length);

struct MarkedTenant {
    Tenant tenant;
    std::string marker;                // of contents
    std::vector<std::string> secrets;  // keys and secrets, which nobody may see
    std::string position;              // covers all that was told
};

// The chat message of each of its stories, of which there are so many: whoever tells one again with
// the same marker tells the same.
inline constexpr int stories = 6;
Webhook chat_story(const std::string& marker, int number, std::string_view secret);

// Messages, calls, bills, mails, own events, a mapping, refused and unmappable requests.
MarkedTenant tell_marked(ProductClient& client, const std::string& code, std::mt19937_64& random);

}  // namespace tests::prove
