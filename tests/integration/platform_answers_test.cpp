// How the API answers, whatever it is asked: positions, filters, caching, methods, description.
#include "tests/support/running_platform.hpp"

#include <set>

using namespace tests;

namespace {

constexpr std::int64_t start_s = 1'772'359'200;  // 2026-03-01T10:00:00Z

std::string filled(std::string path) {
    for (auto open = path.find('{'); open != std::string::npos; open = path.find('{'))
        path.replace(open, path.find('}') - open + 1, "unknown");
    return path;
}

// method and path of everything that /openapi.json lists.
std::set<std::pair<std::string, std::string>> described(ProductClient& client) {
    std::set<std::pair<std::string, std::string>> operations;
    const Document openapi(client.api("GET", "/openapi.json"));
    openapi["paths"].each_member([&](std::string_view path, schemas::json::Value methods) {
        methods.each_member([&](std::string_view method, schemas::json::Value) {
            operations.emplace(method, path);
        });
    });
    return operations;
}

std::string upper(std::string method) {
    for (char& c : method) c = static_cast<char>(std::toupper(c));
    return method;
}

std::string filled_for_shop(std::string path) {
    for (const auto& [name, value] :
         {std::pair<std::string, std::string>{"{code}", "shop"}, {"{id}", "wa"}}) {
        if (const auto at = path.find(name); at != std::string::npos)
            path.replace(at, name.size(), value);
    }
    return path;
}

// What the refusal of a body says that it may hold: "'zzz' is not known; known are a, b".
std::set<std::string> known_names(const Answer& refused) {
    std::set<std::string> names;
    const Document problem(refused);
    problem["fields"].each_element([&](schemas::json::Value field) {
        const std::string message(field["message"].text());
        const std::string before = "known are ";
        if (field["code"].text() != "unknown_field") return;
        for (auto at = message.find(before) + before.size(); at < message.size();) {
            const auto end = std::min(message.find(", ", at), message.size());
            names.insert(message.substr(at, end - at));
            at = end + 2;
        }
    });
    return names;
}

std::set<std::string> parameter_names(schemas::json::Value operation) {
    std::set<std::string> names;
    operation["parameters"].each_element(
        [&](schemas::json::Value parameter) { names.emplace(parameter["name"].text()); });
    return names;
}

}  // namespace

TEST_CASE("a read that names the position of a write sees it, every time") {
    Shop shop;
    Sender whatsapp = shop.sender("meta_cloud", "wa", "s1");
    for (int i = 1; i <= 30; ++i) {
        const auto answer = whatsapp.send(
            meta_message(fmt::format("wamid.{}", i), "919811111111", "x", start_s + i, "s1"));
        const auto inbox =
            shop.client.list(shop.tenant, "/v1/conversations", header_of(answer, "x-position"));
        REQUIRE(inbox.size() == 1);
        REQUIRE(inbox.data()[0]["message_count"].integer() == i);
    }
    const auto read = shop.client.read(shop.tenant, "/v1/conversations");
    CHECK(!header_of(read, "x-position").empty());
    CHECK(Document(read).text("position") == header_of(read, "x-position"));
}

TEST_CASE("a position that is not reached in time is 504, one that is none is 400") {
    Shop shop;
    Sender whatsapp = shop.sender("meta_cloud", "wa", "s1");
    const auto answer = whatsapp.send(meta_message("wamid.1", "919811111111", "x", start_s, "s1"));
    auto future = *bus::parse_position(header_of(answer, "x-position"));
    for (auto& next : future.next) next += 5;
    const auto ask = [&](const std::string& position) {
        return shop.client.api(
            "GET", "/v1/conversations",
            with(shop.tenant.headers(), {{"x-min-position", position}, {"x-wait-ms", "50"}}));
    };
    const auto behind = ask(bus::to_token(future));
    CHECK(behind.status == 504);
    CHECK(Document(behind).text("code") == "projection_behind");
    CHECK(ask("what?").status == 400);
}

