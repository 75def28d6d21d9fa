// The bytes of one connection, in plain or through TLS. In plain every call goes straight to the
// socket.
//
// At most one read and one write are under way. Handlers are called from the loop, never from
// within the call, also after close(). Loop's thread only.
#pragma once

#include "bus/tls/tls_session.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <functional>

namespace producers::edge {

class Stream {
public:
    using Error = boost::system::error_code;
    using Handler = std::function<void(const Error&, std::size_t)>;

    explicit Stream(boost::asio::ip::tcp::socket socket) : socket_(std::move(socket)) {}

    void start();  // nothing on it blocks from here on
    void use_tls(const bus::tls::Context& context);
    bool is_tls() const { return tls_ != nullptr; }
    void handshake(std::function<void(bus::tls::Progress)> handler);  // done, plain_text or failed
    void be_plain() { tls_.reset(); }

    template <class F>
    void async_read_some(char* to, std::size_t bytes_max, F handler) {
        if (tls_) return read_decrypted(to, bytes_max, std::move(handler));
        socket_.async_read_some(boost::asio::buffer(to, bytes_max), std::move(handler));
    }
    // would_block, or as much as could be sent at once.
    std::size_t write_some(std::string_view bytes, Error& error) {
        if (tls_) return write_encrypted(bytes, error);
        return socket_.write_some(boost::asio::buffer(bytes), error);
    }
    // All of them; they stay where they are until the handler is called.
    template <class F>
    void async_write(std::string_view bytes, F handler) {
        if (tls_) return write_when_ready(bytes, std::move(handler));
        boost::asio::async_write(socket_, boost::asio::buffer(bytes), std::move(handler));
    }
    // No more is written. What the peer still sends is read as it comes, to be thrown away.
    void end_output();
    void close();

private:
    void go_on_with_handshake(const Error& error, std::function<void(bus::tls::Progress)> handler);
    void attempt_read(Error error, char* to, std::size_t bytes_max, Handler handler);
    void read_decrypted(char* to, std::size_t bytes_max, Handler handler);
    void write_when_ready(std::string_view bytes, Handler handler);
    std::size_t write_encrypted(std::string_view bytes, Error& error);
    template <class F>
    void wait_for(bus::tls::Progress wanted, F then);

    boost::asio::ip::tcp::socket socket_;
    std::unique_ptr<bus::tls::Session> tls_;
    bus::tls::Progress write_waits_for_ = bus::tls::Progress::wants_write;
};

}  // namespace producers::edge
