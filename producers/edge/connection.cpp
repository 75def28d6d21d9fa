#include "producers/edge/connection.hpp"

#include "producers/edge/loop.hpp"

namespace producers::edge {

namespace asio = boost::asio;

namespace {

constexpr std::size_t output_bytes_kept = 16 * 1024;  // larger ones go once they are sent
constexpr HeadRefusal too_busy{503, "busy", "too many large requests at once; send it again"};

void clear_sent(std::string& output) {
    output.clear();
    if (output.capacity() > output_bytes_kept) output.shrink_to_fit();
}

}  // namespace

Connection::Connection(EdgeServer::Loop& loop, std::uint32_t slot, asio::ip::tcp::socket socket)
    : loop_(loop),
      slot_(slot),
      stream_(std::move(socket)),
      input_(loop),
      answers_(loop, slot),
      phase_(loop.options()) {}

Connection::~Connection() {
    loop_.release_buffer(chunk_bytes_ + sending_bytes_);
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
        answers_.refuse({400, "tls_required", "this port speaks TLS: use https"});
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
    const bool lingering = phase_.is(Phase::lingering);
    if (!lingering && !takes_more()) return;
    if (lingering) input_.clear();
    if (!input_.make_room()) {
        answers_.refuse(too_busy);
        return flush();
    }
    reading_ = true;
    const std::span<char> room = input_.room();
    stream_.async_read_some(
        room.data(), room.size(),
        [this](const boost::system::error_code& error, std::size_t n) { on_read(error, n); });
}

void Connection::on_read(const boost::system::error_code& error, std::size_t bytes) {
    reading_ = false;
    loop_.tick();
    if (closed_) return release_if_finished();
    if (error == asio::error::eof) return on_eof();
    if (error) return close();
    if (!phase_.is(Phase::lingering)) {
        input_.received(bytes);
        process();
        flush();
        if (closed_) return;
    }
    start_read();
}

// The peer sends no more, but may still read: what is parked is answered.
void Connection::on_eof() {
    eof_ = true;
    if (phase_.is(Phase::lingering)) return close();
    if (!answers_.ending() && !input_.empty())
        answers_.refuse({400, "incomplete_request", "the connection ended before the request did"});
    answers_.end();
    if (has_answered_all()) return close();
    flush();
}

void Connection::process() {
    while (!closed_ && !writing_ && !loop_.draining() && !input_.empty() && takes_more()) {
        if (!process_one()) break;
        if (answers_.output().size() >= AnswerQueue::answer_bytes_max)
            flush();  // ends this while the peer takes no more
    }
    set_phase();
}

// False when it needs more bytes, or must not go on.
bool Connection::process_one() {
    if (chunks_) return feed_chunks();
    const bool fresh = head_bytes_ == 0;
    if (fresh) {
        head_bytes_ = head_length(input_.unread(), scanned_);
        const std::size_t known = head_bytes_ == 0 ? input_.unread().size() : head_bytes_;
        if (known > loop_.options().head_bytes_max) {
            answers_.refuse({431, "header_too_large", "the head of the request is too large"});
            return false;
        }
        if (head_bytes_ == 0) return false;
    } else if (input_.unread().size() < head_bytes_ + body_bytes_) {
        return false;
    }
    const ParsedHead head =
        parse_head(input_.unread().substr(0, head_bytes_), loop_.options(), loop_.fields());
    if (head.refusal.status != 0) {
        answers_.refuse(head.refusal);
        return false;
    }
    if (fresh && !begin_body(head)) return false;
    if (chunks_) return true;
    serve(head, input_.unread().substr(head_bytes_, body_bytes_));
    return true;
}

void Connection::answer_too_large(const ParsedHead& head) {
    answers_.dispatch(
        loop_.door().decide_too_large({head.method, head.path, head.query, loop_.fields(), {}}),
        ParsedHead{.refusal = {}, .keep_alive = false});
    answers_.end();
}

// Decides by the head alone; false when the body is still to come or is not wanted.
bool Connection::begin_body(const ParsedHead& head) {
    body_bytes_ = head.content_length;
    if (body_bytes_ > loop_.door().limits().body_bytes_max) {
        answer_too_large(head);
        return false;
    }
    const bool whole = !head.chunked && input_.unread().size() >= head_bytes_ + body_bytes_;
    if (head.expects_continue && !whole && input_.unread().size() == head_bytes_) {
        if (!loop_.door().serves(head.path) && !loop_.has_route(head.path)) {
            answers_.refuse({404, "not_found", "there is no such path here"});
            return false;
        }
        answers_.say_continue();
    }
    if (head.chunked) chunks_ = std::make_unique<ChunkDecoder>();
    return whole || head.chunked;
}

bool Connection::feed_chunks() {
    std::string_view coded = input_.unread().substr(head_bytes_);
    if (coded.empty()) return false;
    const auto state = chunks_->feed(coded, loop_.door().limits().body_bytes_max);
    // The head stays: it is needed once more.
    input_.take_behind(head_bytes_, input_.unread().size() - head_bytes_ - coded.size());
    if (state == ChunkDecoder::State::malformed) {
        answers_.refuse({400, "bad_chunk", "the chunked body is malformed"});
        return false;
    }
    if (state != ChunkDecoder::State::too_large && !count_chunks()) {
        answers_.refuse(too_busy);
        return false;
    }
    if (state != ChunkDecoder::State::done && state != ChunkDecoder::State::too_large) return false;
    const ParsedHead head =
        parse_head(input_.unread().substr(0, head_bytes_), loop_.options(), loop_.fields());
    if (state == ChunkDecoder::State::too_large) {
        answer_too_large(head);
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
    if (!head.keep_alive) answers_.end();
    loop_.count_active(active_window_);
    if (auto response = loop_.answer_route(request)) {
        answers_.answer(head, *response);
    } else {
        answers_.dispatch(loop_.door().decide(request), head);
    }
    consume(head_bytes_ + body_bytes_);
}

void Connection::consume(std::size_t bytes) {
    input_.take(bytes);
    head_bytes_ = body_bytes_ = scanned_ = 0;
    phase_.end_request();
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
    std::string& out = answers_.output();
    if (out.empty()) return finish_output();
    boost::system::error_code error;
    const std::size_t sent = stream_.write_some(out, error);
    if (error && error != asio::error::would_block) return close();
    if (sent == out.size()) {
        clear_sent(out);
        return finish_output();
    }
    sending_ = out.substr(sent);
    clear_sent(out);
    sending_bytes_ = sending_.size();
    loop_.take_buffer(sending_bytes_);
    writing_ = true;
    enter(Phase::writing);
    stream_.async_write(sending_, [this](const boost::system::error_code& failed, std::size_t) {
        on_written(failed);
    });
}

void Connection::on_written(const boost::system::error_code& error) {
    writing_ = false;
    clear_sent(sending_);
    loop_.release_buffer(std::exchange(sending_bytes_, 0));
    loop_.tick();
    if (closed_) return release_if_finished();
    if (error) return close();
    resume();
}

// After the last answer of a connection that is to be closed: say so, and let the peer read it.
void Connection::finish_output() {
    if (!answers_.ending() || answers_.due() > 0 || phase_.is(Phase::lingering)) return;
    if (eof_ || (loop_.draining() && input_.empty())) return close();
    stream_.end_output();
    enter(Phase::lingering);
    start_read();
}

void Connection::close() {
    if (closed_) return;
    closed_ = true;
    answers_.abandon();
    leave_handshakes();
    stream_.close();
    release_if_finished();
}

void Connection::release_if_finished() {
    if (!closed_ || reading_ || writing_ || answers_.owed() > 0 || released_) return;
    released_ = true;
    loop_.release(slot_);
}

void Connection::drain() {
    if (closed_ || phase_.is(Phase::lingering)) return;
    if (phase_.is(Phase::handshake)) return close();
    answers_.end();
    if (has_answered_all()) return finish_output();
    flush();
}

// Deadlines

void Connection::set_phase() {
    if (closed_ || phase_.is(Phase::lingering) || writing_) return;
    if (!input_.empty() && takes_more())
        enter(head_bytes_ > 0 ? Phase::body : Phase::head);
    else
        rest();
}

void Connection::rest() {
    enter(answers_.due() > 0 ? Phase::parked : Phase::idle);
}

void Connection::enter(Phase phase) {
    phase_.enter(phase, loop_.now());
}

bool Connection::check_deadline(SteadyTime now, bool crowded) {
    if (closed_) return true;
    const bool let_go = crowded && phase_.is_over_in_crowd(now);
    if (!phase_.is_over(now) && !let_go) return false;
    if (let_go) loop_.probe().let_go();
    if (phase_.is(Phase::handshake)) loop_.probe().failed_handshake();
    if (!phase_.is_request()) {
        close();
        return true;
    }
    loop_.probe().timed_out();
    answers_.refuse({408, "too_slow", "the request did not arrive in time; send it again"});
    flush();
    if (!closed_ && !phase_.is(Phase::lingering)) rest();
    return true;
}

}  // namespace producers::edge
