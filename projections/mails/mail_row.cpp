#include "projections/mails/mail_row.hpp"

#include "projections/measure_value.hpp"

namespace projections::mail {

bool MailRow::take(Content copy) {
    if (content && content->order() <= copy.order()) return false;
    content = std::move(copy);
    return true;
}

bool MailRow::mark(const Marker& marked) {
    if (marker && marked.order <= marker->order) return false;
    marker = marked;
    return true;
}

void MailRow::index_entries(IndexSink& sink) const {
    if (!content) return;
    const auto at = [&](const std::string& prefix) {
        return KeyWriter{}.raw(prefix).time_descending(content->at).id(key).take();
    };
    sink.entry(at(index_prefix(IndexTag::newest)) + (content->inbound ? 'i' : 'o') +
               (unread ? 'u' : 'r') + mailbox);
    if (const auto its_thread = parse_thread_id(thread))
        sink.entry(at(thread_index_prefix(*its_thread)));
    if (unread) sink.entry(at(index_prefix(IndexTag::unread)) + mailbox);
}

void MailRow::measure_values(std::vector<MeasureValue>& values) const {
    values.push_back(measured_time(content->at));
    values.push_back(measured_text(content->inbound ? "in" : "out"));
    values.push_back(measured_text(mailbox));
    values.push_back(measured_text(content->team));
    values.push_back(measured_text(thread));
    values.push_back(measured_text(content->from));
    values.push_back(measured_integer(unread ? 1 : 0));
    // A thread is called after its oldest mail, which is one only.
    values.push_back(measured_integer(thread == thread_id(key) ? 1 : 0));
}

}  // namespace projections::mail
