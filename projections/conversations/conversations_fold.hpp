// Conversations and their messages, of whatsapp.message.* and chat.conversation.read.
//
// A message is named by `message_id` of its source. A report that carries `text`, `kind`,
// `template_name` or media says what the message is; one without is a bare receipt and waits
// until the message appears. Edited, deleted and reacted act on `object_id`, else `reply_to`, else
// `message_id`; an edit's text is `text`, a reaction's sign `emoji` (absent = taken back).
// A read marker names its conversation by `object_id` ("cnv_..."), else by business_number and
// customer.
#pragma once

#include "projections/projection.hpp"

namespace projections {

class ConversationsFold final : public Projection {
public:
    std::string_view name() const override { return "conversations"; }
    std::uint32_t version() const override { return 5; }
    // Groups of waiting messages that were cut otherwise count as before.
    std::uint32_t goes_on_from() const override { return 4; }
    std::span<const std::string_view> type_prefixes() const override;
    void fold(const schemas::Event& event, Rows& rows) const override;
};

}  // namespace projections
