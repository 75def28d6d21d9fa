#include "bus/tls/tls_session.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cctype>

namespace bus::tls {
namespace {

// As every HTTP request begins, and no TLS record.
bool begins_with_a_letter(int socket) {
    char first = 0;
    return ::recv(socket, &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1 &&
           std::isalpha(static_cast<unsigned char>(first)) != 0;
}

}  // namespace

Session::Session(const Context& context, int socket)
    : socket_(socket), session_(SSL_new(context.current().context.get())) {
    BUS_ASSERT(session_ && SSL_set_fd(session_, socket) == 1, "OpenSSL has memory for a session");
    SSL_set_accept_state(session_);
}

Session::~Session() {
    SSL_free(session_);
}

Progress Session::reason_of(int result) const {
    switch (SSL_get_error(session_, result)) {
        case SSL_ERROR_WANT_READ:
            return Progress::wants_read;
        case SSL_ERROR_WANT_WRITE:
            return Progress::wants_write;
        case SSL_ERROR_ZERO_RETURN:
            return Progress::closed;
        default:
            break;
    }
    // Without a farewell: what a cut means is seen by who counts the bytes of a request.
    const bool is_cut = ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
    return is_cut ? Progress::closed : Progress::failed;
}

// The queue of errors belongs to the thread, and an old one would be taken for this call's.
Progress Session::handshake() {
    if (SSL_get_state(session_) == TLS_ST_BEFORE && begins_with_a_letter(socket_))
        return Progress::plain_text;
    ERR_clear_error();
    const int result = SSL_do_handshake(session_);
    return result == 1 ? Progress::done : reason_of(result);
}

Step Session::read(char* to, std::size_t bytes_max) {
    ERR_clear_error();
    Step step;
    if (const int result = SSL_read_ex(session_, to, bytes_max, &step.bytes); result != 1)
        step.progress = reason_of(result);
    return step;
}

Step Session::write(std::string_view bytes) {
    ERR_clear_error();
    Step step;
    if (const int result = SSL_write_ex(session_, bytes.data(), bytes.size(), &step.bytes);
        result != 1)
        step.progress = reason_of(result);
    return step;
}

bool Session::has_unread() const {
    return SSL_pending(session_) > 0;
}

void Session::end() {
    ERR_clear_error();
    SSL_shutdown(session_);
    ERR_clear_error();
}

}  // namespace bus::tls
