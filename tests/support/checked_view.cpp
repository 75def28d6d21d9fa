#include "tests/support/checked_view.hpp"

#include "bus/text.hpp"
#include "tests/support/sample_webhooks.hpp"

#include <doctest/doctest.h>

#include <set>
#include <thread>

namespace tests::checker {
namespace {

using namespace std::chrono_literals;
using schemas::json::Value;

constexpr auto settle_patience = 60s;
constexpr auto proof_patience = 300s;

// Every object of a list, page by page; `more` is the parameter that takes the cursor.
template <class Take>
void each(ProductClient& client, const Tenant& tenant, const std::string& list,
          const std::string& position, const std::string& more, const Take& take) {
    std::string cursor;
    do {
        const Document page = client.list(tenant, list + "?limit=200" + cursor, position);
        for (const Value& row : page.data()) take(row);
        const std::string next(page["page"]["next_cursor"].text());
        cursor = next.empty() ? "" : fmt::format("&{}={}", more, next);
    } while (!cursor.empty());
}

SeenConversation conversation_of(const Value& row) {
    return {.id = row["id"].scalar_text(),
            .source = row["source"].scalar_text(),
            .customer = row["customer_phone"].scalar_text(),
            .last_at = row["last_message_at"].scalar_text(),
            .last_text = row["last_message_preview"].scalar_text(),
            .messages = row["message_count"].integer().value_or(-1),
            .unread = row["unread_count"].integer().value_or(-1)};
}

SeenMessage message_of(const Value& row, const std::string& listed_in) {
    return {.id = row["provider_message_id"].scalar_text(),
            .source = row["source"].scalar_text(),
            .text = row["text"].scalar_text(),
            .at = row["at"].scalar_text(),
            .conversation = row["conversation_id"].scalar_text(),
            .listed_in = listed_in};
}

SeenCall call_of(const Value& row) {
    return {.id = row["provider_call_id"].scalar_text(),
            .source = row["provider"].scalar_text(),
            .customer = row["customer_phone"].scalar_text(),
            .status = row["status"].scalar_text(),
            .at = row["at"].scalar_text()};
}

SeenMail mail_of(const Value& row) {
    std::string id = row["message_id"].scalar_text();
    return {.id = id.substr(0, id.find('@')),
            .source = row["source"].scalar_text(),
            .customer = row["from"].scalar_text(),
            .subject = row["subject"].scalar_text(),
            .at = row["at"].scalar_text(),
            .thread = row["thread_id"].scalar_text()};
}

SeenThread thread_of(const Value& row) {
    return {.id = row["id"].scalar_text(),
            .customer = row["participants"].at(0).scalar_text(),
            .subject = row["subject"].scalar_text(),
            .last_at = row["last_message_at"].scalar_text(),
            .mails = row["message_count"].integer().value_or(-1),
            .unread = row["unread_count"].integer().value_or(-1)};
}

SeenAccount account_of(const Value& row) {
    const Value subscription = row["subscriptions"].at(0);
    return {.customer = row["customer_ref"].scalar_text(),
            .status = subscription["status"].scalar_text(),
            .at = subscription["updated_at"].scalar_text()};
}

SeenLetter letter_of(const Value& row) {
    return {.event_id = row["raw_id"].scalar_text(),
            .source = row["source"].scalar_text(),
            .reason = row["reason"].scalar_text() + row["path"].scalar_text()};
}

// A few: whoever was heard of last and longest ago, and who wrote the newest mail.
std::set<std::string> some_customers(const SeenTenant& seen) {
    std::set<std::string> customers;
    if (!seen.conversations.empty())
        customers = {seen.conversations.front().customer, seen.conversations.back().customer};
    if (!seen.mails.empty()) customers.insert(seen.mails.front().customer);
    return customers;
}

// The row itself stays; what the log does not have is told with the reason, and never in part.
void require_shown_without_body(ProductClient& client, const Tenant& tenant,
                                const SeenRequest& request, const std::string& refusal) {
    const Document refused(refusal);
    REQUIRE_MESSAGE(refused.text("code") == "gone", refusal);
    const Answer row = client.read(tenant, "/v1/ingest/requests/" + request.event_id);
    REQUIRE_MESSAGE(row.status == 200, row.body);
    REQUIRE_MESSAGE(row.body.find(request.address) != row.body.npos, row.body);
    const Answer graph = client.read(tenant, "/v1/events/" + request.event_id + "/graph");
    REQUIRE_MESSAGE(graph.status == 200, graph.body);
    const std::string reason = refused.text("detail");
    REQUIRE_MESSAGE((!reason.empty() && graph.body.find(reason) != graph.body.npos), graph.body);
}

// "" when the product proves its log.
std::string what_is_unproven(ProductClient& client, Proof proof) {
    if (proof == Proof::none) return {};
    const Headers admin{{"authorization", "Bearer " + client.addresses().admin_key}};
    const std::string wish = proof == Proof::log ? R"({"log_only":true})" : "{}";
    const Answer started = client.api("POST", "/v1/verify", admin, wish);
    if (started.status != 202) return started.body;
    const std::string job = "/v1/jobs/" + Document(started).text("id");
    const auto deadline = std::chrono::steady_clock::now() + proof_patience;
    while (std::chrono::steady_clock::now() < deadline) {
        const Answer answer = client.api("GET", job, admin);
        const Document seen(answer);
        if (seen.text("state") == "done")
            return seen["report"]["proven"].boolean() == true ? "" : answer.body;
        if (seen.text("state") != "running") return answer.body;
        std::this_thread::sleep_for(10ms);
    }
    return "the proof did not end";
}

}  // namespace

std::vector<SeenRequest> CheckedView::requests(ProductClient& client, const Tenant& tenant,
                                               const std::string& position) {
    std::vector<SeenRequest> all;
    each(client, tenant, "/v1/ingest/requests", position, "cursor", [&](const Value& row) {
        SeenRequest request{
            .event_id = row["id"].scalar_text(),
            .source = row["source"].scalar_text(),
            .address = row["address"].scalar_text(),
            .body = {},
            .received_at = bus::from_iso(row["received_at"].text()).value_or(bus::Timestamp{}),
            .is_gone = false};
        std::string& body = bodies_[request.event_id];
        if (body.empty()) {
            const Answer raw =
                client.read(tenant, "/v1/ingest/requests/" + request.event_id + "/raw");
            REQUIRE_MESSAGE(raw.status != 503, raw.body);  // it will be there when it can be read
            body = raw.status == 200 ? raw.body : "";
            request.is_gone = raw.status == 410;
            if (request.is_gone) require_shown_without_body(client, tenant, request, raw.body);
        }
        request.body = body;
        all.push_back(std::move(request));
    });
    return all;
}

SeenTenant CheckedView::look_at(ProductClient& client, const Tenant& tenant,
                                const std::string& position) {
    SeenTenant seen;
    seen.requests = requests(client, tenant, position);
    each(client, tenant, "/v1/conversations", position, "cursor",
         [&](const Value& row) { seen.conversations.push_back(conversation_of(row)); });
    for (const SeenConversation& conversation : seen.conversations)
        each(client, tenant, fmt::format("/v1/conversations/{}/messages", conversation.id),
             position, "before",
             [&](const Value& row) { seen.messages.push_back(message_of(row, conversation.id)); });
    const auto take_all = [&](const std::string& list, const auto& take) {
        each(client, tenant, list, position, "cursor", take);
    };
    take_all("/v1/ivr-calls", [&](const Value& row) { seen.calls.push_back(call_of(row)); });
    take_all("/v1/emails", [&](const Value& row) { seen.mails.push_back(mail_of(row)); });
    take_all("/v1/email-threads",
             [&](const Value& row) { seen.threads.push_back(thread_of(row)); });
    take_all("/v1/billing/customers",
             [&](const Value& row) { seen.accounts.push_back(account_of(row)); });
    take_all("/v1/quarantine", [&](const Value& row) { seen.letters.push_back(letter_of(row)); });
    for (const std::string& customer : some_customers(seen))
        take_all("/v1/customer-timeline/" + bus::percent_encode(customer),
                 [&lines = seen.timelines[customer]](const Value& row) {
                     lines.push_back({row["source"].scalar_text(), row["at"].scalar_text()});
                 });
    return seen;
}

Seen CheckedView::look(ProductClient& client, const CheckedLoad& load, Proof proof) {
    Seen seen;
    for (std::size_t tenant = 0; tenant < load.tenants().size(); ++tenant)
        seen.tenants.push_back(look_at(client, load.tenants()[tenant], load.position(tenant)));
    seen.moments = load.moments();
    seen.unproven = what_is_unproven(client, proof);
    return seen;
}

Verdict check(ProductClient& client, CheckedLoad& load, CheckedView& view, Proof proof,
              const Rules& rules) {
    Verdict verdict;
    if (!load.settle(client, settle_patience))
        verdict.add(&Verdict::lost, "what was sent is not taken after a restart");
    for (const std::string& wrong : load.wrong_answers())
        verdict.add(&Verdict::lost, "a wrong answer: " + wrong);
    verdict.add(judge(load.told(), view.look(client, load, proof), rules));
    return verdict;
}

}  // namespace tests::checker