TEST_CASE("an unknown filter is refused by name, with the allowed ones") {
    Shop shop;
    for (const std::string path : {"/v1/conversations", "/v1/ivr-calls", "/v1/ingest/requests",
                                   "/v1/events", "/v1/customer-timeline/x"}) {
        CAPTURE(path);
        const auto answer = shop.client.read(shop.tenant, path + "?colour=red");
        CHECK(answer.status == 400);
        const auto detail = Document(answer).text("detail");
        CHECK(detail.find("'colour'") != std::string::npos);
        CHECK(detail.find("from") != std::string::npos);
        CHECK(answer.content_type.starts_with("application/problem+json"));
    }
    for (const std::string path : {"/v1/sources", "/v1/mappings", "/v1/events/x"}) {
        CAPTURE(path);
        const auto answer = shop.client.read(shop.tenant, path + "?colour=red");
        CHECK(answer.status == 400);
        CHECK(Document(answer).text("detail").find("'colour'") != std::string::npos);
    }
    CHECK(shop.client.api("GET", "/healthz?colour=red", {}).status == 200);
    const auto measure = shop.client.read(shop.tenant, "/v1/measures/calls?colour=red");
    CHECK(measure.status == 400);
    CHECK(Document(measure).text("detail").find("direction") != std::string::npos);
    for (const std::string bad : {"limit=0", "limit=201", "limit=x", "page=0", "from=yesterday",
                                  "cursor=%00", "window=ajar", "unread=perhaps", "sort=colour"}) {
        CAPTURE(bad);
        CHECK(shop.client.read(shop.tenant, "/v1/conversations?" + bad).status == 400);
    }
    const auto records = [&](const std::string& query) {
        return shop.client
            .api("GET", "/v1/operator/records?" + query,
                 {{"authorization", "Bearer " + shop.client.addresses().admin_key}})
            .status;
    };
    for (const std::string bad :
         {"limit=501", "limit=x", "last=501", "last=-1", "wait_ms=20001", "wait_ms=soon"}) {
        CAPTURE(bad);
        CHECK(records(bad) == 400);
    }
    for (const std::string good : {"limit=0&last=0", "limit=500&last=500", "wait_ms=0"}) {
        CAPTURE(good);
        CHECK(records(good) == 200);
    }
}

TEST_CASE("an unchanged answer is 304, a changed one is not") {
    Shop shop;
    Sender whatsapp = shop.sender("meta_cloud", "wa", "s1");
    whatsapp.send(meta_message("wamid.1", "919811111111", "x", start_s, "s1"));
    const auto inbox = shop.client.list(shop.tenant, "/v1/conversations", whatsapp.position());
    const std::string target = "/v1/conversations/" + std::string(inbox.data()[0]["id"].text());
    const auto tag = header_of(shop.client.read(shop.tenant, target), "etag");
    REQUIRE(!tag.empty());
    const auto again = [&](const std::string& position) {
        return shop.client.api(
            "GET", target,
            with(shop.tenant.headers(),
                 {{"if-none-match", tag}, {"x-wait-ms", "10000"}, {"x-min-position", position}}));
    };
    const auto unchanged = again(whatsapp.position());
    CHECK(unchanged.status == 304);
    CHECK(unchanged.body.empty());
    whatsapp.send(meta_message("wamid.2", "919811111111", "y", start_s + 1, "s1"));
    CHECK(again(whatsapp.position()).status == 200);
}

TEST_CASE("gzip is used where it is asked for and pays") {
    Shop shop;
    const Headers asking = {{"accept-encoding", "gzip"}};
    const auto large = shop.client.api("GET", "/openapi.json", asking);
    CHECK(header_of(large, "content-encoding") == "gzip");
    CHECK(header_of(large, "vary").find("Accept-Encoding") != std::string::npos);
    CHECK(large.body.starts_with("\x1f\x8b"));
    const auto plain = shop.client.api("GET", "/openapi.json");
    CHECK(header_of(plain, "content-encoding").empty());
    CHECK(large.body.size() < plain.body.size() / 3);
    CHECK(header_of(shop.client.api("GET", "/healthz", asking), "content-encoding").empty());
}

TEST_CASE("HEAD is GET without the body") {
    Shop shop;
    for (const std::string target : {"/healthz", "/openapi.json", "/v1/conversations"}) {
        CAPTURE(target);
        const auto get = shop.client.api("GET", target, shop.tenant.headers());
        const auto head = shop.client.api("HEAD", target, shop.tenant.headers());
        CHECK(head.status == 200);
        CHECK(head.body.empty());
        CHECK(header_of(head, "content-length") == header_of(get, "content-length"));
    }
}

TEST_CASE("a wrong method is 405 and names the right ones, a wrong path is 404") {
    Shop shop;
    const auto answer = shop.client.api("PUT", "/v1/sources", shop.tenant.headers(), "{}");
    CHECK(answer.status == 405);
    CHECK(header_of(answer, "allow").find("GET") != std::string::npos);
    CHECK(header_of(answer, "allow").find("POST") != std::string::npos);
    CHECK(shop.client.api("GET", "/v1/no-such", shop.tenant.headers()).status == 404);
    const auto wa = shop.client.create_source(shop.tenant, "meta_cloud", "wa", "s1");
    const auto put = shop.client.ingress("PUT", wa.path, {}, "{}");
    CHECK(put.status == 405);
    CHECK(header_of(put, "allow").find("POST") != std::string::npos);
    CHECK(shop.client.ingress("GET", "/v1/events").status == 405);
}

