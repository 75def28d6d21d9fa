#include "tools/demo/sample_traffic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>

namespace tools::demo {
namespace {

using bus::seconds;
using bus::Timestamp;
using std::chrono::hours;
using std::chrono::minutes;

constexpr std::uint64_t seed = 20'260'101;
constexpr hours week{7 * 24};
constexpr minutes longest_story{120};  // from the first to the last event of one story
constexpr int chats_each = 3;
constexpr int calls_each = 3;

constexpr std::array<std::string_view, customer_count> names{
    "Heron",      "Kestrel", "Ibis",     "Lapwing", "Plover",  "Bulbul",
    "Kingfisher", "Barbet",  "Hornbill", "Drongo",  "Sunbird", "Wagtail"};
constexpr std::array<std::string_view, 6> questions{
    "Where is my order?",           "Can I change the delivery address?",
    "Do you deliver on Sundays?",   "The invoice shows the wrong amount",
    "How do I add two more seats?", "Please call me back"};
constexpr std::array<std::string_view, 6> answers{"It left our warehouse this morning",
                                                  "Yes, tell us the new address here",
                                                  "Yes, from nine to one",
                                                  "We corrected it, thank you",
                                                  "We added them to your plan",
                                                  "We will call you within the hour"};
constexpr std::array<std::string_view, 4> pages{"pricing", "help", "orders", "seats"};
constexpr std::array<std::string_view, 4> items{"tea sampler", "clay pot", "reading lamp",
                                                "desk mat"};
constexpr std::array<std::string_view, 3> departments{"sales", "support", "billing"};

// One week of one company, written story by story. The generator's own sequence is fixed by the
// standard, so the samples do not depend on the library.
class TrafficWriter {
public:
    explicit TrafficWriter(Timestamp now) : now_(std::chrono::floor<seconds>(now)), random_(seed) {}

    std::vector<SampleEvent> write() {
        for (index_ = 0; index_ < customer_count; ++index_) write_customer();
        std::stable_sort(events_.begin(), events_.end(),
                         [](const SampleEvent& a, const SampleEvent& b) { return a.at < b.at; });
        return std::move(events_);
    }

private:
    void write_customer() {
        const SampleCustomer customer = sample_customer(index_);
        values_ = {{"customer.id", customer.id},
                   {"customer.name", customer.name},
                   {"customer.national", customer.national},
                   {"customer.digits", customer.digits},
                   {"customer.email", customer.email}};
        for (int i = 0; i < chats_each; ++i) write_chat(i == chats_each - 1);
        for (int i = 0; i < calls_each; ++i) write_call();
        if (index_ % 2 == 0)
            write_stripe();
        else
            write_chargebee();
        write_mails(false);
        write_mails(index_ % 3 == 0);
        write_web();
    }

    // A question; unless it is still open, an answer with its receipts and the customer's thanks.
    void write_chat(bool recent) {
        const Timestamp start = recent ? now_ - longest_story - minutes{pick(20 * 60)} : moment();
        const std::size_t topic = pick(questions.size());
        write_message("received", start, questions[topic]);
        if (recent && index_ % 3 == 0) return;
        const Timestamp sent = start + minutes{2 + pick(20)};
        write_answer(sent, answers[topic]);
        if (pick(2) == 0) write_message("received", sent + minutes{5 + pick(60)}, "Thank you");
    }

    std::string_view chat_system() const {
        constexpr std::array<std::string_view, 3> systems{"interakt", "netcore", "meta"};
        return systems[index_ % systems.size()];
    }

    void write_message(std::string_view form, Timestamp at, std::string_view text) {
        values_["message"] = next_id("m");
        values_["text"] = text;
        add_chat(form, at);
    }

    void write_answer(Timestamp sent, std::string_view text) {
        values_["message"] = next_id("m");
        values_["text"] = text;
        add_time(values_, "sent", sent);
        if (chat_system() == "meta") add_chat("echo", sent);
        const std::size_t reached = 2 + pick(2);  // not everybody reads
        const std::array<std::pair<std::string_view, seconds>, 3> receipts{
            {{"sent", seconds{1}}, {"delivered", seconds{4}}, {"read", seconds{90}}}};
        for (std::size_t i = 0; i < reached; ++i) {
            values_["status"] = receipts[i].first;
            add_chat("status", sent + receipts[i].second);
        }
    }

