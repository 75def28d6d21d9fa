#include "producers/edge/stream.hpp"

#include <boost/asio/post.hpp>

namespace producers::edge {

namespace asio = boost::asio;
using asio::ip::tcp;
using bus::tls::Progress;

namespace {

bool is_waiting(Progress progress) {
    return progress == Progress::wants_read || progress == Progress::wants_write;
}

Stream::Error error_of(Progress progress) {
    return progress == Progress::closed ? Stream::Error(asio::error::eof)
                                        : Stream::Error(asio::error::connection_aborted);
}

}  // namespace

template <class F>
void Stream::wait_for(Progress wanted, F then) {
    socket_.async_wait(
        wanted == Progress::wants_write ? tcp::socket::wait_write : tcp::socket::wait_read,
        std::move(then));
}

void Stream::start() {
    Error ignored;
    socket_.non_blocking(true, ignored);
    socket_.set_option(tcp::no_delay(true), ignored);
}

void Stream::use_tls(const bus::tls::Context& context) {
    tls_ = std::make_unique<bus::tls::Session>(context, socket_.native_handle());
}

void Stream::handshake(std::function<void(Progress)> handler) {
    wait_for(Progress::wants_read, [this, handler = std::move(handler)](const Error& error) {
        go_on_with_handshake(error, handler);
    });
}

void Stream::go_on_with_handshake(const Error& error, std::function<void(Progress)> handler) {
    const Progress progress = error ? Progress::failed : tls_->handshake();
    if (!is_waiting(progress)) return handler(progress);
    wait_for(progress, [this, handler = std::move(handler)](const Error& failed) {
        go_on_with_handshake(failed, handler);
    });
}

void Stream::read_decrypted(char* to, std::size_t bytes_max, Handler handler) {
    auto attempt = [this, to, bytes_max, handler = std::move(handler)](const Error& error) mutable {
        attempt_read(error, to, bytes_max, std::move(handler));
    };
    if (tls_->has_unread())
        asio::post(socket_.get_executor(),
                   [attempt = std::move(attempt)]() mutable { attempt({}); });
    else
        wait_for(Progress::wants_read, std::move(attempt));
}

// By the time it is ready the socket may be closed, or its output ended.
void Stream::attempt_read(Error error, char* to, std::size_t bytes_max, Handler handler) {
    if (!error && !socket_.is_open()) error = asio::error::operation_aborted;
    if (error) return handler(error, 0);
    if (!tls_) return async_read_some(to, bytes_max, std::move(handler));
    const auto [progress, bytes] = tls_->read(to, bytes_max);
    if (progress == Progress::done) return handler({}, bytes);
    if (!is_waiting(progress)) return handler(error_of(progress), 0);
    wait_for(progress, [this, to, bytes_max, handler = std::move(handler)](const Error& failed) {
        attempt_read(failed, to, bytes_max, handler);
    });
}

std::size_t Stream::write_encrypted(std::string_view bytes, Error& error) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        const auto [progress, taken] = tls_->write(bytes.substr(sent));
        sent += taken;
        if (progress == Progress::done) continue;
        write_waits_for_ = progress;
        error = is_waiting(progress) ? Error(asio::error::would_block) : error_of(progress);
        break;
    }
    return sent;
}

void Stream::write_when_ready(std::string_view bytes, Handler handler) {
    wait_for(write_waits_for_, [this, bytes, handler = std::move(handler)](Error error) {
        if (!error && !tls_) error = asio::error::operation_aborted;
        const std::size_t sent = error ? 0 : write_encrypted(bytes, error);
        if (error != asio::error::would_block) return handler(error, sent);
        write_when_ready(bytes.substr(sent), handler);
    });
}

void Stream::end_output() {
    if (tls_) tls_->end();
    tls_.reset();
    Error ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
}

void Stream::close() {
    if (tls_) tls_->end();
    tls_.reset();
    Error ignored;
    socket_.close(ignored);
}

}  // namespace producers::edge
