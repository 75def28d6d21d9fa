#include "bus/memory/memory_log.hpp"
#include "projections/api/api_context.hpp"
#include "projections/api/dispatcher.hpp"
#include "projections/billing/billing_fold.hpp"
#include "projections/identity/identity_fold.hpp"
#include "projections/mails/mails_fold.hpp"
#include "tests/support/folding.hpp"
#include "tests/support/registry_double.hpp"
#include "tests/support/route_call.hpp"

#include <doctest/doctest.h>

using namespace projections;
using bus::http::Response;
using schemas::Field;
using tests::TestEvent;

namespace {

const MailsFold mails;
const BillingFold billing_fold;
const IdentityFold identity;
const std::vector<const Projection*> all = {&mails, &billing_fold, &identity};

class Product final : public ReadPort {
public:
    Product() {
        TestEvent mail;
        mail.type = "email.message.received";
        mail.id = tests::event_id(1);
        mail.time = mail.ingest_time = bus::Timestamp{bus::seconds{1'700'000'000}};
        mail.texts = {{Field::mailbox, "help@example.test"},
                      {Field::message_id, "a@x"},
                      {Field::subject, "Refund"},
                      {Field::from, "ada@example.test"}};
        TestEvent customer;
        customer.type = "billing.customer.created";
        customer.id = tests::event_id(2);
        customer.time = customer.ingest_time = mail.time;
        customer.texts = {{Field::billing_system, "stripe"},
                          {Field::customer_ref, "cus_1"},
                          {Field::customer_email, "ada@example.test"}};
        customer.keys = {{schemas::KeyKind::external, "stripe:cus_1"},
                         {schemas::KeyKind::email, "ada@example.test"}};
        rows_.fold({mail, customer});
    }

    Response get(const std::string& pattern, const std::string& query = "",
                 const std::string& parameter = "") {
        bus::http::Request request;
        request.query = query;
        const bus::http::Call call{
            .request = request,
            .caller = {.tenant = bus::TenantId{5}, .admin = false, .key_id = {}},
            .path_parameters = {{"id", parameter}, {"key", parameter}},
            .request_id = "r"};
        return tests::call_route(context_, pattern, call);
    }

    // As over HTTP.
    Response ask(const std::string& path) {
        const api::Dispatcher dispatcher(
            {},
            {.reads = this,
             .authenticate =
                 [](const auto&) {
                     return bus::http::Caller{
                         .tenant = bus::TenantId{5}, .admin = false, .key_id = {}};
                 }},
            api::all_read_routes(context_));
        bus::http::Request request;
        request.method = "GET";
        request.path = path;
        return dispatcher.answer(request);
    }

    bus::Result<std::unique_ptr<ReadView>> view(bus::TenantId,
                                                std::string_view projection) override {
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (all[i]->name() == projection)
                return std::unique_ptr<ReadView>(std::make_unique<MemoryReadView>(rows_.view(i)));
        }
        return bus::fail(bus::ErrorCode::not_found, "no projection {}", projection);
    }
    // Whoever asks sees a record more.
    bus::Position position(bus::TenantId) override {
        ++position_[bus::Topic::email];
        return position_;
    }
    bus::Result<bool> wait_for(bus::TenantId, const bus::Position&, bus::milliseconds) override {
        return true;
    }

private:
    bus::Position position_;
    tests::FoldedRows rows_{all};
    bus::memory::MemoryLog log_;
    support::RegistryDouble registry_;
    const std::shared_ptr<const MeasureSet> measures_ = *MeasureSet::compile({});
    api::ApiContext context_{*this, registry_, *measures_, log_};
};

bool holds(const Response& response, std::string_view text) {
    return response.body.find(text) != std::string::npos;
}

// The value of the first member of that name.
std::string text_of(const Response& response, const std::string& member) {
    const std::string begin = '"' + member + "\":\"";
    const std::size_t at = response.body.find(begin);
    if (at == std::string::npos) return "";
    const std::size_t from = at + begin.size();
    return response.body.substr(from, response.body.find('"', from) - from);
}

}  // namespace

TEST_CASE("mail routes: list, one, threads, one thread and the unread count") {
    Product product;
    const Response listed = product.get("/v1/emails", "is_read=false&search=refund&limit=5");
    CHECK(listed.status == 200);
    CHECK(holds(listed, R"("subject":"Refund")"));
    const Response one = product.get("/v1/emails/:id", "", text_of(listed, "id"));
    CHECK(one.status == 200);
    CHECK(holds(one, R"("next_id":null)"));
    CHECK(holds(product.get("/v1/emails", "group=thread"), R"("unread_count":1)"));
    CHECK(holds(product.get("/v1/email-threads", "mailbox_id=help%40example.test"),
                R"("unread_count":1)"));
    const Response thread = product.get("/v1/email-threads/:id", "", text_of(listed, "thread_id"));
    CHECK(holds(thread, R"("messages":[{)"));
    const Response unread = product.get("/v1/admin/dashboard/unread-count");
    CHECK(holds(unread, R"("unread":1,"oldest_at":"2023-11-14T22:13:20Z")"));
}

TEST_CASE("mail routes: an answer claims the same position in its head and in its body") {
    Product product;
    const auto claimed = [](const Response& response) {
        const auto position =
            std::find_if(response.headers.begin(), response.headers.end(),
                         [](const auto& header) { return header.first == "X-Position"; });
        return position == response.headers.end() ? "" : position->second;
    };
    const Response listed = product.ask("/v1/emails");
    REQUIRE(listed.status == 200);
    CHECK(text_of(listed, "position") == claimed(listed));
    const Response one = product.ask("/v1/emails/" + text_of(listed, "id"));
    REQUIRE(one.status == 200);
    CHECK(text_of(one, "position") == claimed(one));
}

TEST_CASE("mail routes: what is not there is 404, what is not asked well 400") {
    Product product;
    CHECK(product.get("/v1/emails/:id", "", "eml_nothing").status == 404);
    CHECK(product.get("/v1/email-threads/:id", "", "eth_nothing").status == 404);
    CHECK(product.get("/v1/emails", "direction=sideways").status == 400);
    CHECK(product.get("/v1/emails", "cursor=x").status == 400);
    CHECK(product.get("/v1/emails", "assignee=me").status == 400);
    CHECK(product.get("/v1/emails", "group=thread&direction=in").status == 400);
}

TEST_CASE("mail routes: a search has at most 16 different words") {
    Product product;
    std::string words = "refund";
    for (int i = 0; i < 4000; ++i) words += "+refund";
    CHECK(holds(product.get("/v1/emails", "search=" + words), R"("subject":"Refund")"));
    for (int i = 0; i < 16; ++i) words += "+w" + std::to_string(i);
    for (const std::string list : {"/v1/emails", "/v1/email-threads", "/v1/billing/customers"}) {
        CAPTURE(list);
        const Response refused = product.get(list, "search=" + words);
        CHECK(refused.status == 400);
        CHECK(holds(refused, "'search' has 17 different words, at most 16"));
    }
}

TEST_CASE("billing routes: a customer by id, reference, external key and email") {
    Product product;
    const Response listed = product.get("/v1/billing/customers", "search=ada");
    CHECK(holds(listed, R"("customer_ref":"cus_1")"));
    for (const std::string& key :
         {text_of(listed, "id"), std::string{"cus_1"}, std::string{"external:stripe:cus_1"},
          std::string{"Ada@example.test"}}) {
        CAPTURE(key);
        const Response one = product.get("/v1/billing/customers/:key", "", key);
        CHECK(one.status == 200);
        CHECK(holds(one, R"("accounts":[{)"));
    }
    CHECK(product.get("/v1/billing/customers/:key", "", "+919800000000").status == 404);
}