TEST_CASE("everything that is described answers on its port") {
    Shop shop;
    const Headers admin = {{"authorization", "Bearer " + shop.client.addresses().admin_key},
                           {"x-client-code", "shop"}};
    for (const auto& operation : described(shop.client)) {
        CAPTURE(operation.first);
        CAPTURE(operation.second);
        const std::string path = filled(operation.second);
        const std::string method = upper(operation.first);
        const std::string body = method == "GET" || method == "DELETE" ? "" : "?";
        const auto on_api = shop.client.api(method, path, admin, body);
        const std::string handshake = method == "GET" ? "?hub.mode=subscribe&hub.challenge=1" : "";
        const auto on_ingress = shop.client.ingress(method, path + handshake, {}, body);
        const bool api_knows =
            on_api.status != 405 &&
            !(on_api.status == 404 && on_api.body.find("no such path") != std::string::npos);
        const bool ingress_knows = on_ingress.status != 405 &&
                                   !(on_ingress.status == 404 &&
                                     on_ingress.body.find("no such path") != std::string::npos);
        CHECK((api_knows || ingress_knows));
    }
}

TEST_CASE("everything that answers is described") {
    RunningPlatform running;
    auto client = running.client();
    const auto operations = described(client);
    for (const auto& operation : std::vector<std::pair<std::string, std::string>>{
             {"get", "/healthz"},
             {"get", "/readyz"},
             {"get", "/metrics"},
             {"get", "/version"},
             {"get", "/openapi.json"},
             {"post", "/api/clients"},
             {"get", "/api/clients"},
             {"post", "/api/clients/{code}/keys"},
             {"delete", "/api/clients/{code}/keys/{id}"},
             {"post", "/v1/sources"},
             {"patch", "/v1/sources/{id}"},
             {"delete", "/v1/sources/{id}"},
             {"post", "/v1/sources/{id}/rotate-secret"},
             {"put", "/v1/mappings/{name}"},
             {"get", "/v1/customer-timeline/{mobile_number}"},
             {"get", "/v1/customer-timeline/{mobile_number}/summary"},
             {"get", "/v1/conversations"},
             {"get", "/v1/conversations/counts"},
             {"get", "/v1/conversations/{id}"},
             {"get", "/v1/conversations/{id}/messages"},
             {"get", "/v1/ivr-calls"},
             {"get", "/v1/ivr-calls/counts"},
             {"get", "/v1/ivr-calls/{id}"},
             {"get", "/v1/calls/dashboard/overview"},
             {"get", "/v1/calls/dashboard/agent-stats"},
             {"get", "/v1/calls/dashboard/daily-volume"},
             {"get", "/v1/calls/dashboard/call-list"},
             {"get", "/v1/events"},
             {"get", "/v1/events/{id}"},
             {"get", "/v1/ingest/requests"},
             {"get", "/v1/ingest/requests/{id}"},
             {"get", "/v1/ingest/requests/{id}/raw"},
             {"get", "/v1/quarantine"},
             {"get", "/v1/measures"},
             {"get", "/v1/measures/{name}"},
             {"post", "/v1/events"},
             {"post", "/v1/events/batch"},
             {"post", "/webhooks/interact/{slug}"},
             {"post", "/webhooks/in/{slug}"},
             {"get", "/webhooks/kaleyra/callback/{token}"},
             {"post", "/api/whatsapp/webhook/{token}"}}) {
        CAPTURE(operation.first);
        CAPTURE(operation.second);
        CHECK(operations.contains(operation));
    }
}

TEST_CASE("the description names the members that a body may have") {
    Shop shop;
    shop.sender("meta_cloud", "wa", "s1");
    const Document openapi(shop.client.api("GET", "/openapi.json"));
    const Headers admin = {{"authorization", "Bearer " + shop.client.addresses().admin_key},
                           {"x-client-code", "shop"}};
    std::size_t compared = 0;
    for (const auto& operation : described(shop.client)) {
        const std::string method = operation.first, path = operation.second;
        CAPTURE(method);
        CAPTURE(path);
        const auto content = openapi["paths"][path][method]["requestBody"]["content"];
        const std::string schema =
            content["application/json"]["schema"]["$ref"].scalar_text().substr(0, 200);
        if (schema.empty()) continue;
        std::set<std::string> documented;
        openapi["components"]["schemas"][schema.substr(schema.rfind('/') + 1)]["properties"]
            .each_member(
                [&](std::string_view name, schemas::json::Value) { documented.emplace(name); });
        const std::string body =
            R"({"zzz":1)" + std::string(path == "/v1/sources" ? R"(,"kind":"meta_cloud")" : "") +
            "}";
        const Answer refused = shop.client.api(upper(method), filled_for_shop(path), admin, body);
        CHECK_MESSAGE(refused.status == 422, refused.body);
        CHECK(known_names(refused) == documented);
        ++compared;
    }
    CHECK(compared >= 6);
}

