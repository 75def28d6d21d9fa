#include "tests/support/checked_load.hpp"

#include "bus/clock.hpp"
#include "tests/support/checked_model.hpp"
#include "tests/support/sample_webhooks.hpp"

#include <algorithm>
#include <ctime>

namespace tests::checker {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t first_at_s = 1'772'359'200;  // 2026-03-01T10:00:00Z
// Times of a source jump to and fro, and none is told twice: 37 and the span have no common factor.
constexpr std::int64_t step_s = 37, span_s = 1'000'000;
constexpr std::int64_t unreadable_every = 16, mails_of_a_thread = 6, subjects = 3;
constexpr int rare_factor = 6;
constexpr auto retry_pause = 20ms;
constexpr auto look_pause = 15ms;

// "2026-03-01T10:00:00", as some providers write UTC.
std::string naive(std::int64_t at_s) {
    std::string text = iso(at_s);
    text.pop_back();
    return text;
}

std::string listed(const bus::http::Response& answer, std::int64_t& messages) {
    const Document document(answer.body);
    messages = 0;
    for (const auto& row : document.data()) messages += row["message_count"].integer().value_or(0);
    return document.text("position");
}

// Short ones, and every sixteenth of up to four kilobytes: pages, arenas and blocks end anywhere.
std::string text_of(const std::string& id, std::int64_t number) {
    std::string text = "text of " + id;
    if (number % 16 == 2)
        for (std::int64_t words = number * 37 % 400; words > 0; --words) text += " more text";
    return text;
}

Kind kind_of(const std::string& source_kind) {
    if (source_kind == "ivr") return Kind::call;
    if (source_kind == "email") return Kind::mail;
    return source_kind == "chargebee" ? Kind::bill : Kind::message;
}

// What a source of the kind is told of with this number.
Kind kind_of(const std::string& source_kind, std::int64_t number) {
    const bool is_readable = source_kind != "meta_cloud" || number % unreadable_every != 7;
    return is_readable ? kind_of(source_kind) : Kind::unreadable;
}

// As mails have it, in UTC.
std::string mail_date(std::int64_t at_s) {
    const std::time_t seconds = at_s;
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[48];
    return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S +0000", &parts)};
}

// Further members of the source's record.
std::string record_of(const std::string& kind) {
    if (kind == "ivr") return std::string(ivr_source);
    return kind == "email" ? std::string(mail_source) : "";
}

// Of chats and calls there are many, of mails and bills few.
std::chrono::microseconds pause_of(const std::string& kind, std::chrono::microseconds pause) {
    return kind == "email" || kind == "chargebee" ? pause * rare_factor : pause;
}

}  // namespace

// One source.
struct CheckedLoad::Teller {
    std::size_t tenant;
    std::string kind;
    Source source;
    std::string slug;
    bus::Signal& acknowledged;
    const std::atomic<bool>& outage;
    std::int64_t customers;
    std::vector<Told> told{};  // the last one may still wait for its answer
    std::string position{};
    std::vector<std::string> wrong{};
    std::string last_answer{};
    Answers answers{}, of_outage{};
    std::chrono::steady_clock::duration longest_answer{}, quickest_stored = std::chrono::hours{24};

    // Digits with the country's code; no two tenants share a customer.
    std::string customer(std::int64_t number) const {
        return fmt::format("919{:02}{:07}", tenant, number % customers);
    }

    std::string id_of(std::int64_t number) const {
        return fmt::format("t{}.{}.{}", tenant, slug, number);
    }
    // Of a mail: the first one of its thread.
    std::string first_of_thread(std::int64_t number) const {
        return id_of(number - number % mails_of_a_thread);
    }
    std::string sender(std::int64_t number) const {
        return fmt::format("c{}.{}@shop.example", tenant, number / mails_of_a_thread % customers);
    }
    std::string words(std::int64_t number) const {
        if (kind == "ivr") return number % 2 ? "ANSWER" : "NOANSWER";
        if (kind == "email") return fmt::format("about {}", number / mails_of_a_thread % subjects);
        if (kind == "chargebee") return number % 2 ? "active" : "paused";
        return text_of(id_of(number), number);
    }

