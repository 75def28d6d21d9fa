// The bytes of one connection, in plain or through TLS, over a socket that is the caller's. Waits
// are the caller's thread's, each with an end.
#pragma once

#include "bus/tls/tls_session.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace projections::api {

class ByteStream {
public:
    using Time = std::chrono::steady_clock::time_point;
    using Wait = std::chrono::milliseconds;
    enum class Read { some, none, ended };

    // A read that waits so long blocks in the kernel, which saves asking whether something came.
    static constexpr Wait usual_wait{250};

    // `socket` is used by this alone from here on. Null: in plain.
    ByteStream(int socket, const bus::tls::Context* tls);

    bool is_tls() const { return tls_.has_value(); }
    // done, plain_text (it is in plain from here on), failed, or what it waits for after
    // `wait_max`.
    bus::tls::Progress handshake(Wait wait_max);
    // Appends what has come, after `wait_max` at the latest.
    Read read(std::string& to, Wait wait_max);
    // Both, one after the other. False: the peer is gone, or has not taken all by then.
    bool write(std::string_view head, std::string_view body, Time until);
    void end();  // tells the peer that no more comes; it can go on sending

private:
    bool wait_for(bus::tls::Progress wanted, Wait wait_max) const;
    bus::tls::Step read_some(char* to, std::size_t bytes_max, Wait wait_max);
    bus::tls::Step write_some(std::string_view head, std::string_view body);

    const int socket_;
    const bool blocks_;  // in reads of the usual wait: plain from the beginning
    std::optional<bus::tls::Session> tls_;
};

}  // namespace projections::api