TEST_CASE("the description names the type of what comes back") {
    Shop shop;
    Sender whatsapp = shop.sender("meta_cloud", "wa", "s1");
    whatsapp.send(meta_message("wamid.1", "919811111111", "x", start_s, "s1"));
    const auto requests = shop.client.list(shop.tenant, "/v1/ingest/requests", whatsapp.position());
    const std::string request(requests.data()[0]["id"].text());
    const Document openapi(shop.client.api("GET", "/openapi.json"));
    const auto responses = [&](const std::string& path, const std::string& method) {
        return openapi["paths"][path][method]["responses"];
    };
    const Headers admin = {{"authorization", "Bearer " + shop.client.addresses().admin_key},
                           {"x-client-code", "shop"}};
    std::size_t answered = 0;
    for (const auto& operation : described(shop.client)) {
        const std::string method = operation.first, path = operation.second;
        if (method != "get" || path.find('{') != std::string::npos) continue;
        const Answer answer = shop.client.api("GET", path, admin);
        if (answer.status != 200) continue;
        CAPTURE(path);
        const std::string type = answer.content_type.substr(0, answer.content_type.find(';'));
        CHECK_MESSAGE(bool(responses(path, method)["2XX"]["content"][type]["schema"]), type);
        ++answered;
    }
    CHECK(answered > 20);
    const std::string raw = "/v1/ingest/requests/{id}/raw";
    CHECK(shop.client.api("GET", "/v1/ingest/requests/" + request + "/raw", admin).status == 200);
    CHECK(bool(responses(raw, "get")["2XX"]["content"]["*/*"]["schema"]));
    CHECK(shop.client.api("DELETE", "/v1/sources/wa", admin).status == 204);
    CHECK(bool(responses("/v1/sources/{id}", "delete")["204"]));
    CHECK_FALSE(bool(responses("/v1/sources/{id}", "delete")["2XX"]));
}

TEST_CASE("the description offers as_of where the past is answered, and nowhere else") {
    Shop shop;
    Sender whatsapp = shop.sender("meta_cloud", "wa", "s1");
    whatsapp.send(meta_message("wamid.1", "919811111111", "x", start_s, "s1"));
    const Document openapi(shop.client.api("GET", "/openapi.json"));
    std::size_t offered = 0;
    for (const auto& operation : described(shop.client)) {
        const std::string method = operation.first, path = operation.second;
        if (method != "get" || path.find('{') != std::string::npos) continue;
        const auto names = parameter_names(openapi["paths"][path][method]);
        const auto answer = shop.client.read(shop.tenant, path + "?as_of=" + whatsapp.position());
        CAPTURE(path);
        if (names.contains("as_of")) {
            CHECK_MESSAGE(answer.status == 200, answer.body);
            ++offered;
        } else {
            CHECK(header_of(answer, "x-as-of").empty());
        }
    }
    CHECK(offered > 10);
    CHECK(parameter_names(openapi["paths"]["/v1/conversations"]["get"]).contains("X-Min-Position"));
    CHECK(parameter_names(openapi["paths"]["/v1/conversations"]["get"]).contains("X-Wait-Ms"));
}

TEST_CASE("operation ids are unique, and no path lists a method twice") {
    RunningPlatform running;
    auto client = running.client();
    std::set<std::string> ids;
    const Document openapi(client.api("GET", "/openapi.json"));
    openapi["paths"].each_member([&](std::string_view path, schemas::json::Value methods) {
        std::set<std::string> seen;
        methods.each_member([&](std::string_view method, schemas::json::Value operation) {
            CAPTURE(path);
            CHECK(seen.emplace(method).second);
            CHECK(ids.emplace(operation["operationId"].text()).second);
        });
    });
}

TEST_CASE("both ports tell their health, version and metrics") {
    Shop shop;
    Sender whatsapp = shop.sender("meta_cloud", "wa", "s1");
    whatsapp.send(meta_message("wamid.1", "919811111111", "x", start_s, "s1"));
    for (const bool ingress : {false, true}) {
        CAPTURE(ingress);
        const auto get = [&](const std::string& target) {
            return ingress ? shop.client.ingress("GET", target) : shop.client.api("GET", target);
        };
        CHECK(get("/healthz").status == 200);
        CHECK(get("/readyz").status == 200);
        CHECK(Document(get("/version")).text("engine") == "embedded");
        const auto metrics = get("/metrics");
        CHECK(metrics.content_type.starts_with("text/plain"));
        for (const std::string name : {"journal_records_total", "edge_", "consumer_lag_records"}) {
            CAPTURE(name);
            CHECK(metrics.body.find("\n" + name) != std::string::npos);
        }
    }
}
