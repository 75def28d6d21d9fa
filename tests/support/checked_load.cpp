#include "tests/support/checked_load.hpp"

#include "bus/clock.hpp"
#include "tests/support/checked_source.hpp"

#include <algorithm>

namespace tests::checker {
namespace {

using namespace std::chrono_literals;

constexpr auto retry_pause = 20ms;
constexpr auto look_pause = 15ms;

std::string listed(const bus::http::Response& answer, std::int64_t& messages) {
    const Document document(answer.body);
    messages = 0;
    for (const auto& row : document.data()) messages += row["message_count"].integer().value_or(0);
    return document.text("position");
}

}  // namespace

// Tells one source.
struct CheckedLoad::Teller {
    const CheckedSource source;
    bus::Signal& acknowledged;
    const std::atomic<bool>& outage;
    std::vector<Told> told{};  // the last one may still wait for its answer
    std::string position{};
    std::vector<std::string> wrong{};
    std::string last_answer{};
    Answers answers{}, of_outage{};
    std::chrono::steady_clock::duration longest_answer{}, quickest_stored = std::chrono::hours{24};

    Webhook next() {
        Told one = source.told_of(static_cast<std::int64_t>(told.size()));
        Webhook webhook = source.webhook_of(one);
        one.body = webhook.body;
        one.sent_at = bus::system_clock().now();
        told.push_back(std::move(one));
        return webhook;
    }
    Webhook repeated() const { return source.webhook_of(told.back()); }

    // What comes late may be the answer of a log that is back, unless it was kept.
    void count(const std::string& how, bool sent_in_outage) {
        ++answers[how];
        if (sent_in_outage && (outage || how == kept_answer)) ++of_outage[how];
    }

    // True when there is nothing left to repeat.
    bool send(ProductClient& client, const Webhook& webhook) {
        const bool in_outage = outage;
        const auto sent_at = std::chrono::steady_clock::now();
        const auto answer =
            client.try_ingress("POST", source.path(), webhook.headers, webhook.body);
        const auto took = std::chrono::steady_clock::now() - sent_at;
        longest_answer = std::max(longest_answer, took);
        last_answer = !answer ? "no answer" : std::to_string(answer->status);
        if (answer && !header_of(*answer, "retry-after").empty())
            last_answer += " with Retry-After";
        if (!answer || answer->status == 503) return count(last_answer, in_outage), false;
        Told& one = told.back();
        if (answer->status / 100 != 2) {
            wrong.push_back(fmt::format("{}: {} {}", one.id, answer->status, answer->body));
            return false;
        }
        const Document said(answer->body);
        quickest_stored = std::min(quickest_stored, took);
        one.acknowledged = true;
        one.answered_at = bus::system_clock().now();
        one.event_id = said.text("event_id");
        count(fmt::format("{} {}", answer->status, said.text("durability")), in_outage);
        one.position = header_of(*answer, "x-position");
        position = later(position, one.position);
        acknowledged.notify();
        return true;
    }
    bool waits() const { return !told.empty() && !told.back().acknowledged; }

