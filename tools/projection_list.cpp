#include "tools/projection_list.hpp"

#include "projections/billing/billing_fold.hpp"
#include "projections/calls/calls_fold.hpp"
#include "projections/conversations/conversations_fold.hpp"
#include "projections/dead_letters/dead_letters_fold.hpp"
#include "projections/identity/identity_fold.hpp"
#include "projections/ingest/events_fold.hpp"
#include "projections/ingest/requests_fold.hpp"
#include "projections/mails/mails_fold.hpp"
#include "projections/timeline/timeline_fold.hpp"

namespace tools {

std::vector<const projections::Projection*> all_projections() {
    static const projections::IdentityFold identity;
    static const projections::TimelineFold timeline;
    static const projections::ConversationsFold conversations;
    static const projections::MailsFold mails;
    static const projections::CallsFold calls;
    static const projections::RequestsFold requests;
    static const projections::EventsFold events;
    static const projections::DeadLettersFold dead_letters;
    static const projections::BillingFold billing;
    return {&identity, &timeline, &conversations, &mails,       &billing,
            &calls,    &requests, &events,        &dead_letters};
}

}  // namespace tools
