#include "tests/unit/commands_fixture.hpp"

using namespace commands_test;

TEST_CASE("clients: creating one gives a key that works at once") {
    Platform platform;
    const Client client = make_client(platform, "acme");
    CHECK(client.ask(platform, "GET", "/api/clients/acme").status == 200);
    CHECK(member(client.ask(platform, "GET", "/v1/sources"), "data.0.kind") == "cloudevents");
    CHECK(member(platform.admin("GET", "/api/clients"), "data.0.code") == "acme");
}

TEST_CASE("clients: a code is given once") {
    Platform platform;
    make_client(platform, "acme");
    const auto second = platform.admin("POST", "/api/clients", R"({"code":"acme","name":"B"})");
    CHECK(second.status == 409);
    CHECK(member(second, "fields.0.path") == "code");
}

TEST_CASE("clients: an unknown field and a bad one are both named") {
    Platform platform;
    const auto refused = platform.admin("POST", "/api/clients",
                                        R"({"code":"Not A Code","name":"B","colour":"red"})");
    CHECK(refused.status == 422);
    CHECK(member(refused, "fields.0.path") == "code");
    CHECK(member(refused, "fields.1.path") == "colour");
}

TEST_CASE("clients: the same Idempotency-Key gives the same client and the same API key") {
    Platform platform;
    const std::string body = R"({"code":"acme","name":"A"})";
    const auto first = platform.admin("POST", "/api/clients", body, {{"idempotency-key", "k1"}});
    REQUIRE(first.status == 201);
    CHECK(platform.admin("POST", "/api/clients", body, {{"idempotency-key", "k1"}}).body ==
          first.body);
    platform.restart();
    CHECK(platform.admin("POST", "/api/clients", body, {{"idempotency-key", "k1"}}).body ==
          first.body);
    const auto other = platform.admin("POST", "/api/clients", R"({"code":"b","name":"B"})",
                                      {{"idempotency-key", "k1"}});
    CHECK(other.status == 409);
    CHECK(member(other, "code") == "idempotency_key_reused");
}

TEST_CASE("keys: a client has so many that are not revoked, and no more") {
    CHECK(producers::commands::ClientLimits{}.live_keys_max == 1'000);
    Platform platform;
    platform.node->context.limits.live_keys_max = 2;  // one of them came with the client
    const Client client = make_client(platform, "acme");
    const auto make = [&] { return client.ask(platform, "POST", "/api/clients/acme/keys", "{}"); };
    const auto second = make();
    REQUIRE(second.status == 201);
    const auto refused = make();
    CHECK(refused.status == 422);
    CHECK(member(refused, "code") == "too_many");
    CHECK(refused.body.find("at most 2 keys: revoke one") != std::string::npos);
    const auto path = "/api/clients/acme/keys/" + member(second, "id");
    CHECK(client.ask(platform, "DELETE", path).status == 200);
    CHECK(make().status == 201);
}

TEST_CASE("keys: a revoked key fails on the next request, the others go on") {
    Platform platform;
    const Client client = make_client(platform, "acme");
    const auto second =
        client.ask(platform, "POST", "/api/clients/acme/keys", R"({"label":"laptop"})");
    REQUIRE(second.status == 201);
    const Client laptop{"acme", member(second, "api_key")};
    CHECK(laptop.ask(platform, "GET", "/v1/sources").status == 200);
    const auto path = "/api/clients/acme/keys/" + member(second, "id");
    CHECK(client.ask(platform, "DELETE", path).status == 200);
    CHECK(client.ask(platform, "DELETE", path).status == 200);
    CHECK(laptop.ask(platform, "GET", "/v1/sources").status == 401);
    CHECK(client.ask(platform, "GET", "/v1/sources").status == 200);
    CHECK(member(client.ask(platform, "GET", "/api/clients/acme/keys"), "data.1.revoked") ==
          "true");
}

TEST_CASE("authenticate: key and code must belong together") {
    Platform platform;
    const Client acme = make_client(platform, "acme");
    make_client(platform, "other");
    CHECK(Client{"other", acme.key}.ask(platform, "GET", "/v1/sources").status == 403);
    CHECK(Client{"acme", "trk_wrong"}.ask(platform, "GET", "/v1/sources").status == 401);
    CHECK(platform.node->ask("GET", "/v1/sources", {{"x-api-key", acme.key}}).status == 401);
    CHECK(platform.node->ask("GET", "/v1/sources", {}).status == 403);
    CHECK(platform.node->ask("GET", "/v1/sources", {{"authorization", "Bearer nope"}}).status ==
          401);
    CHECK(platform.admin("GET", "/v1/sources", "", {{"x-client-code", "acme"}}).status == 200);
    CHECK(platform.admin("GET", "/v1/sources", "", {{"x-client-code", "nobody"}}).status == 404);
    CHECK(platform.admin("GET", "/v1/sources", "", {{"x-client-code", "Acme"}}).status == 200);
    CHECK(Client{"ACME", acme.key}.ask(platform, "GET", "/v1/sources").status == 200);
    CHECK(acme.ask(platform, "GET", "/api/clients").status == 403);
    CHECK(acme.ask(platform, "GET", "/api/clients/other").status == 404);
    CHECK(acme.ask(platform, "POST", "/api/clients/other/keys", "{}").status == 404);
}

TEST_CASE("answers: a problem that quotes what is no UTF-8 is a JSON document all the same") {
    Platform platform;
    const auto unknown = make_client(platform, "acme").ask(platform, "GET", "/v1/sources/a\xFF");
    CHECK(unknown.status == 404);
    CHECK(member(unknown, "detail") == "no source 'a\xEF\xBF\xBD'");
}

TEST_CASE("clients: when the log refuses, the answer says try again and nothing is created") {
    Platform platform;
    platform.log.faults().fail_append(1,
                                      bus::fail(bus::ErrorCode::unavailable, "the disk is full"));
    const std::string body = R"({"code":"acme","name":"A"})";
    const auto refused = platform.admin("POST", "/api/clients", body);
    CHECK(refused.status == 503);
    CHECK(header(refused, "Retry-After") != "");
    CHECK(platform.admin("POST", "/api/clients", body).status == 201);
}
