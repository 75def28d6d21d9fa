#include "projections/conversations/first_response.hpp"

#include <algorithm>

namespace projections::chat {

void FirstResponse::add_inbound(bus::Timestamp time) {
    if (asked_at && *asked_at <= time) return;
    asked_at = time;
    const auto answers = std::lower_bound(unprompted.begin(), unprompted.end(), time);
    if (answers != unprompted.end()) at = *answers;  // earlier than any that was known
    unprompted.erase(answers, unprompted.end());
}

void FirstResponse::add_outbound(bus::Timestamp time) {
    if (asked_at && *asked_at <= time) {
        at = at ? std::min(*at, time) : time;
        return;
    }
    unprompted.insert(std::upper_bound(unprompted.begin(), unprompted.end(), time), time);
    if (unprompted.size() > unprompted_max) unprompted.erase(unprompted.begin());
}

}  // namespace projections::chat
