#include "producers/edge/connection.hpp"

#include "producers/edge/loop.hpp"

#include <cstring>

namespace producers::edge {

namespace asio = boost::asio;

namespace {

// So much every connection may hold: who holds large requests back shuts out no small one.
constexpr std::size_t buffer_bytes_first = 4 * 1024;
// Larger ones go after their request: so much of each connection is half of buffer_bytes_max.
constexpr std::size_t buffer_bytes_kept = 16 * 1024;
constexpr std::size_t read_bytes_min = 1024;
// Unsent, and as much ready behind an answer that is due; more, and the next request waits.
constexpr std::size_t answer_bytes_max = 64 * 1024;
constexpr std::size_t output_bytes_kept = 16 * 1024;  // larger ones go once they are sent
constexpr HeadRefusal too_busy{503, "busy", "too many large requests at once; send it again"};

void clear_sent(std::string& output) {
    output.clear();
    if (output.capacity() > output_bytes_kept) output.shrink_to_fit();
}

}  // namespace

Connection::Connection(EdgeServer::Loop& loop, std::uint32_t slot, asio::ip::tcp::socket socket)
    : loop_(loop), slot_(slot), stream_(std::move(socket)) {}

Connection::~Connection() {
    loop_.release_buffer(capacity_ + chunk_bytes_);
}

void Connection::start() {
    stream_.start();
    if (const bus::tls::Context* tls = loop_.options().tls) return start_handshake(*tls);
    enter(Phase::idle);
    start_read();
}

// Input

void Connection::start_handshake(const bus::tls::Context& tls) {
    stream_.use_tls(tls);
    handshake_ = loop_.begin_handshake(slot_);
    shakes_hands_ = true;
    enter(Phase::handshake);
    reading_ = true;
    stream_.handshake([this](bus::tls::Progress progress) { on_handshake(progress); });
}

void Connection::on_handshake(bus::tls::Progress progress) {
    using bus::tls::Progress;
    reading_ = false;
    loop_.tick();
    leave_handshakes();
    if (closed_) return release_if_finished();
    if (progress == Progress::plain_text) {
        stream_.be_plain();
        refuse({400, "tls_required", "this port speaks TLS: use https"});
        return flush();
    }
    if (progress != Progress::done) {
        loop_.probe().failed_handshake();
        return close();
    }
    loop_.probe().shook_hands();
    enter(Phase::idle);
    start_read();
}

void Connection::leave_handshakes() {
    if (std::exchange(shakes_hands_, false)) loop_.end_handshake(handshake_);
}

void Connection::start_read() {
    if (closed_ || reading_ || eof_ || writing_) return;
    const bool lingering = phase_ == Phase::lingering;
    if (!lingering && (closing_ || !takes_more())) return;
    if (lingering) begin_ = end_ = 0;
    if (!make_room()) {
        refuse(too_busy);
        return flush();
    }
    reading_ = true;
    stream_.async_read_some(
        in_.get() + end_, capacity_ - end_,
        [this](const boost::system::error_code& error, std::size_t n) { on_read(error, n); });
}

bool Connection::make_room() {
    if (begin_ == end_) begin_ = end_ = 0;
    if (capacity_ > buffer_bytes_kept && unread().size() + read_bytes_min <= buffer_bytes_first) {
        loop_.take_buffer(buffer_bytes_first);
        move_input(buffer_bytes_first);
    }
    if (capacity_ - end_ >= read_bytes_min) return true;
    if (begin_ > 0) {
        std::memmove(in_.get(), in_.get() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
        if (capacity_ - end_ >= read_bytes_min) return true;
    }
    const std::size_t larger = std::max(buffer_bytes_first, capacity_ * 2);
    if (capacity_ == 0)
        loop_.take_buffer(larger);
    else if (!loop_.reserve_buffer(larger))
        return false;
    move_input(larger);
    return true;
}

// Into a buffer of that size, which is counted already.
void Connection::move_input(std::size_t capacity) {
    auto moved = std::make_unique_for_overwrite<char[]>(capacity);
    const std::size_t bytes = unread().size();
    if (bytes > 0) std::memcpy(moved.get(), unread().data(), bytes);
    loop_.release_buffer(capacity_);
    in_ = std::move(moved);
    capacity_ = capacity;
    begin_ = 0;
    end_ = bytes;
}

void Connection::on_read(const boost::system::error_code& error, std::size_t bytes) {
    reading_ = false;
    loop_.tick();
    if (closed_) return release_if_finished();
    if (error == asio::error::eof) return on_eof();
    if (error) return close();
    if (phase_ != Phase::lingering) {
        end_ += bytes;
        process();
        flush();
        if (closed_) return;
    }
    start_read();
}

// The peer sends no more, but may still read: what is parked is answered.
void Connection::on_eof() {
    eof_ = true;
    if (phase_ == Phase::lingering) return close();
    if (!closing_ && begin_ != end_) {
        refuse({400, "incomplete_request", "the connection ended before the request did"});
    }
    closing_ = true;
    if (due() == 0 && out_.empty() && !writing_) return close();
    flush();
}

void Connection::process() {
    while (!closed_ && !closing_ && !writing_ && !loop_.draining() && begin_ != end_ &&
           takes_more()) {
        if (!process_one()) break;
        if (out_.size() >= answer_bytes_max) flush();  // ends this while the peer takes no more
    }
    set_phase();
}

bool Connection::takes_more() const {
    return due() < loop_.options().pipeline_max && ready_bytes_ < answer_bytes_max;
}

// False when it needs more bytes, or must not go on.
bool Connection::process_one() {
    if (chunks_) return feed_chunks();
    const bool fresh = head_bytes_ == 0;
    if (fresh) {
        head_bytes_ = head_length(unread(), scanned_);
        const std::size_t known = head_bytes_ == 0 ? unread().size() : head_bytes_;
        if (known > loop_.options().head_bytes_max) {
            refuse({431, "header_too_large", "the head of the request is too large"});
            return false;
        }
        if (head_bytes_ == 0) return false;
    } else if (unread().size() < head_bytes_ + body_bytes_) {
        return false;
    }
    const ParsedHead head =
        parse_head(unread().substr(0, head_bytes_), loop_.options(), loop_.fields());
    if (head.refusal.status != 0) {
        refuse(head.refusal);
        return false;
    }
    if (fresh && !begin_body(head)) return false;
    if (chunks_) return true;
    serve(head, unread().substr(head_bytes_, body_bytes_));
    return true;
}

// Decides by the head alone; false when the body is still to come or is not wanted.
bool Connection::begin_body(const ParsedHead& head) {
    body_bytes_ = head.content_length;
    if (body_bytes_ > loop_.door().limits().body_bytes_max) {
        dispatch(
            loop_.door().decide_too_large({head.method, head.path, head.query, loop_.fields(), {}}),
            ParsedHead{.refusal = {}, .keep_alive = false});
        closing_ = true;
        return false;
    }
    const bool whole = !head.chunked && unread().size() >= head_bytes_ + body_bytes_;
    if (head.expects_continue && !whole && unread().size() == head_bytes_) {
        if (!loop_.door().serves(head.path) && !loop_.has_route(head.path)) {
            refuse({404, "not_found", "there is no such path here"});
            return false;
        }
        Pending& interim = queue(nullptr);
        write(interim, [](std::string& out) { out += continue_text; });
        advance();
    }
    if (head.chunked) chunks_ = std::make_unique<ChunkDecoder>();
    return whole || head.chunked;
}

bool Connection::feed_chunks() {
    std::string_view coded = unread().substr(head_bytes_);
    if (coded.empty()) return false;
    const auto state = chunks_->feed(coded, loop_.door().limits().body_bytes_max);
    // What is left stays behind the head, which is needed once more.
    std::memmove(in_.get() + begin_ + head_bytes_, coded.data(), coded.size());
    end_ = begin_ + head_bytes_ + coded.size();
    if (state == ChunkDecoder::State::malformed) {
        refuse({400, "bad_chunk", "the chunked body is malformed"});
        return false;
    }
    if (state != ChunkDecoder::State::too_large && !count_chunks()) {
        refuse(too_busy);
        return false;
    }
    if (state != ChunkDecoder::State::done && state != ChunkDecoder::State::too_large) return false;
    const ParsedHead head =
        parse_head(unread().substr(0, head_bytes_), loop_.options(), loop_.fields());
    if (state == ChunkDecoder::State::too_large) {
        dispatch(
            loop_.door().decide_too_large({head.method, head.path, head.query, loop_.fields(), {}}),
            ParsedHead{.refusal = {}, .keep_alive = false});
        closing_ = true;
        return false;
    }
    body_bytes_ = 0;
    serve(head, chunks_->body());
    drop_chunks();
    return true;
}

// After the body has grown; by how much it went over the bound is one read at most.
bool Connection::count_chunks() {
    const std::size_t held = chunks_->held_bytes();
    if (held <= std::max(chunk_bytes_, buffer_bytes_first)) return true;
    if (!loop_.reserve_buffer(held - chunk_bytes_)) {
        drop_chunks();
        return false;
    }
    chunk_bytes_ = held;
    return true;
}

void Connection::drop_chunks() {
    chunks_.reset();
    loop_.release_buffer(std::exchange(chunk_bytes_, 0));
}

void Connection::serve(const ParsedHead& head, std::string_view body) {
    const RequestView request{head.method, head.path, head.query, loop_.fields(), body};
    if (!head.keep_alive) closing_ = true;
    loop_.count_active(active_window_);
    if (auto response = loop_.answer_route(request)) {
        answer(queue(&head), *response);
        advance();
    } else {
        dispatch(loop_.door().decide(request), head);
    }
    consume(head_bytes_ + body_bytes_);
}

void Connection::consume(std::size_t bytes) {
    begin_ += bytes;
    head_bytes_ = body_bytes_ = scanned_ = 0;
    phase_ = Phase::idle;  // the next request has deadlines of its own
}

// Answers

Connection::Pending& Connection::queue(const ParsedHead* head) {
    Pending& pending = pending_.emplace_back();
    if (head) {
        pending.traits.close = !head->keep_alive || loop_.draining();
        pending.traits.head_only = head->method == "HEAD";
    }
    return pending;
}

template <class F>
void Connection::write(Pending& pending, F append) {
    if (is_front(pending)) return append(out_);
    append(pending.ready);
    ready_bytes_ += pending.ready.size();  // an answer is written once
}

void Connection::answer(Pending& pending, const bus::http::Response& response) {
    pending.waits = Waits::nothing;
    write(pending, [&](std::string& out) { append_response(out, response, pending.traits); });
    loop_.probe().answered(response.status);
}

void Connection::refuse(const HeadRefusal& refusal) {
    loop_.probe().malformed();
    closing_ = true;
    Pending& pending = queue(nullptr);
    pending.traits.close = true;
    answer(pending, bus::http::problem(refusal.status, refusal.code, refusal.detail));
    advance();
}

void Connection::dispatch(Decision decision, const ParsedHead& head) {
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

void Connection::append(bus::NewRecord record, Pending& pending, std::size_t item) {
    const auto index = static_cast<std::size_t>(&pending - pending_.data()) - first_;
    const auto sequence = static_cast<std::uint16_t>(first_sequence_ + index);
    ++owed_;
    loop_.append(std::move(record), {slot_, sequence, static_cast<std::uint16_t>(item)});
}

bool Connection::park(std::size_t bytes, Pending& pending) {
    if (!loop_.park(bytes)) {
        answer(pending,
               bus::http::problem(503, "busy", "too much is waiting for the disk; send it again"));
        return false;
    }
    pending.parked_bytes = bytes;
    return true;
}

void Connection::park_accepted(Accepted accepted, Pending& pending) {
    if (!park(accepted.record.value.size(), pending)) return;
    pending.waits = Waits::accepted;
    pending.kind = accepted.kind;
    append(std::move(accepted.record), pending, 0);
}

void Connection::park_rejected(Rejected rejected, Pending& pending) {
    pending.waits = Waits::rejected;
    pending.must_keep = rejected.must_keep;
    pending.refusal = std::make_unique<bus::http::Response>(std::move(rejected.response));
    append(std::move(rejected.record), pending, 0);
}

void Connection::park_parts(AcceptedParts parts, Pending& pending) {
    std::size_t bytes = 0;
    for (const bus::NewRecord& record : parts.records) bytes += record.value.size();
    if (!park(bytes, pending)) return;
    pending.waits = Waits::parts;
    pending.kind = parts.kind;
    pending.parts = std::make_unique<PartsOutcome>(PartsOutcome{.left = parts.records.size()});
    for (std::size_t i = 0; i < parts.records.size(); ++i)
        append(std::move(parts.records[i]), pending, i);
}

void Connection::park_events(AcceptedEvents events, Pending& pending) {
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

void Connection::complete(const Ticket& ticket, const bus::Result<bus::Appended>& result) {
    --owed_;
    if (closed_) return;
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

void Connection::settle_accepted(Pending& pending, const bus::Result<bus::Appended>& result) {
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

void Connection::settle_parts(Pending& pending, std::size_t part,
                              const bus::Result<bus::Appended>& result) {
    pending.parts->settle(part, result);
    if (pending.parts->left == 0) settle_accepted(pending, pending.parts->result());
}

void Connection::settle_events(Pending& pending, std::size_t item,
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

void Connection::answer_events(Pending& pending) {
    const Events& events = *pending.events;
    answer(pending, events_answer(events.outcomes, events.partition, events.batch));
}

// Moves finished answers from the front to the output.
void Connection::advance() {
    while (first_ < pending_.size() && pending_[first_].waits == Waits::nothing) {
        const Pending front = std::move(pending_[first_]);
        out_ += front.ready;
        ready_bytes_ -= front.ready.size();
        if (front.traits.close) closing_ = true;
        ++first_;
        ++first_sequence_;
    }
    if (first_ == pending_.size()) {
        pending_.clear();
        first_ = 0;
    } else if (first_ >= loop_.options().pipeline_max) {
        pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(first_));
        first_ = 0;
    }
}

void Connection::resume() {
    touched = false;
    if (closed_) return release_if_finished();
    flush();
    if (closed_) return;
    process();
    flush();
    if (!closed_) start_read();
}

// Output

void Connection::flush() {
    if (closed_ || writing_) return;
    if (out_.empty()) return finish_output();
    boost::system::error_code error;
    const std::size_t sent = stream_.write_some(out_, error);
    if (error && error != asio::error::would_block) return close();
    if (sent == out_.size()) {
        clear_sent(out_);
        return finish_output();
    }
    sending_ = out_.substr(sent);
    clear_sent(out_);
    writing_ = true;
    enter(Phase::writing);
    stream_.async_write(sending_, [this](const boost::system::error_code& failed, std::size_t) {
        on_written(failed);
    });
}

void Connection::on_written(const boost::system::error_code& error) {
    writing_ = false;
    clear_sent(sending_);
    loop_.tick();
    if (closed_) return release_if_finished();
    if (error) return close();
    resume();
}

// After the last answer of a connection that is to be closed: say so, and let the peer read it.
void Connection::finish_output() {
    if (!closing_ || due() > 0 || phase_ == Phase::lingering) return;
    if (eof_ || (loop_.draining() && begin_ == end_)) return close();
    stream_.end_output();
    enter(Phase::lingering);
    start_read();
}

void Connection::close() {
    if (closed_) return;
    closed_ = true;
    for (Pending& pending : pending_) loop_.unpark(std::exchange(pending.parked_bytes, 0));
    leave_handshakes();
    stream_.close();
    release_if_finished();
}

void Connection::release_if_finished() {
    if (!closed_ || reading_ || writing_ || owed_ > 0 || released_) return;
    released_ = true;
    loop_.release(slot_);
}

void Connection::cut() {
    close();
}

void Connection::drain() {
    if (closed_ || phase_ == Phase::lingering) return;
    if (phase_ == Phase::handshake) return close();
    closing_ = true;
    if (due() == 0 && out_.empty() && !writing_) {
        finish_output();
    } else {
        flush();
    }
}

// Deadlines

void Connection::set_phase() {
    if (closed_ || phase_ == Phase::lingering || writing_) return;
    if (begin_ != end_ && !closing_ && takes_more())
        enter(head_bytes_ > 0 ? Phase::body : Phase::head);
    else
        enter(due() > 0 ? Phase::parked : Phase::idle);
}

void Connection::enter(Phase phase) {
    const bool keeps_deadline = phase == phase_ && (phase == Phase::head || phase == Phase::body);
    phase_ = phase;
    if (keeps_deadline) return;
    phase_began_ = loop_.now();
    const EdgeOptions& limits = loop_.options();
    switch (phase) {
        case Phase::handshake:
            deadline_ = loop_.now() + limits.handshake_deadline;
            break;
        case Phase::idle:
            deadline_ = loop_.now() + limits.idle_max;
            break;
        case Phase::head:
            deadline_ = loop_.now() + limits.head_deadline;
            break;
        case Phase::body:
            deadline_ = loop_.now() + limits.body_deadline;
            break;
        case Phase::parked:
            deadline_ = SteadyTime::max();
            break;
        case Phase::writing:
            deadline_ = loop_.now() + limits.write_deadline;
            break;
        case Phase::lingering:
            deadline_ = loop_.now() + limits.linger_max;
            break;
    }
}

SteadyTime Connection::crowded_deadline() const {
    switch (phase_) {
        case Phase::handshake:
        case Phase::idle:
            return phase_began_ + loop_.options().crowded_idle_max;
        case Phase::head:
        case Phase::body:
            return phase_began_ + loop_.options().crowded_request_deadline;
        case Phase::parked:
        case Phase::writing:
        case Phase::lingering:
            break;
    }
    return SteadyTime::max();
}

bool Connection::check_deadline(SteadyTime now, bool crowded) {
    if (closed_) return true;
    const bool let_go = crowded && now >= crowded_deadline();
    if (now < deadline_ && !let_go) return false;
    if (let_go) loop_.probe().let_go();
    if (phase_ == Phase::handshake) loop_.probe().failed_handshake();
    if (phase_ != Phase::head && phase_ != Phase::body) {
        close();
        return true;
    }
    loop_.probe().timed_out();
    refuse({408, "too_slow", "the request did not arrive in time; send it again"});
    flush();
    if (!closed_ && phase_ != Phase::lingering) enter(due() > 0 ? Phase::parked : Phase::idle);
    return true;
}

}  // namespace producers::edge
