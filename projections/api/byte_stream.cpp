#include "projections/api/byte_stream.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

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

ByteStream::ByteStream(int socket, const bus::tls::Context* tls) : socket_(socket) {
    ::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) | O_NONBLOCK);
    if (tls) tls_.emplace(*tls, socket);
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

Step ByteStream::read_some(char* to, std::size_t bytes_max) {
    if (tls_) return tls_->read(to, bytes_max);
    return step_of(::recv(socket_, to, bytes_max, 0), Progress::wants_read);
}

Step ByteStream::write_some(std::string_view bytes) {
    if (tls_) return tls_->write(bytes);
    return step_of(::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
                   Progress::wants_write);
}

ByteStream::Read ByteStream::read(std::string& to, Wait wait_max) {
    if (!(tls_ && tls_->has_unread()) && !wait_for(Progress::wants_read, wait_max))
        return Read::none;
    const std::size_t have = to.size();
    to.resize(have + read_bytes);
    const auto [progress, bytes] = read_some(to.data() + have, read_bytes);
    to.resize(have + bytes);
    if (progress == Progress::done) return Read::some;
    return is_waiting(progress) ? Read::none : Read::ended;
}

bool ByteStream::write(std::string_view bytes, Time until) {
    while (!bytes.empty()) {
        const auto [progress, taken] = write_some(bytes);
        bytes.remove_prefix(taken);
        if (progress == Progress::done) continue;
        const auto left =
            std::chrono::duration_cast<Wait>(until - std::chrono::steady_clock::now());
        if (!is_waiting(progress) || left.count() <= 0 || !wait_for(progress, left)) return false;
    }
    return true;
}

void ByteStream::end() {
    if (tls_) tls_->end();
}

}  // namespace projections::api
