#include "projections/api/openapi.hpp"

#include "schemas/json/json.hpp"

#include <doctest/doctest.h>

#include <set>

using bus::http::Route;
using schemas::json::Value;

namespace {

Route answering(std::string pattern, std::string request, std::string response) {
    std::string operation = "do" + response;
    return {.method = "POST",
            .pattern = std::move(pattern),
            .operation = std::move(operation),
            .request_schema = std::move(request),
            .response_schema = std::move(response)};
}

std::set<std::string> references_in(std::string_view document) {
    constexpr std::string_view before = R"("$ref":"#/components/schemas/)";
    std::set<std::string> names;
    for (auto at = document.find(before); at != std::string_view::npos;
         at = document.find(before, at)) {
        at += before.size();
        names.emplace(document.substr(at, document.find('"', at) - at));
    }
    return names;
}

}  // namespace

TEST_CASE("openapi: every reference leads to a schema of the document") {
    const std::string document = projections::api::openapi_document(
        {answering("/v1/sources", "NewSource", "Source"),
         answering("/v1/conversations", "", "ConversationList"),
         answering("/v1/nowhere/:id", "NoSuchForm", "NoSuchThing")});
    schemas::json::Parser parser;
    const auto parsed = parser.parse(document);
    REQUIRE(parsed);
    const Value known = (*parsed)["components"]["schemas"];
    const std::set<std::string> names = references_in(document);
    for (const char* used : {"Problem", "NewSource", "Source", "ConversationList", "Conversation"})
        CHECK(names.count(used) == 1);
    for (const std::string& name : names) {
        CAPTURE(name);
        CHECK(known[name]["type"].text() == "object");
    }
    CHECK(document.find("NoSuchForm") == std::string::npos);
    const Value answer = (*parsed)["paths"]["/v1/nowhere/{id}"]["post"]["responses"]["2XX"];
    CHECK(answer["content"]["application/json"]["schema"]["type"].text() == "object");
}