    void add_chat(std::string_view form, Timestamp at) {
        const std::string_view system = chat_system();
        add(fmt::format("demo-{}", system), fmt::format("{}_{}.json", system, form), at);
    }

    void write_call() {
        values_["call"] = next_id("c");
        values_["department"] = departments[pick(departments.size())];
        values_["agent_line"] = fmt::format("{:02}", pick(4));
        values_["agent"] = fmt::format("desk-{}", 1 + pick(4));
        const Timestamp start = moment();
        const seconds ring{4 + pick(30)};
        const seconds talk{pick(4) == 0 ? 0 : 30 + pick(400)};
        add_time(values_, "start", start);
        values_["ring"] = std::to_string(ring.count());
        values_["talk"] = std::to_string(talk.count());
        values_["duration"] = std::to_string((ring + talk).count());
        if (index_ % 3 == 0) return write_ivr_call(start, ring, talk);
        if (index_ % 3 == 1) return write_exotel_call(start, ring, talk);
        values_["state"] = talk.count() > 0 ? "ANSWER" : "NOANSWER";
        add("demo-kaleyra", "kaleyra_call.query", start + ring + talk);
    }

    void write_ivr_call(Timestamp start, seconds ring, seconds talk) {
        const Timestamp end = start + ring + talk;
        const auto report = [&](std::string_view state, Timestamp at, bool picked, bool ended) {
            values_["state"] = state;
            values_["picked"] = picked ? india_time(start + ring) : "NA";
            values_["ended"] = ended ? india_time(end) : "NA";
            if (!ended) values_["talk"] = "0";
            add("demo-ivr", "ivr_report.json", at);
        };
        const std::string whole_talk = values_["talk"];
        report("Queueing", start, false, false);
        if (talk.count() > 0) report("Talking", start + ring, true, false);
        values_["talk"] = whole_talk;
        report(talk.count() > 0 ? "Done" : "Lost", end, talk.count() > 0, true);
    }

    void write_exotel_call(Timestamp start, seconds ring, seconds talk) {
        const Timestamp end = start + ring + talk;
        values_["type"] = "call-attempt";
        values_["state"] = "";
        values_["ended"] = "null";
        const std::string whole_talk = values_["talk"];
        values_["talk"] = "null";
        add("demo-exotel", "exotel_call.form", start);
        values_["ended"] = india_time(end);
        values_["talk"] = whole_talk;
        values_["type"] = talk.count() > 0 ? "completed" : "incomplete";
        values_["state"] = talk.count() > 0 ? "completed" : "no-answer";
        add("demo-exotel", "exotel_call.form", end);
    }

    void start_billing(Timestamp start) {
        const std::size_t seats = 1 + pick(9);
        add_time(values_, "start", start);
        add_time(values_, "end", start + hours{30 * 24});
        values_["invoice"] = next_id("i");
        values_["seats"] = std::to_string(seats);
        values_["amount"] = std::to_string(seats * (index_ % 2 == 0 ? 4'900 : 249'900));
    }
    void add_billing(std::string_view system, std::string_view form, std::string_view verb,
                     std::string_view status, Timestamp at) {
        values_["event"] = next_id("e");
        values_["verb"] = verb;
        values_["status"] = status;
        add(fmt::format("demo-{}", system), fmt::format("{}_{}.json", system, form), at);
    }

    void write_stripe() {
        const Timestamp start = moment();
        const bool fails = index_ % 4 == 2;
        start_billing(start);
        values_["failure"] = fails ? R"("card_declined")" : "null";
        add_billing("stripe", "customer", "created", "", start);
        add_billing("stripe", "subscription", "created", "active", start + seconds{2});
        add_billing("stripe", "invoice", "finalized", "open", start + seconds{3});
        add_billing("stripe", "charge", fails ? "failed" : "succeeded", "", start + seconds{5});
        add_billing("stripe", "invoice", fails ? "payment_failed" : "paid", fails ? "open" : "paid",
                    start + seconds{6});
        if (fails) add_billing("stripe", "subscription", "updated", "past_due", start + seconds{8});
    }

