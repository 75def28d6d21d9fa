#include "projections/api/connection.hpp"

#include "bus/logging.hpp"
#include "projections/api/gzip.hpp"

#include <Poco/Exception.h>

#include <sys/socket.h>

namespace projections::api {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto idle_slice = ByteStream::usual_wait;  // how soon a stop is noticed

void compress(const bus::http::Request& request, bus::http::Response& response) {
    if (response.body.size() < gzip_bytes_min || !accepts_gzip(request.header("accept-encoding")))
        return;
    response.body = gzip(response.body);
    response.headers.emplace_back("Content-Encoding", "gzip");
    response.headers.emplace_back("Vary", "Accept-Encoding");
}

std::string head_of(const bus::http::Response& response, bool keep_alive) {
    std::string out = fmt::format("HTTP/1.1 {} {}\r\nContent-Length: {}\r\nConnection: {}\r\n",
                                  response.status, bus::http::title_of_status(response.status),
                                  response.body.size(), keep_alive ? "keep-alive" : "close");
    if (!response.body.empty()) out += fmt::format("Content-Type: {}\r\n", response.content_type);
    for (const auto& [name, value] : response.headers) {
        out += name;
        out += ": ";
        out += value;
        out += "\r\n";
    }
    out += "\r\n";
    return out;
}

}  // namespace

Connection::Connection(const Poco::Net::StreamSocket& socket, ConnectionShared& shared)
    : Poco::Net::TCPServerConnection(socket),
      shared_(shared),
      options_(shared.options),
      dispatcher_(shared.dispatcher),
      stream_(static_cast<int>(socket.impl()->sockfd()), shared.options.tls) {
    ++shared_.open;
}

void Connection::run() {
    try {
        socket().setNoDelay(true);
        peer_ = socket().peerAddress().host().toString();
        if (shake_hands())
            while (serve_one()) {
            }
        stream_.end();
        if (refused_) linger();
    } catch (const Poco::Exception&) {
        // The peer went away in the middle: nothing to answer, nobody to tell.
    } catch (const std::exception& e) {
        bus::logging::error("api_connection_failed", {{"what", e.what()}});
    }
}

bool Connection::shake_hands() {
    using bus::tls::Progress;
    const auto began = Clock::now();
    while (stream_.is_tls()) {
        const Progress progress = stream_.handshake(idle_slice);
        if (progress == Progress::done) return true;
        if (progress == Progress::plain_text) {
            (void)stream_.read(buffer_, {});
            return refuse(400, "tls_required", "this port speaks TLS: use https"), false;
        }
        const auto patience =
            shared_.is_crowded() ? options_.crowded_idle_max : options_.handshake_deadline;
        const bool waits = progress == Progress::wants_read || progress == Progress::wants_write;
        if (!waits || shared_.stopping || Clock::now() - began > patience) return false;
    }
    return true;
}

Connection::Read Connection::read_more(Clock::time_point deadline) {
    for (;;) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
        if (left.count() <= 0) return Read::timed_out;
        if (shared_.stopping && buffer_.empty()) return Read::closed;
        if (buffer_.empty() && shared_.is_crowded() &&
            Clock::now() - idle_since_ > options_.crowded_idle_max)
            return Read::timed_out;
        const auto read = stream_.read(buffer_, std::min(left, idle_slice));
        if (read == ByteStream::Read::some) return Read::complete;
        if (read == ByteStream::Read::ended) return Read::closed;
    }
}

Connection::Read Connection::read_until_head(std::size_t& head_bytes) {
    idle_since_ = Clock::now();
    auto deadline = idle_since_ + options_.idle_max;
    bool started = false;
    for (;;) {
        if (!buffer_.empty() && !started) {
            started = true;
            deadline = Clock::now() + options_.head_deadline;
        }
        head_bytes = bus::http::head_length(buffer_);
        if (head_bytes > options_.head.head_bytes_max) return Read::too_large;
        if (head_bytes > 0) return Read::complete;
        if (buffer_.size() > options_.head.head_bytes_max) return Read::too_large;
        if (const Read read = read_more(deadline); read != Read::complete) return read;
    }
}

bool Connection::read_body(const bus::http::Head& head, std::size_t head_bytes, std::string& body) {
    const auto deadline = Clock::now() + options_.body_deadline;
    const std::size_t whole = head_bytes + head.body_bytes;
    while (buffer_.size() < whole) {
        const Read read = read_more(deadline);
        if (read == Read::timed_out)
            refuse(408, "request_timeout", "the body did not arrive in time");
        if (read == Read::closed)
            refuse(400, "incomplete_body", "the body is shorter than its Content-Length");
        if (read != Read::complete) return false;
    }
    body.assign(buffer_, head_bytes, head.body_bytes);
    buffer_.erase(0, whole);
    return true;
}

void Connection::refuse(int status, std::string_view code, std::string_view detail) {
    refused_ = write({}, bus::http::problem(status, code, detail), false);
}

// What was refused may still be on its way: closed before all of it is read, the peer would hear of
// a reset instead of the reason.
void Connection::linger() {
    const auto until =
        Clock::now() + (shared_.is_crowded() ? options_.crowded_idle_max : options_.linger_max);
    for (auto read = ByteStream::Read::none; read != ByteStream::Read::ended;) {
        if (shared_.stopping || Clock::now() > until) return;
        buffer_.clear();
        read = stream_.read(buffer_, idle_slice);
    }
}

bool Connection::write(const bus::http::Request& request, bus::http::Response response,
                       bool keep_alive) {
    compress(request, response);
    const std::string_view body = request.method == "HEAD" ? "" : std::string_view{response.body};
    return stream_.write(head_of(response, keep_alive), body,
                         Clock::now() + options_.write_deadline);
}

bool Connection::serve_one() {
    std::size_t head_bytes = 0;
    const Read read = read_until_head(head_bytes);
    if (read == Read::too_large)
        return refuse(431, "header_too_large", "the request head is too large"), false;
    if (read == Read::timed_out && !buffer_.empty()) {
        return refuse(408, "request_timeout", "the request head did not arrive in time"), false;
    }
    if (read == Read::closed && !buffer_.empty())
        refuse(400, "malformed_request", "the request head ends in the middle");
    if (read != Read::complete) return false;

    auto parsed =
        bus::http::parse_head(std::string_view(buffer_).substr(0, head_bytes), options_.head);
    if (parsed.refusal)
        return refuse(parsed.refusal->status, parsed.refusal->code, parsed.refusal->detail), false;
    bus::http::Head& head = parsed.head;
    if (head.body_bytes > options_.body_bytes_max) {
        const std::size_t bytes_max = dispatcher_.body_bytes_max(head.request);
        if (head.body_bytes > bytes_max)
            return refuse(413, "too_large", fmt::format("a body may have {} bytes", bytes_max)),
                   false;
    }
    if (head.expects_continue && buffer_.size() < head_bytes + head.body_bytes) {
        constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        if (!stream_.write(go_on, {}, Clock::now() + options_.write_deadline)) return false;
    }
    if (!read_body(head, head_bytes, head.request.body)) return false;
    head.request.remote_address = peer_;

    const bool keep_alive = head.keep_alive && !shared_.stopping;
    return write(head.request, dispatcher_.answer(head.request), keep_alive) && keep_alive;
}

}  // namespace projections::api
