// The server's side of one TLS conversation, over a connected socket that does not block and stays
// its owner's. Never waits: it says what it waits for, and the owner, who has the deadlines, calls
// again once the socket is ready.
//
// Threads: one at a time.
#pragma once

#include "bus/tls/tls_context.hpp"

#include <string_view>

struct ssl_st;

namespace bus::tls {

enum class Progress : std::uint8_t {
    done,
    wants_read,   // call again when the socket can be read
    wants_write,  // ... written
    plain_text,   // of a handshake: the peer speaks no TLS but letters; nothing was read
    closed,       // the peer said that it sends no more, or went away
    failed,       // no TLS, or none that we take: close the socket
};

struct Step {
    Progress progress = Progress::done;
    std::size_t bytes = 0;  // of done
};

class Session {
public:
    Session(const Context& context, int socket);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    Progress handshake();
    Step read(char* to, std::size_t bytes_max);
    // May take a part only. After wants_* the same bytes are given again, and may be followed by
    // more.
    Step write(std::string_view bytes);
    bool has_unread() const;  // decrypted already: the socket will not tell
    void end();               // tells the peer that no more comes; nothing is written after it

private:
    Progress reason_of(int result) const;

    int socket_;
    ssl_st* session_;
};

}  // namespace bus::tls
