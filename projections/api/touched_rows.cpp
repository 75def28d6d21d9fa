#include "projections/api/touched_rows.hpp"

#include "projections/billing/billing_reads.hpp"
#include "projections/billing/billing_rows.hpp"
#include "projections/calls/call_row.hpp"
#include "projections/calls/calls_reads.hpp"
#include "projections/conversations/chat_keys.hpp"
#include "projections/conversations/conversations_reads.hpp"
#include "projections/identity/customer_keys.hpp"
#include "projections/identity/identity_reads.hpp"
#include "projections/mails/mail_keys.hpp"
#include "projections/mails/mails_reads.hpp"
#include "projections/timeline/timeline_fold.hpp"
#include "projections/timeline/timeline_reads.hpp"

#include <fmt/ranges.h>

namespace projections::api {

namespace {

using schemas::Event;
using schemas::Field;
using schemas::json::Value;

constexpr std::chrono::hours related_within{30 * 24};

// A stored object, parsed.
class Object {
public:
    explicit Object(std::optional<std::string> text) : text_(std::move(text)) {
        if (!text_) return;
        if (const auto parsed = parser_.parse(*text_)) root_ = *parsed;
    }
    explicit operator bool() const { return static_cast<bool>(root_); }
    Value operator[](std::string_view name) const { return root_[name]; }

private:
    std::optional<std::string> text_;
    schemas::json::Parser parser_;
    Value root_;
};

class TouchedRows {
public:
    TouchedRows(const ApiContext& context, const Event& event)
        : context_(context), event_(event), keys_(customer_keys(event)) {}

    std::vector<GraphNode> all() {
        add_customer();
        add_line();
        const std::string_view channel = event_.type_name.substr(0, event_.type_name.find('.'));
        if (channel == "whatsapp") add_messages();
        if (channel == "ivr" || channel == "voice") add_call();
        if (channel == "email") add_mail();
        if (channel == "billing") add_account();
        return std::move(nodes_);
    }

private:
    std::unique_ptr<ReadView> view(std::string_view projection) const {
        auto view = context_.reads.view(event_.tenant, projection);
        return view ? *std::move(view) : nullptr;
    }

    void add_customer() {
        const auto identity = view("identity");
        if (!identity || keys_.empty()) return;
        const Customer customer = resolve_customer(*identity, keys_.front());
        known_keys_ = customer.keys;
        nodes_.push_back({.kind = "customer",
                          .id = customer.id,
                          .label = fmt::format(
                              "{}{}{}", customer.names.empty() ? "" : customer.names.front(),
                              customer.names.empty() ? "" : " ", fmt::join(customer.keys, " "))});
    }

