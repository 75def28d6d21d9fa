#include "projections/api/byte_stream.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace projections::api {

using bus::tls::Progress;
using bus::tls::Step;

namespace {

constexpr std::size_t read_bytes = 16 * 1024;

bool is_waiting(Progress progress) {
    return progress == Progress::wants_read || progress == Progress::wants_write;
}

Step step_of(ssize_t result, Progress wanted) {
    if (result > 0) return {Progress::done, static_cast<std::size_t>(result)};
    if (result == 0) return {Progress::closed, 0};
    const bool again = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    return {again ? wanted : Progress::failed, 0};
}

}  // namespace

ByteStream::ByteStream(int socket, const bus::tls::Context* tls)
    : socket_(socket), blocks_(tls == nullptr) {
    if (tls) {
        ::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) | O_NONBLOCK);
        tls_.emplace(*tls, socket);
        return;
    }
    const timeval wait{.tv_sec = 0, .tv_usec = std::chrono::microseconds{usual_wait}.count()};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
}

bool ByteStream::wait_for(Progress wanted, Wait wait_max) const {
    const short events = wanted == Progress::wants_write ? POLLOUT : POLLIN;
    pollfd wait{.fd = socket_, .events = events, .revents = 0};
    return ::poll(&wait, 1, static_cast<int>(std::max(wait_max, Wait{0}).count())) > 0;
}

Progress ByteStream::handshake(Wait wait_max) {
    Progress progress = tls_->handshake();
    if (is_waiting(progress) && wait_for(progress, wait_max)) progress = tls_->handshake();
    if (progress == Progress::plain_text) tls_.reset();
    return progress;
}

Step ByteStream::read_some(char* to, std::size_t bytes_max, Wait wait_max) {
    const bool blocks = blocks_ && wait_max == usual_wait;
    const bool has_unread = tls_ && tls_->has_unread();
    if (!blocks && !has_unread && !wait_for(Progress::wants_read, wait_max))
        return {Progress::wants_read, 0};
    if (tls_) return tls_->read(to, bytes_max);
    return step_of(::recv(socket_, to, bytes_max, blocks ? 0 : MSG_DONTWAIT), Progress::wants_read);
}

ByteStream::Read ByteStream::read(std::string& to, Wait wait_max) {
    std::array<char, read_bytes> bytes;
    const auto [progress, count] = read_some(bytes.data(), bytes.size(), wait_max);
    to.append(bytes.data(), count);
    if (progress == Progress::done) return Read::some;
    return is_waiting(progress) ? Read::none : Read::ended;
}

Step ByteStream::write_some(std::string_view head, std::string_view body) {
    if (tls_) return tls_->write(head.empty() ? body : head);
    std::array<iovec, 2> parts{iovec{const_cast<char*>(head.data()), head.size()},
                               iovec{const_cast<char*>(body.data()), body.size()}};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    return step_of(::sendmsg(socket_, &message, MSG_NOSIGNAL | MSG_DONTWAIT),
                   Progress::wants_write);
}

bool ByteStream::write(std::string_view head, std::string_view body, Time until) {
    while (!head.empty() || !body.empty()) {
        const auto [progress, taken] = write_some(head, body);
        const std::size_t of_head = std::min(taken, head.size());
        head.remove_prefix(of_head);
        body.remove_prefix(taken - of_head);
        if (progress == Progress::done) continue;
        const auto left =
            std::chrono::duration_cast<Wait>(until - std::chrono::steady_clock::now());
        if (!is_waiting(progress) || left.count() <= 0 || !wait_for(progress, left)) return false;
    }
    return true;
}

void ByteStream::end() {
    if (tls_) tls_->end();
    tls_.reset();
    ::shutdown(socket_, SHUT_WR);
}

}  // namespace projections::api
