#include "producers/edge/loop.hpp"

#include "bus/logging.hpp"

#include <boost/asio/post.hpp>
#include <future>

namespace producers::edge {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr std::chrono::milliseconds sweep_interval{100};
constexpr std::chrono::milliseconds accept_pause{100};
constexpr std::chrono::milliseconds active_window{10};
constexpr int backlog = 1024;
constexpr std::chrono::milliseconds end_wait_max{50};  // everybody waits for it

}  // namespace

EdgeServer::Loop::Loop(EdgeOptions options, Door& door, bus::Log& log,
                       std::vector<bus::http::Route> routes)
    : options_(std::move(options)), door_(door), log_(log), ends_(log) {
    for (bus::http::Route& route : routes) {
        if (!route.on_ingress || !route.handle) continue;
        const std::string path = route.pattern;
        routes_[path].push_back(std::move(route));
    }
    fields_.reserve(options_.fields_max);
    completions_ =
        std::make_unique<CompletionQueue>([this] { asio::post(context_, [this] { complete(); }); });
}

EdgeServer::Loop::~Loop() {
    stop(bus::milliseconds{0});
    // Nobody calls into the loop from here on; connections go before the context.
    CompletionQueue::abandon(std::move(completions_));
    connections_.clear();
}

bus::Result<bus::Done> EdgeServer::Loop::listen() {
    boost::system::error_code error;
    const auto failed = [&] {
        return bus::fail(bus::ErrorCode::unavailable, "listen on {}:{}: {}", options_.host,
                         options_.port, error.message());
    };
    const auto address = asio::ip::make_address(options_.host, error);
    if (error) return failed();
    const tcp::endpoint endpoint(address, options_.port);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    // Asio would wait for another connection, and who stands behind the aborted one with it.
    if (!error) acceptor_.set_option(asio::socket_base::enable_connection_aborted(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(backlog, error);
    if (error) return failed();
    port_ = acceptor_.local_endpoint().port();
    return bus::Done{};
}

void EdgeServer::Loop::run() {
    accept();
    sweep();
    thread_ = std::thread([this] { context_.run(); });
}

void EdgeServer::Loop::accept() {
    acceptor_.async_accept([this](const boost::system::error_code& error, tcp::socket socket) {
        if (draining_) return;
        if (error == asio::error::connection_aborted) return accept();
        if (error) {  // out of descriptors: the others go on meanwhile
            accept_pause_.expires_after(accept_pause);
            accept_pause_.async_wait([this](const boost::system::error_code& stopped) {
                if (!stopped && !draining_) accept();
            });
            return;
        }
        tick();
        if (open_ >= options_.connections_max) {
            turn_away(std::move(socket));
        } else {
            std::uint32_t slot = static_cast<std::uint32_t>(connections_.size());
            if (free_slots_.empty()) {
                connections_.emplace_back();
            } else {
                slot = free_slots_.back();
                free_slots_.pop_back();
            }
            connections_[slot] = std::make_unique<Connection>(*this, slot, std::move(socket));
            probe_.accepted_connection(++open_);
            connections_[slot]->start();
        }
        accept();
    });
}

void EdgeServer::Loop::turn_away(tcp::socket socket) {
    probe_.refused_connection();
    boost::system::error_code ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(full_text), ignored);
}

std::list<std::uint32_t>::iterator EdgeServer::Loop::begin_handshake(std::uint32_t slot) {
    if (handshakes_.size() >= options_.handshakes_max) {
        probe_.failed_handshake();
        connections_[handshakes_.front()]->cut();  // takes itself out
    }
    return handshakes_.insert(handshakes_.end(), slot);
}

// Deferred, because the connection that asks for it is still on the stack.
void EdgeServer::Loop::release(std::uint32_t slot) {
    asio::post(context_, [this, slot] {
        connections_[slot].reset();
        free_slots_.push_back(slot);
        probe_.closed_connection(--open_);
        if (draining_ && open_ == 0) drained_ = true;
    });
}

void EdgeServer::Loop::complete() {
    completions_->take(settled_);
    tick();
    touched_.clear();
    for (const Completion& completion : settled_) {
        Connection& connection = *connections_[completion.ticket.slot];
        connection.complete(completion.ticket, completion.result);
        if (std::exchange(connection.touched, true)) continue;
        touched_.push_back(completion.ticket.slot);
    }
    if (!settled_.empty()) probe_.answered_group(settled_.size());
    for (const std::uint32_t slot : touched_) connections_[slot]->resume();
}

void EdgeServer::Loop::sweep() {
    tick();
    const std::size_t crowd = options_.connections_max * 3 / 4;
    std::size_t left = open_;
    for (auto& connection : connections_) {
        if (connection && connection->check_deadline(now_, left > crowd)) --left;
    }
    sweeper_.expires_after(sweep_interval);
    sweeper_.async_wait([this](const boost::system::error_code& error) {
        if (!error) sweep();
    });
}

// Counts each connection once per window and tells the count of the last whole one.
void EdgeServer::Loop::count_active(std::uint32_t& last_window) {
    if (!options_.active_callers) return;
    if (now_ >= window_end_) {
        if (active_now_ != active_told_) {
            active_told_ = active_now_;
            options_.active_callers(active_told_);
        }
        active_now_ = 0;
        ++window_;
        window_end_ = now_ + active_window;
    }
    if (std::exchange(last_window, window_) != window_) ++active_now_;
}

bool EdgeServer::Loop::park(std::size_t bytes) {
    if (parked_bytes_ + bytes > options_.parked_bytes_max) return false;
    parked_bytes_ += bytes;
    return true;
}

bool EdgeServer::Loop::reserve_buffer(std::size_t bytes) {
    if (buffer_bytes_ + bytes > options_.buffer_bytes_max) return false;
    buffer_bytes_ += bytes;
    return true;
}

std::string EdgeServer::Loop::position_of(bus::PartitionId partition) {
    const bus::Position nothing{.partition = partition};
    return to_token(ends_.end_position(partition, end_wait_max).value_or(nothing));
}

bool EdgeServer::Loop::has_route(std::string_view path) const {
    return routes_.find(path) != routes_.end();
}

std::optional<bus::http::Response> EdgeServer::Loop::answer_route(const RequestView& request) {
    auto found = routes_.find(request.path);
    if (found == routes_.end()) return std::nullopt;
    const auto wanted = request.method == "HEAD" ? std::string_view("GET") : request.method;
    std::string allowed;
    for (const bus::http::Route& route : found->second) {
        if (route.method != wanted) {
            allowed.append(allowed.empty() ? "" : ", ").append(route.method);
            continue;
        }
        return call(route, request);
    }
    auto refusal = bus::http::problem(405, "method_not_allowed", "this path takes " + allowed);
    refusal.headers.emplace_back("Allow", allowed);
    return refusal;
}

// A handler that throws costs its own request, not the process.
bus::http::Response EdgeServer::Loop::call(const bus::http::Route& route,
                                           const RequestView& request) {
    try {
        const bus::http::Request plain{.method = std::string(request.method),
                                       .path = std::string(request.path),
                                       .query = std::string(request.query),
                                       .headers = {},
                                       .body = std::string(request.body),
                                       .remote_address = {}};
        return route.handle(
            {.request = plain, .caller = {}, .path_parameters = {}, .request_id = {}});
    } catch (const std::exception& error) {
        return failed(route, error.what());
    } catch (...) {
        return failed(route, "unknown");
    }
}

bus::http::Response EdgeServer::Loop::failed(const bus::http::Route& route,
                                             std::string_view reason) {
    probe_.failed_route();
    if (!std::exchange(told_of_failure_, true))  // the counter tells the rest
        bus::logging::error("edge_route_failed", {{"path", route.pattern}, {"reason", reason}});
    return bus::http::problem(500, "internal", "this request failed here; send it again later");
}

void EdgeServer::Loop::drain() {
    draining_ = true;
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    accept_pause_.cancel();
    for (std::size_t i = 0; i < connections_.size(); ++i) {
        if (connections_[i]) connections_[i]->drain();
    }
    if (open_ == 0) drained_ = true;
}

void EdgeServer::Loop::stop(bus::milliseconds deadline) {
    if (!thread_.joinable()) return;
    const auto until = std::chrono::steady_clock::now() + deadline;
    asio::post(context_, [this] { drain(); });
    while (!drained_ && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(std::chrono::milliseconds{2});
    context_.stop();
    thread_.join();
    if (!drained_) bus::logging::warn("edge_cut_connections", {{"open", open_}});
}

}  // namespace producers::edge
