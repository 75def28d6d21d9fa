#include "producers/edge/answer_queue.hpp"

#include "producers/edge/loop.hpp"

namespace producers::edge {

AnswerQueue::AnswerQueue(EdgeServer::Loop& loop, std::uint32_t slot)
    : loop_(loop), slot_(slot), due_max_(loop.options().pipeline_max) {}

AnswerQueue::Pending& AnswerQueue::queue(const ParsedHead* head) {
    Pending& pending = pending_.emplace_back();
    if (head) {
        pending.traits.close = !head->keep_alive || loop_.draining();
        pending.traits.head_only = head->method == "HEAD";
    }
    return pending;
}

template <class F>
void AnswerQueue::write(Pending& pending, F append) {
    if (is_front(pending)) return append(out_);
    append(pending.ready);
    ready_bytes_ += pending.ready.size();  // an answer is written once
}

void AnswerQueue::answer(Pending& pending, const bus::http::Response& response) {
    pending.waits = Waits::nothing;
    write(pending, [&](std::string& out) { append_response(out, response, pending.traits); });
    loop_.probe().answered(response.status);
}

void AnswerQueue::answer(const ParsedHead& head, const bus::http::Response& response) {
    answer(queue(&head), response);
    advance();
}

void AnswerQueue::say_continue() {
    write(queue(nullptr), [](std::string& out) { out += continue_text; });
    advance();
}

void AnswerQueue::refuse(const HeadRefusal& refusal) {
    loop_.probe().malformed();
    end();
    Pending& pending = queue(nullptr);
    pending.traits.close = true;
    answer(pending, bus::http::problem(refusal.status, refusal.code, refusal.detail));
    advance();
}

void AnswerQueue::dispatch(Decision decision, const ParsedHead& head) {
    Pending& pending = queue(&head);
    if (auto* answered = std::get_if<Answered>(&decision)) {
        if (answered->partition && answered->response.status < 300) {
            answered->response.headers.emplace_back("X-Position",
                                                    loop_.position_of(*answered->partition));
        }
        answer(pending, answered->response);
    } else if (auto* accepted = std::get_if<Accepted>(&decision)) {
        park_accepted(std::move(*accepted), pending);
    } else if (auto* rejected = std::get_if<Rejected>(&decision)) {
        park_rejected(std::move(*rejected), pending);
    } else if (auto* parts = std::get_if<AcceptedParts>(&decision)) {
        park_parts(std::move(*parts), pending);
    } else {
        park_events(std::get<AcceptedEvents>(std::move(decision)), pending);
    }
    advance();
}

void AnswerQueue::append(bus::NewRecord record, Pending& pending, std::size_t item) {
    const auto index = static_cast<std::size_t>(&pending - pending_.data()) - first_;
    const auto sequence = static_cast<std::uint16_t>(first_sequence_ + index);
    ++owed_;
    loop_.append(std::move(record), {slot_, sequence, static_cast<std::uint16_t>(item)});
}

bool AnswerQueue::park(std::size_t bytes, Pending& pending) {
    if (!loop_.park(bytes)) {
        answer(pending,
               bus::http::problem(503, "busy", "too much is waiting for the disk; send it again"));
        return false;
    }
    pending.parked_bytes = bytes;
    return true;
}

void AnswerQueue::park_accepted(Accepted accepted, Pending& pending) {
    if (!park(accepted.record.value.size(), pending)) return;
    pending.waits = Waits::accepted;
    pending.kind = accepted.kind;
    append(std::move(accepted.record), pending, 0);
}

void AnswerQueue::park_rejected(Rejected rejected, Pending& pending) {
    pending.waits = Waits::rejected;
    pending.must_keep = rejected.must_keep;
    pending.refusal = std::make_unique<bus::http::Response>(std::move(rejected.response));
    append(std::move(rejected.record), pending, 0);
}

void AnswerQueue::park_parts(AcceptedParts parts, Pending& pending) {
    std::size_t bytes = 0;
    for (const bus::NewRecord& record : parts.records) bytes += record.value.size();
    if (!park(bytes, pending)) return;
    pending.waits = Waits::parts;
    pending.kind = parts.kind;
    pending.parts = std::make_unique<PartsOutcome>(PartsOutcome{.left = parts.records.size()});
    for (std::size_t i = 0; i < parts.records.size(); ++i)
        append(std::move(parts.records[i]), pending, i);
}

void AnswerQueue::park_events(AcceptedEvents events, Pending& pending) {
    pending.waits = Waits::events;
    pending.events = std::make_unique<Events>();
    pending.events->partition = events.partition;
    pending.events->batch = events.batch;
    for (EventItem& item : events.items) {
        pending.events->outcomes.push_back(
            {std::move(item.sender_id), item.status, std::move(item.detail), {}});
        if (item.record) ++pending.events->left;
    }
    for (std::size_t i = 0; i < events.items.size(); ++i) {
        if (events.items[i].record) append(*std::move(events.items[i].record), pending, i);
    }
    if (pending.events->left == 0) answer_events(pending);
}

void AnswerQueue::complete(const Ticket& ticket, const bus::Result<bus::Appended>& result) {
    --owed_;
    if (abandoned_) return;
    const auto index = static_cast<std::uint16_t>(ticket.sequence - first_sequence_);
    Pending& pending = pending_[first_ + index];
    if (!pending.parts || pending.parts->left == 1)
        loop_.unpark(std::exchange(pending.parked_bytes, 0));
    if (loop_.draining()) pending.traits.close = true;
    switch (pending.waits) {
        case Waits::accepted:
            settle_accepted(pending, result);
            break;
        case Waits::rejected:
            answer(pending, result || !pending.must_keep ? *pending.refusal
                                                         : append_refusal(result.error()));
            break;
        case Waits::parts:
            settle_parts(pending, ticket.item, result);
            break;
        case Waits::events:
            settle_events(pending, ticket.item, result);
            break;
        case Waits::nothing:
            break;
    }
    advance();
}

void AnswerQueue::settle_accepted(Pending& pending, const bus::Result<bus::Appended>& result) {
    if (!result) return answer(pending, append_refusal(result.error()));
    const bool is_kept_aside = result->durability == bus::Durability::local;
    if (is_kept_aside || (pending.kind && !pending.kind->response_body.empty()))
        return answer(pending, acceptance(pending.kind, *result));
    thread_local std::string body;
    body.clear();
    append_acceptance(body, *result);
    pending.waits = Waits::nothing;
    write(pending, [&](std::string& out) {
        append_accepted(out, to_token(result->position), body, pending.traits);
    });
    loop_.probe().answered(200);
}

void AnswerQueue::settle_parts(Pending& pending, std::size_t part,
                               const bus::Result<bus::Appended>& result) {
    pending.parts->settle(part, result);
    if (pending.parts->left == 0) settle_accepted(pending, pending.parts->result());
}

void AnswerQueue::settle_events(Pending& pending, std::size_t item,
                                const bus::Result<bus::Appended>& result) {
    EventOutcome& outcome = pending.events->outcomes[item];
    if (result) {
        outcome.appended = *result;
    } else {
        outcome.status = append_refusal(result.error()).status;
        outcome.detail = result.error().message;
    }
    if (--pending.events->left == 0) answer_events(pending);
}

void AnswerQueue::answer_events(Pending& pending) {
    const Events& events = *pending.events;
    answer(pending, events_answer(events.outcomes, events.partition, events.batch));
}

// Moves finished answers from the front to the output.
void AnswerQueue::advance() {
    while (first_ < pending_.size() && pending_[first_].waits == Waits::nothing) {
        const Pending front = std::move(pending_[first_]);
        out_ += front.ready;
        ready_bytes_ -= front.ready.size();
        if (front.traits.close) end();
        ++first_;
        ++first_sequence_;
    }
    if (first_ == pending_.size()) {
        pending_.clear();
        first_ = 0;
    } else if (first_ >= due_max_) {
        pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(first_));
        first_ = 0;
    }
}

void AnswerQueue::abandon() {
    abandoned_ = true;
    for (Pending& pending : pending_) loop_.unpark(std::exchange(pending.parked_bytes, 0));
}

}  // namespace producers::edge