    Webhook next() {
        const auto number = static_cast<std::int64_t>(told.size());
        Told one{.tenant = tenant,
                 .source = slug,
                 .number = number,
                 .kind = kind_of(kind, number),
                 .id = id_of(number),
                 .customer = kind == "email" ? sender(number) : "+" + customer(number),
                 .text = words(number),
                 .at_s = first_at_s + number * step_s % span_s};
        if (one.kind == Kind::mail) one.thread = first_of_thread(number);
        Webhook webhook = webhook_of(one);
        one.body = webhook.body;
        one.sent_at = bus::system_clock().now();
        told.push_back(std::move(one));
        return webhook;
    }
    Webhook webhook_of(const Told& one) const {
        const std::string from = one.customer.substr(1);
        if (one.kind == Kind::unreadable) return unreadable_message(from, one.text, source.secret);
        if (kind == "meta_cloud")
            return meta_message(one.id, from, one.text, one.at_s, source.secret);
        if (kind == "interakt")
            return interakt_message(one.id, from, one.text, naive(one.at_s), source.secret);
        if (kind == "email")
            return mail_in_thread(one.id, first_of_thread(one.number), one.customer, one.text,
                                  mail_date(one.at_s), source.secret);
        if (kind == "chargebee")
            return chargebee_subscription(one.id, one.customer, one.text, one.at_s, source.secret);
        return ivr_call(one.id, one.customer, one.text, iso(one.at_s), iso(one.at_s + call_seconds),
                        source.secret);
    }
    static Webhook unreadable_message(const std::string& from, const std::string& text,
                                      const std::string& secret) {
        return meta_webhook(
            fmt::format(R"("messages":[{{"from":"{}","timestamp":"1","type":"text","body":"{}"}}])",
                        from, text),
            secret);
    }

    // What comes late may be the answer of a log that is back, unless it was kept.
    void count(const std::string& how, bool sent_in_outage) {
        ++answers[how];
        if (sent_in_outage && (outage || how == kept_answer)) ++of_outage[how];
    }

    // True when there is nothing left to repeat.
    bool send(ProductClient& client, const Webhook& webhook) {
        const bool in_outage = outage;
        const auto sent_at = std::chrono::steady_clock::now();
        const auto answer = client.try_ingress("POST", source.path, webhook.headers, webhook.body);
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
            const Webhook webhook = waits() ? webhook_of(told.back()) : next();
            while (!stop && wrong.empty() && !send(client, webhook))
                std::this_thread::sleep_for(retry_pause);
            std::this_thread::sleep_for(pause);
        }
    }
};

CheckedLoad::CheckedLoad(ProductClient& client, const LoadOptions& options) : options_(options) {
    for (std::size_t t = 0; t < options.tenants; ++t) {
        tenants_.push_back(client.create_tenant(fmt::format("tenant-{}", t)));
        for (const std::string kind : {"meta_cloud", "interakt", "ivr", "email", "chargebee"}) {
            const auto slug = fmt::format("{}-{}", kind.substr(0, 3), t);
            const std::string secret = (kind == "chargebee" ? "shop:secret-" : "secret-") + slug;
            Source source = client.create_source(tenants_[t], kind, slug, secret, record_of(kind));
            tellers_.push_back(std::make_shared<Teller>(Teller{.tenant = t,
                                                               .kind = kind,
                                                               .source = std::move(source),
                                                               .slug = slug,
                                                               .acknowledged = acknowledged_,
                                                               .outage = outage_,
                                                               .customers = options.customers}));
        }
    }
}

void CheckedLoad::start(const Addresses& addresses) {
    stop_ = false;
    for (const auto& teller : tellers_) {
        threads_.emplace_back([this, teller, addresses] {
            teller->tell(stop_, ProductClient(addresses), pause_of(teller->kind, options_.pause));
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
    const Webhook webhook = teller.waits() ? teller.webhook_of(teller.told.back()) : teller.next();
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
        while (teller->waits() && !teller->send(client, teller->webhook_of(teller->told.back()))) {
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
            const Webhook webhook = teller->webhook_of(all[i]);
            const Answer answer =
                client.ingress("POST", teller->source.path, webhook.headers, webhook.body);
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
        if (teller->tenant == tenant) position = later(position, teller->position);
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
        all.push_back({.tenant = teller->tenant,
                       .source = teller->slug,
                       .kind = kind_of(teller->kind),
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
