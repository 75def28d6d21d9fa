#include "tools/demo/demo_sender.hpp"

#include "tools/demo/request_signer.hpp"

#include <unistd.h>

#include <cstdio>

namespace tools::demo {
namespace {

using bus::ErrorCode;
using bus::net::ClientRequest;

constexpr std::size_t bar_width = 40;
constexpr std::size_t line_every = 100;
constexpr int waits_max = 12;
constexpr std::string_view wait_ms = "5000";

// A bar where somebody looks, a line now and then where it goes to a file.
class Progress {
public:
    explicit Progress(std::size_t total) : total_(total), terminal_(::isatty(STDERR_FILENO) == 1) {}

    void show(std::size_t sent) const {
        const bool last = sent == total_;
        if (terminal_) {
            const std::size_t filled = bar_width * sent / total_;
            fmt::print(stderr, "\rsending samples [{:-<{}}] {}/{}{}", std::string(filled, '#'),
                       bar_width, sent, total_, last ? "\n" : "");
        } else if (last || sent % line_every == 0) {
            fmt::print(stderr, "sent {} of {} samples\n", sent, total_);
        }
        std::fflush(stderr);
    }

private:
    const std::size_t total_;
    const bool terminal_;
};

ClientRequest request_of(const SampleEvent& event, const DemoTenant& tenant) {
    ClientRequest request{
        .method = "POST",
        .url = tenant.events_url,
        .headers = {{"x-api-key", tenant.api_key}, {"x-client-code", std::string(tenant_code)}},
        .body = event.body};
    if (!event.slug.empty()) {
        const DemoSource& source = tenant.sources.at(event.slug);
        request.headers.clear();
        request.url = source.url;
        if (event.is_query) {
            request.method = "GET";
            request.url += "?" + event.body;
            request.body.clear();
        }
        sign_request(source.verification, source.secret, event.id, bus::system_clock().now(),
                     request);
    }
    if (request.method == "POST") request.headers.emplace_back("content-type", event.content_type);
    return request;
}

// Any read waits for its position; this one is the cheapest.
bus::Result<bus::Done> wait_for_rows(const Platform& platform, const DemoTenant& tenant,
                                     const std::string& position, bus::net::HttpClient& client,
                                     const std::stop_token& stop) {
    const ClientRequest request{.url = local_url(platform.api()) + "/v1/conversations?limit=1",
                                .headers = {{"x-api-key", tenant.api_key},
                                            {"x-client-code", std::string(tenant_code)},
                                            {"x-min-position", position},
                                            {"x-wait-ms", std::string(wait_ms)}},
                                .body = {}};
    for (int i = 0; i < waits_max; ++i) {
        const auto answer = call_patiently(client, request, stop);
        if (!answer) return answer.error();
        if (answer->status == 200) return bus::Done{};
        if (answer->status != 504) {
            return bus::fail(ErrorCode::unavailable, "{} was answered {}: {}", request.url,
                             answer->status, answer->body);
        }
    }
    return bus::fail(ErrorCode::unavailable, "the rows do not reach the samples; see doctor");
}

}  // namespace

bus::Result<bus::Done> send_traffic(const Platform& platform, const DemoTenant& tenant,
                                    const std::vector<SampleEvent>& events,
                                    bus::net::HttpClient& client, const std::stop_token& stop) {
    const Progress progress(events.size());
    std::map<std::string, std::string> last_positions;  // by source: each may have another topic
    for (std::size_t i = 0; i < events.size(); ++i) {
        const auto answer = call_patiently(client, request_of(events[i], tenant), stop);
        if (!answer) return answer.error();
        if (answer->status / 100 != 2) {
            return bus::fail(ErrorCode::invalid_input, "sample {} for '{}' was answered {}: {}",
                             events[i].id, events[i].slug, answer->status, answer->body);
        }
        if (const auto position = header_of(*answer, "x-position"); !position.empty())
            last_positions[events[i].slug] = position;
        progress.show(i + 1);
    }
    for (const auto& [slug, position] : last_positions) {
        if (auto there = wait_for_rows(platform, tenant, position, client, stop); !there)
            return there.error();
    }
    return bus::Done{};
}

}  // namespace tools::demo
