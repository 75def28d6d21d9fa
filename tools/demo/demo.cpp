#include "tools/demo/demo.hpp"

#include "tools/demo/demo_ending.hpp"
#include "tools/demo/demo_sender.hpp"
#include "tools/demo/demo_state.hpp"

#include <cstdio>
#include <thread>

namespace tools {
namespace {

constexpr bus::seconds ready_max{60};
constexpr bus::milliseconds ready_check_period{50};

bus::Result<bus::Done> wait_until_ready(const Platform& platform, const std::stop_token& stop) {
    const auto deadline = std::chrono::steady_clock::now() + ready_max;
    while (true) {
        auto ready = platform.ready();
        if (ready || std::chrono::steady_clock::now() > deadline) return ready;
        if (stop.stop_requested()) return bus::fail(bus::ErrorCode::cancelled, "stopping");
        std::this_thread::sleep_for(ready_check_period);
    }
}

bus::Result<bus::Done> make_and_send(const Platform& platform, const std::filesystem::path& data,
                                     const std::stop_token& stop) {
    if (auto ready = wait_until_ready(platform, stop); !ready) return ready.error();
    auto state = demo::read_state(data);
    if (!state) return state.error();
    if (state->now == bus::Timestamp{}) {
        // Before anything is sent: what is sent again after a crash must be the same bytes.
        state->now = bus::system_clock().now();
        if (auto kept = demo::write_state(data, *state); !kept) return kept.error();
    }
    bus::net::HttpClient client;
    auto tenant = state->done ? demo::find_tenant(platform, state->api_key, client, stop)
                              : demo::make_tenant(platform, client, stop);
    if (!tenant) return tenant.error();
    if (!state->done) {
        const auto events = demo::sample_traffic(state->now);
        auto sent = demo::send_traffic(platform, *tenant, events, client, stop);
        if (!sent) return sent.error();
        state->api_key = tenant->api_key;
        state->done = true;
        if (auto kept = demo::write_state(data, *state); !kept) return kept.error();
    }
    fmt::print("{}", demo::ending_text(platform, *tenant));
    std::fflush(stdout);
    return bus::Done{};
}

}  // namespace

bus::Result<bus::Done> run_demo(const Platform& platform, const std::filesystem::path& data,
                                const std::stop_token& stop) {
    auto done = make_and_send(platform, data, stop);
    if (!done && done.error().code == bus::ErrorCode::cancelled) return bus::Done{};
    if (!done) return bus::fail(done.error().code, "demo: {}", done.error().message);
    return done;
}

}  // namespace tools