    void write_chargebee() {
        const Timestamp start = moment();
        const bool fails = index_ % 4 == 3;
        start_billing(start);
        values_["failure"] = fails ? R"("insufficient_funds")" : "null";
        values_["invoice_status"] = fails ? "payment_due" : "paid";
        add_billing("chargebee", "subscription", "created", "active", start);
        add_billing("chargebee", "subscription", "activated", "active", start + seconds{1});
        add_billing("chargebee", "invoice", "generated", "", start + seconds{2});
        add_billing("chargebee", "payment", fails ? "failed" : "succeeded",
                    fails ? "failure" : "success", start + seconds{4});
    }

    // A question by mail, mostly answered; unread threads stay without an answer.
    void write_mails(bool unread) {
        const std::string customer =
            fmt::format("{} <{}>", values_["customer.name"], values_["customer.email"]);
        constexpr std::string_view desk = "Help desk <help@demo.example>";
        const std::size_t topic = pick(questions.size());
        const Timestamp start = moment();
        std::string references;
        const auto mail = [&](std::string_view from, std::string_view to, std::string_view domain,
                              std::string_view text, Timestamp at) {
            const std::string id = next_id("mail");
            values_["mail"] = id;
            values_["from_domain"] = domain;
            values_["from"] = from;
            values_["to"] = to;
            values_["text"] = text;
            values_["thread_headers"] =
                references.empty()
                    ? ""
                    : fmt::format("In-Reply-To: {}\nReferences: {}\n", references, references);
            values_["subject"] =
                fmt::format("{}{}", references.empty() ? "" : "Re: ", questions[topic]);
            if (references.empty()) references = fmt::format("<{}@{}>", id, domain);
            add("demo-mail", "mail.eml", at, "message/rfc822");
        };
        mail(customer, desk, "customer.example", questions[topic], start);
        if (unread) return;
        mail(desk, customer, "demo.example", answers[topic], start + minutes{10 + pick(50)});
        if (pick(2) == 0)
            mail(customer, desk, "customer.example", "Thank you", start + minutes{100});
    }

    void write_web() {
        values_["text"] = questions[pick(questions.size())];
        add("demo-forms", "form_filled.json", moment());
        for (int i = 0; i < 2; ++i) {
            values_["text"] = pages[pick(pages.size())];
            values_["event"] = next_id("v");
            add("", "page_viewed.json", moment(), "application/cloudevents+json");
        }
        const Timestamp placed = moment();
        values_["order"] = next_id("o");
        values_["text"] = items[pick(items.size())];
        values_["total"] = fmt::format("{}.50", 199 + pick(2000));
        values_["state"] = "placed";
        add("demo-orders", "order.json", placed);
        values_["state"] = "shipped";
        add("demo-orders", "order.json", placed + minutes{90});
    }

    void add(std::string slug, std::string_view form, Timestamp at,
             std::string content_type = "application/json") {
        add_time(values_, "at", at);
        if (form.ends_with(".form")) content_type = "application/x-www-form-urlencoded";
        events_.push_back({.at = at,
                           .slug = std::move(slug),
                           .id = next_id("w"),
                           .body = fill_sample(form, values_),
                           .is_query = form.ends_with(".query"),
                           .content_type = std::move(content_type)});
    }

    Timestamp moment() {
        return now_ - longest_story -
               minutes{
                   pick(static_cast<std::size_t>(minutes{week}.count() - longest_story.count()))};
    }
    std::size_t pick(std::size_t count) { return random_() % count; }
    std::string next_id(std::string_view prefix) {
        return fmt::format("{}{:02}{:04}", prefix, index_, ++ids_);
    }

    const Timestamp now_;
    std::mt19937_64 random_;
    std::size_t index_ = 0;  // of the customer
    int ids_ = 0;
    Values values_;
    std::vector<SampleEvent> events_;
};

}  // namespace

SampleCustomer sample_customer(std::size_t index) {
    const std::string national = fmt::format("99999{:05}", 10'001 + index);
    std::string lower(names[index]);
    lower[0] = static_cast<char>(lower[0] - 'A' + 'a');
    return {.id = fmt::format("demo{:02}", index + 1),
            .name = std::string(names[index]),
            .national = national,
            .digits = "91" + national,
            .email = lower + "@customer.example"};
}

std::vector<SampleEvent> sample_traffic(Timestamp now) {
    return TrafficWriter(now).write();
}

}  // namespace tools::demo
