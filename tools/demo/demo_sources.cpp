#include "tools/demo/demo_sources.hpp"

#include "bus/crypto/digest.hpp"
#include "bus/text.hpp"
#include "schemas/json/json.hpp"
#include "tools/demo/sample_text.hpp"

#include <thread>

namespace tools::demo {
namespace {

using bus::ErrorCode;
using bus::http::Response;
using bus::net::ClientRequest;

constexpr bus::seconds patience{30};
constexpr bus::milliseconds retry_delay{200};
constexpr std::size_t secret_length = 32;
constexpr std::string_view placeholder = "{{secret}}";  // in sources.json
constexpr std::string_view events_path = "/v1/events";

// Not guessable, and the same after a restart, so that nothing has to be remembered.
std::string secret_of(const Platform& platform, schemas::json::Value source) {
    std::string secret =
        bus::to_hex(bus::crypto::hmac(bus::crypto::Hash::sha256, platform.admin_key(),
                                      {"demo ", source["slug"].text()}))
            .substr(0, secret_length);
    if (source["kind"].text() != "standard_webhooks") return secret;
    return "whsec_" + bus::to_base64(secret);
}

schemas::Verification read_verification(schemas::json::Value value) {
    const auto text = [&value](std::string_view name) { return std::string(value[name].text()); };
    schemas::Verification out;
    out.kind = text("kind");
    out.algorithm = text("algorithm");
    out.header = text("header");
    out.encoding = text("encoding");
    out.prefix = text("prefix");
    out.signed_text = text("signed_text");
    out.key_value_list = value["key_value_list"].boolean().value_or(false);
    out.signature_name = text("signature_name");
    out.parameter = text("parameter");
    out.user = text("user");
    return out;
}

// The API of one platform with the admin key.
class Setup {
public:
    Setup(const Platform& platform, bus::net::HttpClient& client, const std::stop_token& stop)
        : platform_(platform), client_(client), stop_(stop) {}

    bus::Result<DemoTenant> make() {
        for (const auto step : {&Setup::make_client, &Setup::put_mapping, &Setup::make_sources}) {
            if (auto done = (this->*step)(); !done) return done.error();
        }
        return std::move(tenant_);
    }

    bus::Result<DemoTenant> find(const std::string& api_key) {
        const auto answer = send("GET", "/v1/sources?limit=200", "", "");
        if (!answer) return answer.error();
        schemas::json::Parser parser;
        const auto list = parser.parse(answer->body);
        if (!list) return list.error();
        const schemas::json::Value sources = (*list)["data"];
        sources.each_element([this](schemas::json::Value source) {
            if (source["kind"].text() == "cloudevents") learn_public_url(source["url"].text());
        });
        sources.each_element([this](schemas::json::Value source) { keep_source(source); });
        tenant_.api_key = api_key;
        return std::move(tenant_);
    }

private:
    bus::Result<bus::Done> make_client() {
        const auto answer = send(
            "POST", "/api/clients",
            R"({"code":"demo","name":"Demo Company","country":"IN","time_zone":"Asia/Kolkata"})",
            "demo-client");
        if (!answer) return answer.error();
        schemas::json::Parser parser;
        const auto created = parser.parse(answer->body);
        if (!created) return created.error();
        tenant_.api_key = (*created)["api_key"].text();
        learn_public_url((*created)["events_url"].text());
        return bus::Done{};
    }

    bus::Result<bus::Done> put_mapping() {
        const auto answer = send("PUT", "/v1/mappings/demo-orders",
                                 fill_sample("orders_mapping.yaml", {}), "demo-mapping-orders");
        if (!answer) return answer.error();
        return bus::Done{};
    }

    bus::Result<bus::Done> make_sources() {
        schemas::json::Parser parser;
        const auto list =
            parser.parse(fill_sample("sources.json", {{"secret", std::string(placeholder)}}));
        if (!list) return list.error();
        for (std::size_t i = 0; i < list->size(); ++i) {
            if (auto made = make_source(list->at(i)); !made) return made.error();
        }
        return bus::Done{};
    }

