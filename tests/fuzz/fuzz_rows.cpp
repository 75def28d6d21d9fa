// Stored rows: the first byte chooses the kind. What decodes is encoded, indexed and measured, and
// what was encoded decodes to the same bytes.
#include "projections/billing/billing_rows.hpp"
#include "projections/calls/call_row.hpp"
#include "projections/conversations/conversation_row.hpp"
#include "projections/conversations/message_row.hpp"
#include "projections/identity/identity_row.hpp"
#include "projections/ingest/event_row.hpp"
#include "projections/mails/mail_row.hpp"
#include "projections/mails/thread_row.hpp"
#include "projections/measures/aggregate.hpp"

#include <array>
#include <cstdlib>

namespace {

using projections::Row;

class Ignore final : public projections::IndexSink {
public:
    void entry(std::string_view) override {}
};

template <class Type>
std::unique_ptr<Row> make() {
    return std::make_unique<Type>();
}

constexpr std::array kinds{
    make<projections::IdentityRow>,          make<projections::mail::MailRow>,
    make<projections::mail::ThreadRow>,      make<projections::Aggregate>,
    make<projections::KeyReferences>,        make<projections::chat::ConversationRow>,
    make<projections::chat::CountRow>,       make<projections::chat::MessageRow>,
    make<projections::calls::BadgeRow>,      make<projections::calls::CallRow>,
    make<projections::billing::CustomerRow>, make<projections::billing::ObjectRow>,
    make<projections::billing::EventRow>,    make<projections::ingest::EventRow>};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto kind = kinds[data[0] % kinds.size()];
    const auto row = kind();
    if (!row->decode({reinterpret_cast<const char*>(data) + 1, size - 1})) return 0;
    Ignore sink;
    row->index_entries(sink);
    std::vector<projections::MeasureValue> values;
    row->measure_values(values);
    std::string stored, again;
    row->encode(stored);
    const auto copy = kind();
    if (!copy->decode(stored)) std::abort();
    copy->encode(again);
    if (again != stored) std::abort();
    return 0;
}
