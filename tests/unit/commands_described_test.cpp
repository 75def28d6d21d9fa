// What the commands read of a request is what their routes describe.
#include "tests/unit/commands_fixture.hpp"

using namespace commands_test;

namespace {

struct Command {
    std::string operation, method, path, body;
};

// Each that decides a fact, the deleting ones last.
const std::vector<Command> commands = {
    {"createClient", "POST", "/api/clients", R"({"code":"new","name":"New"})"},
    {"patchClient", "PATCH", "/api/clients/acme", R"({"name":"Other"})"},
    {"createKey", "POST", "/api/clients/acme/keys", R"({"label":"second"})"},
    {"createSource", "POST", "/v1/sources",
     R"({"kind":"standard_webhooks","slug":"b","secret":"s"})"},
    {"updateSource", "PATCH", "/v1/sources/shop", R"({"label":"Shop"})"},
    {"rotateSourceSecret", "POST", "/v1/sources/shop/rotate-secret", R"({"secret":"t"})"},
    {"putMapping", "PUT", "/v1/mappings/own",
     "mapping: own\nversion: 1\nchannel: web\nbody: [json]\nemit:\n  - {type: web.seen}\n"},
    {"deleteSource", "DELETE", "/v1/sources/shop", ""}};

bool describes(const Platform& platform, const std::string& operation, std::string_view header) {
    for (const auto& route : platform.node->routes) {
        if (route.operation != operation) continue;
        return std::any_of(route.parameters.begin(), route.parameters.end(),
                           [&](const auto& parameter) {
                               return parameter.where == "header" && parameter.name == header;
                           });
    }
    FAIL("no such operation: ", operation);
    return false;
}

struct World {
    Platform platform;
    Client client = make_client(platform, "acme");
    World() {
        const auto made = client.ask(platform, "POST", "/v1/sources",
                                     R"({"kind":"standard_webhooks","slug":"shop","secret":"s"})");
        REQUIRE_MESSAGE(made.status == 201, made.body);
    }
    Response ask(const Command& command, const bus::http::NameValue& header,
                 const std::string& more_body = "") {
        const bool admin = command.path.starts_with("/api/");
        return admin ? platform.admin(command.method, command.path, command.body + more_body,
                                      {header})
                     : client.ask(platform, command.method, command.path, command.body + more_body,
                                  {header});
    }
};

}  // namespace

TEST_CASE("described: If-Match, by the commands that honour it") {
    World world;
    for (const Command& command : commands) {
        CAPTURE(command.operation);
        const auto answer = world.ask(command, {"if-match", R"("999")"});
        CHECK_MESSAGE(
            (answer.status == 412) == describes(world.platform, command.operation, "If-Match"),
            answer.body);
    }
}

TEST_CASE("described: Idempotency-Key, by all that decide a fact") {
    World world;
    for (const Command& command : commands) {
        CAPTURE(command.operation);
        CHECK(describes(world.platform, command.operation, "Idempotency-Key"));
        const bus::http::NameValue key{"idempotency-key", "k"};
        const auto first = world.ask(command, key);
        CHECK_MESSAGE(first.status < 300, first.body);
        CHECK(world.ask(command, key).body == first.body);
    }
}
