// listen: forwards the raw requests of a source to a developer's own machine.
//
// It reads the log through the serving process, a small page at a time, and asks for more only when
// the page is delivered: whatever the URL does, the server notices nothing. Each request is
// delivered in the order of the log and at least once: while the URL cannot be reached it is tried
// again with growing pauses; any answer, also an error, is printed and counts as delivered.
#include "bus/envelope.hpp"
#include "tools/command.hpp"
#include "tools/forwarder.hpp"
#include "tools/interrupt.hpp"
#include "tools/parsed_answer.hpp"

#include <algorithm>
#include <chrono>
#include <memory>

namespace tools {
namespace {

using schemas::json::Value;

constexpr std::size_t queue_max = 16;  // records fetched and not yet delivered
constexpr bus::milliseconds pause_min{250};
constexpr bus::milliseconds pause_max{15'000};

struct ListenOptions {
    std::string data = "data";
    std::string tenant;
    std::string source;
    std::string forward_to;
    std::string from;
    std::string cursor;
    std::size_t timeout_s = 30;
    std::size_t count = 0;
    bool json = false;
};

class Pause {
public:
    // False when interrupted.
    bool wait() {
        const bus::milliseconds now = next_;
        next_ = std::min(next_ * 2, pause_max);
        return sleep_unless_interrupted(now);
    }
    void reset() { next_ = pause_min; }

private:
    bus::milliseconds next_ = pause_min;
};

class Listener {
public:
    Listener(const ListenOptions& options, ForwardUrl url)
        : options_(options), url_(std::move(url)), cursor_(options.cursor) {}

    int run() {
        auto first = RunningInstance::find(options_.data);
        if (!first) return report(first.error());
        instance_ = std::make_unique<RunningInstance>(*std::move(first));
        if (auto begun = begin(); !begun) return report(begun.error());
        fmt::print(stderr, "forwarding {} to {}; Ctrl-C ends it\n", options_.source,
                   url_.to_string());
        while (!interrupted() && !is_enough()) {
            if (auto passed = pass_page(); !passed) return report(passed.error());
        }
        fmt::print(stderr, "delivered={} next: --cursor {}\n", delivered_, cursor_);
        return 0;
    }

private:
    bool is_enough() const { return options_.count > 0 && delivered_ >= options_.count; }

    std::string target(std::string_view from_where, std::size_t limit) const {
        return fmt::format("/v1/operator/records?type={}&bodies=base64&limit={}",
                           bus::raw_event_type, limit) +
               query_part("tenant", options_.tenant) + query_part("source", options_.source) +
               std::string(from_where);
    }

    // Where to begin. A tenant or source that is not there is told now.
    bus::Result<bus::Done> begin() {
        if (!cursor_.empty()) return bus::Done{};
        const std::string where =
            options_.from.empty() ? "&last=0" : query_part("from", options_.from);
        // Nothing is taken yet: a limit of 0 leaves the places where they are.
        const auto page = ParsedAnswer::parse(instance_->get(target(where, 0)));
        if (!page) return page.error();
        cursor_ = (*page)["page"]["next_cursor"].text();
        return bus::Done{};
    }

    bus::Result<bus::Done> pass_page() {
        // The cursor moves when all of the page is delivered: an interrupted page comes again.
        const auto page = ParsedAnswer::parse(
            instance_->get(target(query_part("cursor", cursor_) + "&wait_ms=2000", page_size())));
        if (!page) return wait_for_server(page.error());
        server_pause_.reset();
        std::vector<Value> records;
        (*page)["data"].each_element([&](Value record) { records.push_back(record); });
        for (const Value& record : records) {
            if (!deliver(record)) return bus::Done{};
            ++delivered_;
        }
        cursor_ = (*page)["page"]["next_cursor"].text();
        return bus::Done{};
    }

    std::size_t page_size() const {
        return options_.count == 0 ? queue_max : std::min(queue_max, options_.count - delivered_);
    }

    // The server may be restarting; any other refusal is told.
    bus::Result<bus::Done> wait_for_server(const bus::Error& error) {
        if (error.code != bus::ErrorCode::unavailable) return error;
        fmt::print(stderr, "waiting for the server: {}\n", error.message);
        if (!server_pause_.wait()) return bus::Done{};
        auto again = RunningInstance::find(options_.data);
        if (again) instance_ = std::make_unique<RunningInstance>(*std::move(again));
        return bus::Done{};
    }

    // False when interrupted before it was delivered.
    bool deliver(Value record) {
        const auto request = forwarded_request(record, url_, bus::seconds{options_.timeout_s});
        if (!request) {
            print(record, 0, bus::milliseconds{0}, request.error().message);
            return true;
        }
        for (;;) {
            const auto start = std::chrono::steady_clock::now();
            const auto answer = client_.call(*request);
            const auto took = std::chrono::duration_cast<bus::milliseconds>(
                std::chrono::steady_clock::now() - start);
            if (answer) {
                url_pause_.reset();
                print(record, answer->status, took, "");
                return true;
            }
            print(record, 0, took, answer.error().message);
            if (!url_pause_.wait()) return false;
        }
    }

    void print(Value record, int status, bus::milliseconds took, std::string_view problem) const {
        const Value headers = record["headers"];
        if (options_.json) {
            std::string line;
            schemas::json::Writer writer{line};
            writer.begin_object().member("address", record["address"].text());
            writer.member("id", record["id"].text());
            writer.member("status", std::int64_t{status});
            writer.member("took_ms", std::int64_t{took.count()});
            if (!problem.empty()) writer.member("problem", problem);
            writer.end_object();
            fmt::print("{}\n", line);
        } else {
            fmt::print("{} {} {} {} -> {} in {} ms{}{}\n", record["ingest_time"].text(),
                       record["address"].text(), headers[bus::header::method].text(),
                       headers[bus::header::path].text(),
                       status > 0 ? std::to_string(status) : "not reached", took.count(),
                       problem.empty() ? "" : ": ", problem);
        }
        std::fflush(stdout);
    }

    const ListenOptions& options_;
    const ForwardUrl url_;
    std::unique_ptr<RunningInstance> instance_;
    bus::net::HttpClient client_;
    std::string cursor_;
    std::size_t delivered_ = 0;
    Pause server_pause_;
    Pause url_pause_;
};

int run_listen(const ListenOptions& options) {
    auto url = parse_forward_url(options.forward_to);
    if (!url) return report(url.error());
    watch_for_interrupt();
    return Listener(options, *std::move(url)).run();
}

}  // namespace

void add_listen_command(CLI::App& program, ExitCode& exit_code) {
    auto options = std::make_shared<ListenOptions>();
    CLI::App* command = program.add_subcommand(
        "listen", "forward a source's requests to a URL, e.g. on a developer's machine");
    command->add_option("--tenant", options->tenant, "whose source, by the tenant's code")
        ->required();
    command->add_option("--source", options->source, "the source, by its slug")->required();
    command
        ->add_option("--forward-to", options->forward_to,
                     "http(s) URL; without a path each request keeps its own")
        ->required();
    command->add_option("--from", options->from,
                        "begin with what was received then, e.g. 2026-11-21T10:00:00Z (default: "
                        "what comes from now on)");
    command->add_option("--cursor", options->cursor, "go on where an earlier listen ended");
    command->add_option("--timeout", options->timeout_s, "seconds that the URL may take")
        ->check(CLI::Range(1, 300))
        ->capture_default_str();
    command->add_option("--count", options->count, "end after so many requests (0 = never)")
        ->capture_default_str();
    command->add_option("--data", options->data, "data folder of the running instance")
        ->envname("TRIBUTARY_DATA")
        ->capture_default_str();
    command->add_flag("--json", options->json, "one JSON object a line");
    command->footer(
        "Example: tributary listen --tenant acme --source ivr-main --forward-to "
        "http://localhost:3000/hooks");
    command->callback([options, &exit_code] { exit_code = run_listen(*options); });
}

}  // namespace tools