    bus::Result<bus::Done> make_source(schemas::json::Value sample) {
        const std::string slug(sample["slug"].text());
        const std::string secret = secret_of(platform_, sample);
        std::string body;
        sample.append_to(body);
        for (auto at = body.find(placeholder); at != body.npos; at = body.find(placeholder, at))
            body.replace(at, placeholder.size(), secret);
        const auto answer = send("POST", "/v1/sources", body, "demo-source-" + slug);
        if (!answer) return bus::fail(answer.error().code, "{}: {}", slug, answer.error().message);
        schemas::json::Parser parser;
        const auto created = parser.parse(answer->body);
        if (!created) return created.error();
        keep_source(*created);
        return bus::Done{};
    }

    void keep_source(schemas::json::Value source) {
        std::string url(source["url"].text());
        if (url.starts_with(public_url_))
            url.replace(0, public_url_.size(), local_url(platform_.ingress()));
        tenant_.sources[std::string(source["slug"].text())] = {
            .url = std::move(url),
            .secret = secret_of(platform_, source),
            .verification = read_verification(source["verification"])};
    }

    // Providers may reach the ingress by another name; the demo sends from this machine.
    void learn_public_url(std::string_view events_url) {
        public_url_ = events_url;
        if (public_url_.ends_with(events_path))
            public_url_.resize(public_url_.size() - events_path.size());
        tenant_.events_url = local_url(platform_.ingress()) + std::string(events_path);
    }

    bus::Result<Response> send(std::string method, const std::string& path, std::string body,
                               const std::string& idempotency_key) {
        ClientRequest request{.method = std::move(method),
                              .url = local_url(platform_.api()) + path,
                              .headers = {{"authorization", "Bearer " + platform_.admin_key()},
                                          {"content-type", "application/json"},
                                          {"idempotency-key", idempotency_key}},
                              .body = std::move(body)};
        if (idempotency_key.empty()) request.headers.pop_back();
        if (path != "/api/clients") request.headers.emplace_back("x-client-code", tenant_code);
        auto answer = call_patiently(client_, request, stop_);
        if (!answer) return answer.error();
        if (answer->status / 100 == 2) return answer;
        return bus::fail(ErrorCode::conflict, "{} {} was answered {}: {}", request.method, path,
                         answer->status, answer->body);
    }

    const Platform& platform_;
    bus::net::HttpClient& client_;
    const std::stop_token& stop_;
    std::string public_url_;
    DemoTenant tenant_;
};

}  // namespace

bus::Result<Response> call_patiently(bus::net::HttpClient& client, const ClientRequest& request,
                                     const std::stop_token& stop) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (true) {
        if (stop.stop_requested()) return bus::fail(ErrorCode::cancelled, "stopping");
        auto answer = client.call(request);
        if (answer && answer->status != 503 && answer->status != 429) return answer;
        if (std::chrono::steady_clock::now() > deadline) return answer;
        std::this_thread::sleep_for(retry_delay);
    }
}

std::string_view header_of(const Response& response, std::string_view lower_case_name) {
    for (const auto& [name, value] : response.headers) {
        if (bus::to_lower_ascii(name) == lower_case_name) return value;
    }
    return {};
}

std::string local_url(const Endpoint& endpoint) {
    const bool wildcard = endpoint.host == "0.0.0.0" || endpoint.host == "::";
    return "http://" + to_string(wildcard ? Endpoint{"127.0.0.1", endpoint.port} : endpoint);
}

bus::Result<DemoTenant> make_tenant(const Platform& platform, bus::net::HttpClient& client,
                                    const std::stop_token& stop) {
    return Setup(platform, client, stop).make();
}

bus::Result<DemoTenant> find_tenant(const Platform& platform, const std::string& api_key,
                                    bus::net::HttpClient& client, const std::stop_token& stop) {
    return Setup(platform, client, stop).find(api_key);
}

}  // namespace tools::demo
