#include "tools/projection_list.hpp"

#include "projections/conversations/conversations_fold.hpp"
#include "projections/identity/identity_fold.hpp"
#include "projections/mails/mails_fold.hpp"
#include "projections/timeline/timeline_fold.hpp"

namespace tools {

std::vector<const projections::Projection*> all_projections() {
    static const projections::IdentityFold identity;
    static const projections::TimelineFold timeline;
    static const projections::ConversationsFold conversations;
    static const projections::MailsFold mails;
    return {&identity, &timeline, &conversations, &mails};
}

}  // namespace tools