    template <class Visit>
    void each_line(bus::Timestamp from, bus::Timestamp to, const Visit& visit) const {
        const auto timeline = view("timeline");
        if (!timeline || known_keys_.empty()) return;
        const auto page = list_timeline(
            *timeline, {.keys = known_keys_, .from = from, .to = to, .limit = page_limit_max});
        if (!page) return;
        schemas::json::Parser parser;
        const auto lines = parser.parse(
            page->data, {.bytes_max = page->data.size() + 1, .depth_max = 8, .keys_max = 100'000});
        if (lines) lines->each_element(visit);
    }

    void add_line() {
        const std::string id = to_string(event_.id);
        const bus::Timestamp at = line_time(event_);
        each_line(at, at + bus::microseconds{1}, [&](Value line) {
            if (line["event_id"].text() != id) return;
            nodes_.push_back({.kind = "line",
                              .id = std::string(line["id"].text()),
                              .label = std::string(line["title"].text())});
        });
    }

    // The other events in the timeline that refer to one of `ids`.
    std::vector<GraphNode> related(std::initializer_list<std::string_view> ids) const {
        std::vector<GraphNode> others;
        const std::string self = to_string(event_.id);
        const bus::Timestamp here = line_time(event_);
        each_line(here - related_within, here + related_within, [&](Value line) {
            const std::string_view ref = line["ref"]["id"].text();
            const bool same = !ref.empty() && std::find(ids.begin(), ids.end(), ref) != ids.end();
            if (!same || line["event_id"].text() == self) return;
            if (others.size() >= related_events_max) return;
            GraphNode node{.kind = "event",
                           .id = std::string(line["event_id"].text()),
                           .label = std::string(line["type"].text())};
            if (const auto at = bus::from_iso(line["at"].text())) node.at = *at;
            others.push_back(std::move(node));
        });
        return others;
    }

    void add_messages() {
        const auto chat = view("conversations");
        if (!chat) return;
        for (const Field field : {Field::message_id, Field::object_id}) {
            const std::string_view told = event_.text(field);
            if (told.empty()) continue;
            const std::string id = chat::message_id(chat::message_key(event_.source, told));
            const Object message(get_message(*chat, id));
            if (!message) continue;
            GraphNode node{.kind = "message",
                           .id = id,
                           .label = fmt::format("{} {}, {}", message["direction"].text(),
                                                message["kind"].text(), message["status"].text())};
            if (const auto conversation = message["conversation_id"].text(); !conversation.empty())
                add_conversation(*chat, std::string(conversation), node);
            append(related({told}), node);
            nodes_.push_back(std::move(node));
        }
    }

    void add_conversation(const ReadView& chat, const std::string& id, GraphNode& message) const {
        // The time decides on its window only, which is not shown.
        const Object shown(get_conversation(chat, id, event_.time));
        if (!shown) return;
        message.children.push_back(
            {.kind = "conversation",
             .id = id,
             .label = fmt::format("{} messages, {} unread", shown["message_count"].scalar_text(),
                                  shown["unread_count"].scalar_text())});
    }

    void add_call() {
        const auto calls = view("calls");
        if (!calls) return;
        const std::string_view told = event_.text(Field::call_id);
        const auto key = told.empty() ? calls::call_key_of_event(event_.id)
                                      : calls::call_key(event_.source, told);
        const Object call(get_call(*calls, calls::call_id(key)));
        if (!call) return;
        GraphNode node{
            .kind = "call", .id = calls::call_id(key), .label = std::string(call["status"].text())};
        if (!told.empty()) append(related({told}), node);
        nodes_.push_back(std::move(node));
    }

    void add_mail() {
        const auto mails = view("mails");
        if (!mails) return;
        const std::string_view told_box = event_.text(Field::mailbox);
        const std::string_view box = told_box.empty() ? event_.source_slug : told_box;
        const auto ids = mail::message_ids(event_.text(Field::message_id));
        const auto key = ids.empty() ? mail::mail_key_of_event(box, event_.id)
                                     : mail::mail_key(box, ids.front());
        const Object shown(get_mail(*mails, mail::mail_id(key)));
        if (!shown) return;
        GraphNode node{.kind = "mail",
                       .id = mail::mail_id(key),
                       .label = std::string(shown["subject"].text())};
        node.children.push_back({.kind = "thread",
                                 .id = std::string(shown["thread_id"].text()),
                                 .label = "of its mails"});
        if (!ids.empty()) append(related({ids.front()}), node);
        nodes_.push_back(std::move(node));
    }

    void add_account() {
        const auto billing = view("billing");
        const std::string_view ref = event_.text(Field::customer_ref);
        if (!billing || ref.empty()) return;
        const std::string id =
            billing::customer_id(billing::customer_key(event_.text(Field::billing_system), ref));
        const Object found(get_billing_customer(*billing, {id}));
        if (!found) return;
        const Value account = found["accounts"].at(0);
        GraphNode node{
            .kind = "account",
            .id = id,
            .label = fmt::format("{} {}, {}", account["billing_system"].text(),
                                 account["customer_ref"].text(), account["status"].text())};
        const std::string_view subscription = event_.text(Field::subscription_id);
        const std::string_view invoice = event_.text(Field::invoice_id);
        add_object("subscription", account["subscriptions"], subscription, node);
        add_object("invoice", account["invoices"], invoice, node);
        append(related({subscription, invoice, event_.text(Field::payment_id)}), node);
        nodes_.push_back(std::move(node));
    }

    static void add_object(std::string_view kind, Value objects, std::string_view id,
                           GraphNode& account) {
        if (id.empty()) return;
        objects.each_element([&](Value object) {
            if (object["id"].text() != id) return;
            account.children.push_back({.kind = std::string(kind),
                                        .id = std::string(id),
                                        .label = std::string(object["status"].text())});
        });
    }

    static void append(std::vector<GraphNode> more, GraphNode& node) {
        node.children.insert(node.children.end(), std::make_move_iterator(more.begin()),
                             std::make_move_iterator(more.end()));
    }

    const ApiContext& context_;
    const Event& event_;
    const std::vector<std::string> keys_;
    std::vector<std::string> known_keys_;  // of the customer
    std::vector<GraphNode> nodes_;
};

}  // namespace

std::vector<GraphNode> touched_rows(const ApiContext& context, const Event& event) {
    return TouchedRows(context, event).all();
}

}  // namespace projections::api
