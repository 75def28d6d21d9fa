#include "tools/demo/demo_ending.hpp"

#include "tools/demo/sample_traffic.hpp"

namespace tools::demo {
namespace {

std::string own_webhook(const DemoSource& shop, const SampleCustomer& customer) {
    return fmt::format(
        "# a webhook of your own; then ask for the timeline again\n"
        "curl -s -H '{}: {}' -H 'content-type: application/json' -d "
        R"('{{"order":"mine-'$(date +%s)'","state":"placed","at":"'$(date -u +%FT%TZ)'",)"
        R"("item":"a lamp","total":"450","currency":"INR",)"
        R"("buyer":{{"phone":"{}"}}}}' '{}')"
        "\n\n",
        shop.verification.header, shop.secret, customer.national, shop.url);
}

}  // namespace

std::string ending_text(const Platform& platform, const DemoTenant& tenant) {
    const std::string api = local_url(platform.api());
    const SampleCustomer customer = sample_customer(0);
    const auto read = [&](std::string_view title, std::string_view path) {
        return fmt::format("# {}\ncurl -s -H 'x-api-key: {}' -H 'x-client-code: {}' '{}{}'\n\n",
                           title, tenant.api_key, tenant_code, api, path);
    };
    std::string text =
        fmt::format("\nwebhooks {}   queries and commands {}\ntenant {}   API key {}\n\n",
                    local_url(platform.ingress()), api, tenant_code, tenant.api_key);
    text += read("everything of one customer, newest first",
                 fmt::format("/v1/customer-timeline/{}?limit=10", customer.national));
    text += read("the inbox", "/v1/conversations?limit=10");
    text += read("the call list", "/v1/calls/dashboard/call-list?limit=10");
    text += read("a dashboard: the calls of the last 30 days", "/v1/calls/dashboard/overview");
    if (const auto shop = tenant.sources.find("demo-orders"); shop != tenant.sources.end())
        text += own_webhook(shop->second, customer);
    return text;
}

}  // namespace tools::demo