    void tell(const std::atomic<bool>& stop, ProductClient client,
              std::chrono::microseconds pause) {
        while (!stop && wrong.empty()) {
            const Webhook webhook = waits() ? repeated() : next();
            while (!stop && wrong.empty() && !send(client, webhook))
                std::this_thread::sleep_for(retry_pause);
            std::this_thread::sleep_for(pause);
        }
    }
};

CheckedLoad::CheckedLoad(ProductClient& client, const LoadOptions& options) : options_(options) {
    for (std::size_t t = 0; t < options.tenants; ++t) {
        tenants_.push_back(client.create_tenant(fmt::format("tenant-{}", t)));
        for (const std::string kind : {"meta_cloud", "interakt", "ivr", "email", "chargebee"})
            tellers_.push_back(std::make_shared<Teller>(
                Teller{.source = CheckedSource(client, tenants_[t], t, kind, options.customers),
                       .acknowledged = acknowledged_,
                       .outage = outage_}));
    }
}

void CheckedLoad::start(const Addresses& addresses) {
    stop_ = false;
    for (const auto& teller : tellers_) {
        threads_.emplace_back([this, teller, addresses] {
            teller->tell(stop_, ProductClient(addresses), teller->source.pause(options_.pause));
        });
    }
    threads_.emplace_back([this, addresses] { look(addresses); });
}

void CheckedLoad::stop() {
    stop_ = true;
    for (auto& thread : threads_) thread.join();
    threads_.clear();
}

// Without waiting for any position: whatever is shown, it may never be older than before.
void CheckedLoad::look(const Addresses& addresses) {
    bus::net::HttpClient client;
    for (std::size_t tenant = 0; !stop_; tenant = (tenant + 1) % tenants_.size()) {
        bus::net::ClientRequest request;
        request.url = addresses.api + "/v1/conversations?limit=200";
        request.headers = tenants_[tenant].headers();
        const auto answer = client.call(request);
        if (answer && answer->status == 200) {
            SeenMoment moment{.tenant = tenant, .position = {}};
            moment.position = listed(*answer, moment.messages);
            moments_.push_back(std::move(moment));
        }
        std::this_thread::sleep_for(look_pause);
    }
}

std::string CheckedLoad::tell_one(ProductClient& client) {
    Teller& teller = *tellers_.front();
    const Webhook webhook = teller.waits() ? teller.repeated() : teller.next();
    (void)teller.send(client, webhook);
    return teller.last_answer;
}

bool CheckedLoad::tell_each(ProductClient& client, std::chrono::milliseconds patience) {
    for (const auto& teller : tellers_)
        if (!teller->waits()) teller->next();
    return settle(client, patience);
}

bool CheckedLoad::settle(ProductClient& client, std::chrono::milliseconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (const auto& teller : tellers_) {
        while (teller->waits() && !teller->send(client, teller->repeated())) {
            if (std::chrono::steady_clock::now() > deadline || !teller->wrong.empty()) return false;
            std::this_thread::sleep_for(retry_pause);
        }
    }
    return true;
}

std::vector<std::string> CheckedLoad::repeat(ProductClient& client, std::size_t of_each) const {
    std::vector<std::string> wrong;
    for (const auto& teller : tellers_) {
        const std::vector<Told>& all = teller->told;
        for (std::size_t i = all.size() - std::min(all.size(), of_each); i < all.size(); ++i) {
            const Webhook webhook = teller->source.webhook_of(all[i]);
            const Answer answer =
                client.ingress("POST", teller->source.path(), webhook.headers, webhook.body);
            const Document said(answer.body);
            if (said["duplicate"].boolean() != true || said.text("event_id") != all[i].event_id)
                wrong.push_back(all[i].id + ": " + answer.body);
        }
    }
    return wrong;
}

std::vector<Told> CheckedLoad::told() const {
    std::vector<Told> all;
    for (const auto& teller : tellers_)
        all.insert(all.end(), teller->told.begin(), teller->told.end());
    return all;
}

std::string CheckedLoad::position(std::size_t tenant) const {
    std::string position;
    for (const auto& teller : tellers_)
        if (teller->source.tenant() == tenant) position = later(position, teller->position);
    return position;
}

bool CheckedLoad::wait_for_acknowledged(std::size_t more, std::chrono::milliseconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    const std::uint64_t wanted = acknowledged_.count() + more;
    for (std::uint64_t seen = wanted - more; seen < wanted;) {
        const auto left = deadline - std::chrono::steady_clock::now();
        if (left.count() <= 0) return false;
        seen = acknowledged_.wait(seen, std::chrono::ceil<std::chrono::microseconds>(left));
    }
    return true;
}

std::size_t CheckedLoad::acknowledged() const {
    std::size_t count = 0;
    for (const auto& teller : tellers_) count += teller->told.size() - teller->waits();
    return count;
}

Answers CheckedLoad::answers() const {
    Answers all;
    for (const auto& teller : tellers_)
        for (const auto& [how, times] : teller->answers) all[how] += times;
    return all;
}

std::vector<SourceAnswers> CheckedLoad::answers_of_outage() const {
    std::vector<SourceAnswers> all;
    for (const auto& teller : tellers_)
        all.push_back({.tenant = teller->source.tenant(),
                       .source = teller->source.slug(),
                       .kind = teller->source.kind(),
                       .answers = teller->of_outage});
    return all;
}

void CheckedLoad::forget_positions() {
    for (const auto& teller : tellers_) teller->position.clear();
    moments_.clear();
}

std::chrono::milliseconds CheckedLoad::quickest_stored() const {
    std::chrono::steady_clock::duration quickest = std::chrono::hours{24};
    for (const auto& teller : tellers_) quickest = std::min(quickest, teller->quickest_stored);
    return std::chrono::floor<std::chrono::milliseconds>(quickest);
}

std::chrono::milliseconds CheckedLoad::longest_answer() const {
    std::chrono::steady_clock::duration longest{};
    for (const auto& teller : tellers_) longest = std::max(longest, teller->longest_answer);
    return std::chrono::ceil<std::chrono::milliseconds>(longest);
}

std::vector<std::string> CheckedLoad::wrong_answers() const {
    std::vector<std::string> all;
    for (const auto& teller : tellers_)
        all.insert(all.end(), teller->wrong.begin(), teller->wrong.end());
    return all;
}

}  // namespace tests::checker
