// S-19: what billing systems say of a customer.
#include "projections/api/customer_text.hpp"
#include "projections/api/list_answer.hpp"
#include "projections/billing/billing_reads.hpp"
#include "projections/identity/identity_reads.hpp"

namespace projections::api {
namespace {

using bus::http::Call;
using bus::http::problem;
using bus::http::Response;

constexpr std::string_view projection = "billing";
const std::vector<std::string> list_names = {"status", "search", "page", "limit", "cursor"};

Response list(const ApiContext& context, const Call& call) {
    const QueryParameters parameters(call);
    const auto page = page_request(parameters);
    if (!page) return problem(page.error());
    const auto view = context.reads.view(*call.caller.tenant, projection);
    if (!view) return problem(view.error());
    const auto listed = list_billing_customers(**view, {.status = parameters.get("status"),
                                                        .search = parameters.get("search"),
                                                        .page = page->page,
                                                        .limit = page->limit,
                                                        .cursor = page->cursor});
    return listed ? list_answer(call, *listed, *page) : problem(listed.error());
}

// An account's id or reference as written, else all that identity knows of the person.
Response get(const ApiContext& context, const Call& call) {
    const bus::TenantId caller = *call.caller.tenant;
    const std::string text{call.parameter("key")};
    const auto view = context.reads.view(caller, projection);
    if (!view) return problem(view.error());
    auto found = get_billing_customer(**view, {text, "ref:" + text});
    if (!found) {
        const auto identity = context.reads.view(caller, "identity");
        if (!identity) return problem(identity.error());
        const auto tenant = context.registry.tenant(caller);
        const auto key = customer_key_of_text(text, tenant ? tenant->country : "");
        found = get_billing_customer(**view, resolve_customer(**identity, key).keys);
    }
    return object_answer(call, found, "billing customer");
}

}  // namespace

std::vector<bus::http::Route> billing_routes(const ApiContext& context) {
    const auto route = [&](std::string path, std::string operation, std::string summary,
                           const std::vector<std::string>& names, auto handler) {
        return bus::http::Route{
            .method = "GET",
            .pattern = "/v1/billing/customers" + path,
            .operation = std::move(operation),
            .summary = std::move(summary),
            .tag = "billing",
            .parameters = document(names),
            .handle = [&context, handler](const Call& call) { return handler(context, call); }};
    };
    return {route("", "listBillingCustomers",
                  "Customers and subscriptions, last heard of first (S-19)", list_names, list),
            route("/:key", "getBillingCustomer",
                  "A person's accounts: subscriptions, invoices, failed payments, cards (S-19)", {},
                  get)};
}

}  // namespace projections::api
