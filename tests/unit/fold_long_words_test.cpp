#include "projections/billing/billing_fold.hpp"
#include "projections/calls/calls_fold.hpp"
#include "projections/conversations/conversations_fold.hpp"
#include "projections/identity/identity_fold.hpp"
#include "projections/ingest/events_fold.hpp"
#include "projections/mails/mails_fold.hpp"
#include "projections/timeline/timeline_fold.hpp"
#include "tests/support/folding.hpp"

#include <doctest/doctest.h>

using namespace projections;
using schemas::Field;
using tests::FoldedRows;
using tests::TestEvent;

namespace {

const BillingFold billing;
const CallsFold calls;
const ConversationsFold conversations;
const IdentityFold identity;
const EventsFold events_seen;
const MailsFold mails;
const TimelineFold timeline;

// With the longest word in every field that takes text.
TestEvent wordy_event() {
    TestEvent event;
    event.keys = {{schemas::KeyKind::phone, "+919876500001"}};
    for (std::size_t i = 0; i < schemas::field_count; ++i) {
        const auto field = static_cast<Field>(i);
        if (schemas::kind_of(field) == schemas::FieldKind::text)
            event.texts[field] = tests::long_word;
    }
    return event;
}

void become(TestEvent& event, schemas::EventType type) {
    event.type = type == schemas::EventType::other ? "note.added" : schemas::name(type);
    event.id = tests::event_id(static_cast<std::uint64_t>(type) + 1);
}

}  // namespace

TEST_CASE("no text of any field, in an event of any type, makes a long row, entry or key") {
    std::vector<TestEvent> one{wordy_event()};
    for (const Projection* projection : std::initializer_list<const Projection*>{
             &billing, &calls, &conversations, &identity, &events_seen, &mails, &timeline}) {
        CAPTURE(projection->name());
        FoldedRows folded{{projection}};
        for (std::uint16_t type = 0;
             type <= static_cast<std::uint16_t>(schemas::EventType::support_timeline_entry_added);
             ++type) {
            become(one.front(), static_cast<schemas::EventType>(type));
            folded.fold(one);
        }
        CHECK(tests::longest_row(folded.rows()) < tests::row_bytes_sane);
    }
}
