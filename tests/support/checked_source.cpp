#include "tests/support/checked_source.hpp"

#include "tests/support/checked_model.hpp"

#include <ctime>

namespace tests::checker {
namespace {

constexpr std::int64_t first_at_s = 1'772'359'200;  // 2026-03-01T10:00:00Z
// Times of a source jump to and fro, and none is told twice: 37 and the span have no common factor.
constexpr std::int64_t step_s = 37, span_s = 1'000'000;
constexpr std::int64_t unreadable_every = 16, mails_of_a_thread = 6, subjects = 3;
constexpr int rare_factor = 6;

// "2026-03-01T10:00:00", as some providers write UTC.
std::string naive(std::int64_t at_s) {
    std::string text = iso(at_s);
    text.pop_back();
    return text;
}

// Short ones, and every sixteenth of up to four kilobytes: pages, arenas and blocks end anywhere.
std::string text_of(const std::string& id, std::int64_t number) {
    std::string text = "text of " + id;
    if (number % 16 == 2)
        for (std::int64_t words = number * 37 % 400; words > 0; --words) text += " more text";
    return text;
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
std::string record_of(const std::string& provider) {
    if (provider == "ivr") return std::string(ivr_source);
    return provider == "email" ? std::string(mail_source) : "";
}

std::string secret_of(const std::string& provider, const std::string& slug) {
    return (provider == "chargebee" ? "shop:secret-" : "secret-") + slug;
}

// A message without its id.
Webhook unreadable_message(const std::string& from, const std::string& text,
                           const std::string& secret) {
    return meta_webhook(
        fmt::format(R"("messages":[{{"from":"{}","timestamp":"1","type":"text","body":"{}"}}])",
                    from, text),
        secret);
}

}  // namespace

CheckedSource::CheckedSource(ProductClient& client, const tests::Tenant& of, std::size_t tenant,
                             std::string provider, std::int64_t customers)
    : tenant_(tenant),
      provider_(std::move(provider)),
      slug_(fmt::format("{}-{}", provider_.substr(0, 3), tenant)),
      customers_(customers),
      source_(client.create_source(of, provider_, slug_, secret_of(provider_, slug_),
                                   record_of(provider_))) {}

Kind CheckedSource::kind() const {
    if (provider_ == "ivr") return Kind::call;
    if (provider_ == "email") return Kind::mail;
    return provider_ == "chargebee" ? Kind::bill : Kind::message;
}

Kind CheckedSource::kind_of(std::int64_t number) const {
    const bool is_readable = provider_ != "meta_cloud" || number % unreadable_every != 7;
    return is_readable ? kind() : Kind::unreadable;
}

std::chrono::microseconds CheckedSource::pause(std::chrono::microseconds usual) const {
    return kind() == Kind::mail || kind() == Kind::bill ? usual * rare_factor : usual;
}

std::string CheckedSource::id_of(std::int64_t number) const {
    return fmt::format("t{}.{}.{}", tenant_, slug_, number);
}

// Of a mail: the first one of its thread.
std::string CheckedSource::first_of_thread(std::int64_t number) const {
    return id_of(number - number % mails_of_a_thread);
}

// No two tenants share one.
std::string CheckedSource::customer(std::int64_t number) const {
    if (kind() == Kind::mail)
        return fmt::format("c{}.{}@shop.example", tenant_, number / mails_of_a_thread % customers_);
    return fmt::format("+919{:02}{:07}", tenant_, number % customers_);
}

std::string CheckedSource::words(std::int64_t number) const {
    switch (kind()) {
        case Kind::call:
            return number % 2 ? "ANSWER" : "NOANSWER";
        case Kind::mail:
            return fmt::format("about {}", number / mails_of_a_thread % subjects);
        case Kind::bill:
            return number % 2 ? "active" : "paused";
        default:
            return text_of(id_of(number), number);
    }
}

Told CheckedSource::told_of(std::int64_t number) const {
    return {.tenant = tenant_,
            .source = slug_,
            .number = number,
            .kind = kind_of(number),
            .id = id_of(number),
            .customer = customer(number),
            .text = words(number),
            .at_s = first_at_s + number * step_s % span_s,
            .thread = kind() == Kind::mail ? first_of_thread(number) : ""};
}

Webhook CheckedSource::webhook_of(const Told& one) const {
    const std::string from = one.customer.substr(1);
    if (one.kind == Kind::unreadable) return unreadable_message(from, one.text, source_.secret);
    if (provider_ == "meta_cloud")
        return meta_message(one.id, from, one.text, one.at_s, source_.secret);
    if (provider_ == "interakt")
        return interakt_message(one.id, from, one.text, naive(one.at_s), source_.secret);
    if (provider_ == "email")
        return mail_in_thread(one.id, first_of_thread(one.number), one.customer, one.text,
                              mail_date(one.at_s), source_.secret);
    if (provider_ == "chargebee")
        return chargebee_subscription(one.id, one.customer, one.text, one.at_s, source_.secret);
    return ivr_call(one.id, one.customer, one.text, iso(one.at_s), iso(one.at_s + call_seconds),
                    source_.secret);
}

}  // namespace tests::checker
