#include "tests/unit/commands_fixture.hpp"

#include "bus/text.hpp"

#include <thread>

using namespace commands_test;

namespace {

constexpr std::string_view mapping = R"(mapping: parcels
version: 1
channel: ticketing
body: [json]
fields:
  object_id: {from: id, required: true}
  customer_phone: {from: phone, as: phone}
emit:
  - {type: parcel.moved}
)";

constexpr std::string_view webhook_source =
    R"({"kind":"standard_webhooks","slug":"shop","secret":"whsec_c2VjcmV0LW1hcmtlci0wMDE="})";

std::string quoted(std::string_view text) {
    std::string out;
    schemas::json::append_escaped(out, text);
    return out;
}

// The facts that made mappings known, as `.control` holds them.
std::vector<schemas::MappingBound> bound_facts(bus::memory::MemoryLog& log) {
    std::vector<schemas::MappingBound> found;
    for (bus::Offset at = 0; at < *log.end_offset({bus::Topic::control, 0}); ++at) {
        const auto record = log.read_at({bus::Topic::control, 0, at});
        const auto fact =
            schemas::decode_control({record->address, record->key, record->headers, record->value});
        REQUIRE(fact);
        if (const auto* bound = std::get_if<schemas::MappingBound>(&(*fact)->body))
            found.push_back(*bound);
    }
    return found;
}

}  // namespace

TEST_CASE("sources: creating one answers the complete url and is live at once") {
    Platform platform;
    const Client client = make_client(platform, "acme");
    const auto created = client.ask(platform, "POST", "/v1/sources", webhook_source);
    REQUIRE_MESSAGE(created.status == 201, created.body);
    CHECK(member(created, "url") == "http://hooks.test/webhooks/in/shop");
    CHECK(member(created, "secret.set") == "true");
    CHECK(member(created, "verification.kind") == "standard_webhooks");
    const auto source = platform.node->registry->source_by_slug("shop");
    REQUIRE(source);
    CHECK(platform.node->registry->bound_mapping(source->stamp));
    const auto opened = platform.node->vault.open(source->tenant, source->secrets[0]);
    REQUIRE(opened);
    CHECK(*opened == "whsec_c2VjcmV0LW1hcmtlci0wMDE=");
}

TEST_CASE("sources: secrets open again after a restart, and not under another tenant") {
    Platform platform;
    const Client client = make_client(platform, "acme");
    make_client(platform, "other");
    client.ask(platform, "POST", "/v1/sources", webhook_source);
    platform.restart();
    const auto source = platform.node->registry->source_by_slug("shop");
    REQUIRE(source);
    const auto other = platform.node->registry->tenant_by_code("other");
    CHECK_FALSE(platform.node->vault.open(other->id, source->secrets[0]));
    CHECK(platform.node->vault.open(source->tenant, source->secrets[0]));
}

TEST_CASE("sources: a secret sealed under the id of an older one opens as itself") {
    Platform platform;
    make_client(platform, "acme");
    const auto tenant = platform.node->registry->tenant_by_code("acme")->id;
    auto& vault = platform.node->vault;
    const auto older = vault.seal(tenant, "sec_1", "the older one", bus::Timestamp{});
    REQUIRE(older);
    CHECK(*vault.open(tenant, *older) == "the older one");
    const auto newer = vault.seal(tenant, "sec_1", "the newer one", bus::Timestamp{});
    REQUIRE(newer);
    CHECK(*vault.open(tenant, *newer) == "the newer one");
}

TEST_CASE("sources: what is missing or unknown is answered with 422 and its name") {
    Platform platform;
    const Client client = make_client(platform, "acme");
    const auto check_refused = [&](std::string_view body, std::string_view field) {
        const auto answer = client.ask(platform, "POST", "/v1/sources", body);
        CHECK(answer.status == 422);
        CHECK(member(answer, "fields.0.path") == field);
    };
    check_refused(R"({"slug":"x"})", "kind");
    const auto dedup = [](std::string_view paths) {
        return fmt::format(
            R"({{"kind":"standard_webhooks","slug":"x","secret":"s","dedup":{{"paths":[{}]}}}})",
            paths);
    };
    check_refused(dedup(R"("$body")"), "dedup.paths");
    std::string seventeen = R"("id")";
    for (int i = 0; i < 16; ++i) seventeen += R"(,"id")";
    check_refused(dedup(seventeen), "dedup.paths");
    check_refused(R"({"kind":"nothing","slug":"x"})", "kind");
    check_refused(R"({"kind":"standard_webhooks","slug":"x"})", "secret");
    check_refused(R"({"kind":"standard_webhooks","slug":"X Y","secret":"s"})", "slug");
    check_refused(R"({"kind":"standard_webhooks","slug":"x","secret":"s","colour":1})", "colour");
    check_refused(
        R"({"kind":"standard_webhooks","slug":"x","secret":"s","verification":{"kind":"hmac","x":1}})",
        "verification.x");
    check_refused(
        R"({"kind":"standard_webhooks","slug":"x","secret":"s","verification":{"kind":"hmac","signed_text":"{nothing}"}})",
        "verification");
    check_refused(R"({"kind":"generic","slug":"x","mapping":"m"})", "verification");
    check_refused(R"({"kind":"generic","slug":"x","verification":{"kind":"none"}})", "mapping");
    check_refused(
        R"({"kind":"generic","slug":"x","verification":{"kind":"none"},"mapping":"absent"})",
        "mapping");
    CHECK(client.ask(platform, "POST", "/v1/sources", "[1]").status == 400);
    CHECK(client.ask(platform, "POST", "/v1/sources", "{").status == 400);
}

TEST_CASE("sources: the age of a signature counts only where the time stamp is signed") {
    Platform platform;
    const Client client = make_client(platform, "acme");
    const auto ask = [&](std::string_view method, std::string_view path, std::string_view more) {
        return client.ask(
            platform, method, path,
            fmt::format(
                R"({{"verification":{{"kind":"hmac","timestamp_header":"x-ts"{}}}{}}})", more,
                method == "POST" ? R"(,"kind":"standard_webhooks","slug":"x","secret":"s")" : ""));
    };
    for (std::string_view unsigned_time :
         {R"(,"tolerance_s":300)", R"(,"tolerance_s":300,"signed_text":"{id}.{body}")"}) {
        const auto answer = ask("POST", "/v1/sources", unsigned_time);
        CHECK(answer.status == 422);
        CHECK(member(answer, "fields.0.path") == "verification.signed_text");
        CHECK(member(answer, "fields.0.message").find("{timestamp}.{body}") != std::string::npos);
    }
    const auto made =
        ask("POST", "/v1/sources", R"(,"tolerance_s":300,"signed_text":"{timestamp}.{body}")");
    REQUIRE_MESSAGE(made.status == 201, made.body);
    const std::string path = "/v1/sources/x";
    CHECK(ask("PATCH", path, R"(,"signed_text":"{body}")").status == 422);
    CHECK(ask("PATCH", path, R"(,"signed_text":"{body}","tolerance_s":0)").status == 200);
    CHECK(ask("PATCH", path, R"(,"tolerance_s":300)").status == 422);
}

TEST_CASE("sources: what a signature covers must be read from somewhere") {
    Platform platform;
    const Client client = make_client(platform, "acme");
    const auto make = [&](std::string_view verification) {
        return client.ask(
            platform, "POST", "/v1/sources",
            fmt::format(R"({{"kind":"standard_webhooks","secret":"s","verification":{{)"
                        R"("kind":"hmac",{}}}}})",
                        verification));
    };
    const auto check_refused = [&](std::string_view verification, std::string_view field) {
        CAPTURE(std::string(verification));
        const auto answer = make(verification);
        CHECK(answer.status == 422);
        CHECK(member(answer, "fields.0.path") == field);
        CHECK(member(answer, "fields.0.code") == "required");
    };
    check_refused(R"("signed_text":"{timestamp}.{body}","tolerance_s":300)",
                  "verification.timestamp_header");
    check_refused(R"("signed_text":"{timestamp}.{body}")", "verification.timestamp_header");
    check_refused(R"("signed_text":"{id}.{body}")", "verification.id_header");
    check_refused(R"("signed_text":"{id}.{body}","key_value_list":true)", "verification.id_header");
    for (const std::string_view readable :
         {R"("signed_text":"{timestamp}.{body}","tolerance_s":300,"timestamp_header":"x-ts")",
          R"("signed_text":"{timestamp}.{body}","tolerance_s":300,"key_value_list":true)",
          R"("signed_text":"{id}.{body}","id_header":"x-id")", R"("signed_text":"{body}")"}) {
        CAPTURE(std::string(readable));
        CHECK(make(readable).status == 201);
    }
}

TEST_CASE("sources: a generic one takes the tenant's own mapping and its channel") {
    Platform platform;
    const Client client = make_client(platform, "acme");
    REQUIRE(client.ask(platform, "PUT", "/v1/mappings/parcels", mapping).status == 201);
    const auto created = client.ask(
        platform, "POST", "/v1/sources",
        R"({"kind":"generic","slug":"p","verification":{"kind":"none"},"mapping":"parcels"})");
    REQUIRE_MESSAGE(created.status == 201, created.body);
    CHECK(member(created, "channel") == "ticketing");
    const auto before = platform.node->registry->source_by_slug("p")->stamp;

    const std::string changed = std::string(mapping) + "  - {type: parcel.seen}\n";
    CHECK(client.ask(platform, "PUT", "/v1/mappings/parcels", changed).status == 200);
    const auto after = platform.node->registry->source_by_slug("p")->stamp;
    CHECK(after != before);
    CHECK(platform.node->registry->bound_mapping(before));  // what is stamped with it still maps
    CHECK(platform.node->registry->bound_mapping(after));
    CHECK(member(client.ask(platform, "GET", "/v1/mappings/parcels"), "version") == "2");
}

TEST_CASE("sources: what a mapping does not use of their settings is kept with none of its facts") {
    Platform platform;
    const auto stamp_of = [&](std::string_view code, std::string_view department) {
        const Client client = make_client(platform, code);
        REQUIRE(client.ask(platform, "PUT", "/v1/mappings/parcels", mapping).status == 201);
        const auto made = client.ask(
            platform, "POST", "/v1/sources",
            fmt::format(R"({{"kind":"generic","slug":"{}","mapping":"parcels","country":"IN",)"
                        R"("department":"{}","verification":{{"kind":"none"}}}})",
                        code, department));
        REQUIRE_MESSAGE(made.status == 201, made.body);
        return platform.node->registry->source_by_slug(code)->stamp;
    };
    const std::string stamp = stamp_of("acme", "A-secret");
    CHECK(stamp_of("globex", "other") == stamp);
    const schemas::SourceSettings used{.country = "IN"};
    CHECK(platform.node->registry->bound_mapping(stamp)->settings() == used);
    platform.restart();
    CHECK(platform.node->registry->bound_mapping(stamp)->settings() == used);
    for (const auto& fact : bound_facts(platform.log)) CHECK(fact.settings.extra.empty());
}

TEST_CASE("sources: a mapping that changes in the middle of a command is not overlooked") {
    Platform platform;
    const Client client = make_client(platform, "acme");
    const std::string changed = std::string(mapping) + "  - {type: parcel.seen}\n";
    const std::string other =
        "mapping: other\nversion: 1\nchannel: ticketing\nbody: [json]\nemit:\n  - {type: "
        "web.seen}\n";
    REQUIRE(client.ask(platform, "PUT", "/v1/mappings/parcels", mapping).status == 201);
    REQUIRE(client.ask(platform, "PUT", "/v1/mappings/other", other).status == 201);
    const auto create = [&](std::string_view slug, std::string_view name) {
        const auto made = client.ask(
            platform, "POST", "/v1/sources",
            fmt::format(R"({{"kind":"generic","slug":"{}","secret":"abc","mapping":"{}",)"
                        R"("verification":{{"kind":"header"}}}})",
                        slug, name));
        REQUIRE_MESSAGE(made.status == 201, made.body);
    };
    create("first", "parcels");
    create("second", "other");
    const auto source = [&](std::string_view slug) {
        return platform.node->registry->source_by_slug(slug);
    };
    const auto put = [&](std::string_view text) {
        return client.ask(platform, "PUT", "/v1/mappings/parcels", text).status;
    };

    // It changes while a source is being given it.
    platform.node->clock.meanwhile = [&] { return put(changed) == 200; };
    CHECK(client
              .ask(platform, "PATCH", "/v1/sources/second", R"({"mapping":"parcels"})",
                   {{"idempotency-key", "1"}})
              .status == 200);
    CHECK(source("second")->stamp == source("first")->stamp);

    // A source changes while it is being bound to the new text.
    platform.node->clock.meanwhile = [&] {
        const auto tenant = source("first")->tenant;
        if (platform.node->registry->named_mapping(tenant, "parcels")->version < 3) return false;
        const auto rotated = client.ask(platform, "POST", "/v1/sources/first/rotate-secret", "{}");
        CHECK(rotated.status == 200);
        return true;
    };
    const auto before = source("first")->stamp;
    CHECK(put(mapping) == 200);
    CHECK(source("first")->stamp != before);
    CHECK(source("first")->secrets.size() == 2);
    CHECK(source("second")->stamp == source("first")->stamp);
}

TEST_CASE("sources: one keeps its channel, whatever its mapping becomes") {
    Platform platform;
    const Client client = make_client(platform, "acme");
    const std::string web =
        "mapping: seen\nversion: 1\nchannel: web\nbody: [json]\nemit:\n  - {type: web.seen}\n";
    REQUIRE(client.ask(platform, "PUT", "/v1/mappings/parcels", mapping).status == 201);
    REQUIRE(client.ask(platform, "PUT", "/v1/mappings/seen", web).status == 201);
    const auto made = client.ask(
        platform, "POST", "/v1/sources",
        R"({"kind":"generic","slug":"p","verification":{"kind":"none"},"mapping":"parcels"})");
    REQUIRE_MESSAGE(made.status == 201, made.body);
    const auto source = [&] { return platform.node->registry->source_by_slug("p"); };
    const std::string stamp = source()->stamp;

    const auto given = client.ask(platform, "PATCH", "/v1/sources/p", R"({"mapping":"seen"})");
    CHECK(given.status == 422);
    CHECK(given.body.find("make a source of its own") != std::string::npos);
    const auto put = client.ask(platform, "PUT", "/v1/mappings/parcels", web);
    CHECK(put.status == 422);
    CHECK(put.body.find("source 'p' maps with 'parcels'") != std::string::npos);
    CHECK(member(client.ask(platform, "GET", "/v1/mappings/parcels"), "version") == "1");
    CHECK(source()->topic == bus::Topic::ticketing);
    CHECK(source()->stamp == stamp);

    // Where no source maps with it, its channel is free.
    CHECK(client.ask(platform, "DELETE", "/v1/sources/p").status == 204);
    CHECK(client.ask(platform, "PUT", "/v1/mappings/parcels", web).status == 200);
}

TEST_CASE("mappings: one of another installation is bounded like one that is put") {
    Platform platform;
    const Client client = make_client(platform, "acme");
    const auto bind = [&](std::string_view text, std::string_view settings) {
        return client.ask(platform, "POST", "/v1/imports/mappings",
                          fmt::format(R"({{"stamp":"s","name":"parcels","text":{},"settings":{}}})",
                                      quoted(text), settings));
    };
    const std::string comment = "# " + std::string(256 * 1024, 'x') + "\n";
    const std::string word(4097, 'x');
    std::string words = R"("0":"")";
    for (int i = 1; i <= 1000; ++i) words += fmt::format(R"(,"{}":"")", i);
    CHECK(bind(comment + std::string(mapping), "{}").status == 413);
    CHECK(bind(mapping, fmt::format(R"({{"country":"{}"}})", word)).status == 422);
    CHECK(bind(mapping, fmt::format(R"({{"extra":{{"team":"{}"}}}})", word)).status == 422);
    CHECK(bind(mapping, fmt::format(R"({{"field_mapping":{{{}}}}})", words)).status == 422);
    CHECK(bind(mapping, fmt::format(R"({{"status_mapping":{{{}}}}})", words)).status == 422);
    const auto bound = bind(mapping, R"({"time_zone":"UTC","extra":{"team":"blue"}})");
    REQUIRE(bound.status == 200);
    CHECK(platform.node->registry->bound_mapping(member(bound, "stamp")));
}

TEST_CASE("sources: a client has so many and no more, and may change and delete those") {
    CHECK(producers::commands::ClientLimits{}.sources_max == 10'000);
    Platform platform;
    platform.node->context.limits.sources_max = 3;  // one of them came with the client
    const Client client = make_client(platform, "acme");
    const auto make = [&](const Client& by, std::string_view slug,
                          std::vector<bus::http::NameValue> more = {}) {
        return by.ask(platform, "POST", "/v1/sources",
                      fmt::format(R"({{"kind":"cloudevents","slug":"{}"}})", slug),
                      std::move(more));
    };
    REQUIRE(make(client, "a").status == 201);
    REQUIRE(make(client, "b", {{"idempotency-key", "once"}}).status == 201);
    const auto refused = make(client, "c");
    CHECK(refused.status == 422);
    CHECK(member(refused, "code") == "too_many");
    CHECK(refused.body.find("at most 3 sources: delete one") != std::string::npos);
    CHECK(make(client, "b", {{"idempotency-key", "once"}}).status == 201);  // the same once more
    CHECK(make(make_client(platform, "other"), "d").status == 201);
    CHECK(client.ask(platform, "PATCH", "/v1/sources/a", R"({"label":"A"})").status == 200);
    CHECK(client.ask(platform, "DELETE", "/v1/sources/a").status == 204);
    CHECK(make(client, "c").status == 201);
}

TEST_CASE("mappings: a client has so many and no more, and may change those") {
    constexpr int mappings_max = 256;
    Platform platform;
    const Client client = make_client(platform, "acme");
    const auto put = [&](const Client& to, int number, std::string_view text) {
        return to.ask(platform, "PUT", fmt::format("/v1/mappings/m{}", number), text);
    };
    for (int i = 0; i < mappings_max; ++i) REQUIRE(put(client, i, mapping).status == 201);
    const auto refused = put(client, mappings_max, mapping);
    CHECK(refused.status == 422);
    CHECK(member(refused, "code") == "too_many");
    CHECK(refused.body.find("at most 256 mappings") != std::string::npos);
    CHECK(put(client, 0, std::string(mapping) + "  - {type: parcel.seen}\n").status == 200);
    CHECK(put(make_client(platform, "other"), mappings_max, mapping).status == 201);
}

TEST_CASE("mappings: an invalid one is refused with its line and column") {
    Platform platform;
    const Client client = make_client(platform, "acme");
    const auto refused = client.ask(platform, "PUT", "/v1/mappings/bad",
                                    "mapping: bad\nversion: 1\nchannel: web\nnonsense: 3\n");
    CHECK(refused.status == 422);
    CHECK(member(refused, "fields.0.path").starts_with("4:"));
    CHECK(client.ask(platform, "GET", "/v1/mappings/bad").status == 404);
}

TEST_CASE("sources: a patch changes what it names, checks If-Match and clears with null") {
    Platform platform;
    const Client client = make_client(platform, "acme");
    const auto created = client.ask(platform, "POST", "/v1/sources", webhook_source);
    const auto path = "/v1/sources/" + member(created, "id");
    const auto etag = header(created, "ETag");
    const auto patched =
        client.ask(platform, "PATCH", path,
                   R"({"label":"Shop","team":"blue","field_mapping":{"a":"b","c":"d"}})",
                   {{"if-match", etag}});
    REQUIRE_MESSAGE(patched.status == 200, patched.body);
    CHECK(member(patched, "label") == "Shop");
    CHECK(member(patched, "team") == "blue");
    CHECK(member(patched, "slug") == "shop");
    CHECK(member(patched, "_meta.version") == "2");
    CHECK(client.ask(platform, "PATCH", path, R"({"label":"B"})", {{"if-match", etag}}).status ==
          412);
    const auto cleared = client.ask(platform, "PATCH", path,
                                    R"({"team":null,"field_mapping":{"a":null},"enabled":false})");
    CHECK(member(cleared, "team") == "");
    CHECK(member(cleared, "field_mapping.a") == "");
    CHECK(member(cleared, "field_mapping.c") == "d");
    CHECK_FALSE(platform.node->registry->source_by_slug("shop")->enabled);
    CHECK(client.ask(platform, "PATCH", path, R"({"kind":"generic"})").status == 422);
}

TEST_CASE("sources: a deleted one is gone for look-ups, its slug is free again") {
    Platform platform;
    const Client client = make_client(platform, "acme");
    const auto created = client.ask(platform, "POST", "/v1/sources", webhook_source);
    const auto path = "/v1/sources/" + member(created, "id");
    CHECK(client.ask(platform, "DELETE", path).status == 204);
    CHECK(client.ask(platform, "GET", path).status == 404);
    CHECK(client.ask(platform, "DELETE", path).status == 404);
    CHECK_FALSE(platform.node->registry->source_by_slug("shop"));
    const auto id = bus::parse_source_id(member(created, "id"));
    CHECK(platform.node->registry->source(*id)->deleted);  // its records still name it
    CHECK(client.ask(platform, "POST", "/v1/sources", webhook_source).status == 201);
}

TEST_CASE("sources: nobody sees or changes a source of another tenant") {
    Platform platform;
    const Client acme = make_client(platform, "acme");
    const Client other = make_client(platform, "other");
    const auto created = acme.ask(platform, "POST", "/v1/sources", webhook_source);
    const auto path = "/v1/sources/" + member(created, "id");
    CHECK(other.ask(platform, "GET", path).status == 404);
    CHECK(other.ask(platform, "GET", "/v1/sources/shop").status == 404);
    CHECK(other.ask(platform, "PATCH", path, R"({"label":"mine"})").status == 404);
    CHECK(other.ask(platform, "DELETE", path).status == 404);
    CHECK(other.ask(platform, "POST", path + "/rotate-secret", "{}").status == 404);
    CHECK(other.ask(platform, "GET", "/v1/sources").body.find("shop") == std::string::npos);
    REQUIRE(acme.ask(platform, "PUT", "/v1/mappings/parcels", mapping).status == 201);
    CHECK(other.ask(platform, "GET", "/v1/mappings/parcels").status == 404);
    const auto taken = other.ask(platform, "POST", "/v1/sources", webhook_source);
    CHECK(taken.status == 409);
    CHECK(member(taken, "fields.0.path") == "slug");
}

TEST_CASE("sources: account ids and default paths are unique in the installation") {
    Platform platform;
    const Client acme = make_client(platform, "acme");
    const Client other = make_client(platform, "other");
    const auto body = [](std::string_view slug) {
        return fmt::format(
            R"({{"kind":"standard_webhooks","slug":"{}","secret":"s","account_ids":["42"]}})",
            slug);
    };
    CHECK(acme.ask(platform, "POST", "/v1/sources", body("a")).status == 201);
    CHECK(platform.node->registry->source_by_account("standard_webhooks:42"));
    const auto taken = other.ask(platform, "POST", "/v1/sources", body("b"));
    CHECK(taken.status == 409);
    CHECK(member(taken, "fields.0.path") == "account_ids");
    CHECK(member(taken, "detail") == "'standard_webhooks:42' is taken");
    CHECK(taken.body.find("acme") == std::string::npos);
    CHECK(taken.body.find("src_") == std::string::npos);
    REQUIRE(acme.ask(platform, "DELETE", "/v1/sources/a").status == 204);
    CHECK(other.ask(platform, "POST", "/v1/sources", body("b")).status == 201);
}

TEST_CASE("sources: a list goes on behind one that was deleted") {
    Platform platform;
    const Client acme = make_client(platform, "acme");
    const Client other = make_client(platform, "other");
    for (const std::string_view slug : {"a", "b", "c"}) {
        const auto body =
            fmt::format(R"({{"kind":"standard_webhooks","slug":"{}","secret":"s"}})", slug);
        REQUIRE(acme.ask(platform, "POST", "/v1/sources", body).status == 201);
    }
    const auto page = [&](const Client& client, const std::string& query) {
        return client.ask(platform, "GET", "/v1/sources?" + query);
    };
    const auto first = page(acme, "limit=2");
    CHECK(member(first, "data.1.slug") == "a");
    const std::string cursor = member(first, "page.next_cursor");
    REQUIRE(acme.ask(platform, "DELETE", "/v1/sources/a").status == 204);
    const auto second = page(acme, "limit=1&cursor=" + cursor);
    REQUIRE(second.status == 200);
    CHECK(member(second, "data.0.slug") == "b");
    CHECK(member(page(acme, "cursor=" + member(second, "page.next_cursor")), "data.0.slug") == "c");
    CHECK(page(other, "cursor=" + cursor).status == 400);
    CHECK(page(acme, "cursor=src_0000000000000").status == 400);
    CHECK(page(acme, "limit=99999999999999999999").status == 400);
}

TEST_CASE("sources: a list has numbered pages, and refuses what it does not know") {
    Platform platform;
    const Client acme = make_client(platform, "acme");  // and its source of events
    for (const std::string_view slug : {"a", "b"}) {
        const auto body =
            fmt::format(R"({{"kind":"standard_webhooks","slug":"{}","secret":"s"}})", slug);
        REQUIRE(acme.ask(platform, "POST", "/v1/sources", body).status == 201);
    }
    const auto page = [&](const std::string& query) {
        return acme.ask(platform, "GET", "/v1/sources?" + query);
    };
    CHECK(member(page("limit=2&page=1"), "data.1.slug") == "a");
    const auto second = page("limit=2&page=2");
    CHECK(member(second, "data.0.slug") == "b");
    CHECK(member(second, "page.page") == "2");
    CHECK(member(second, "page.total") == "3");
    CHECK(member(second, "page.next_cursor") == "");
    CHECK(page("limit=2&page=3").body.find(R"("data":[])") != std::string::npos);
    CHECK(page("page=0").status == 400);
    for (const std::string unknown : {"nope=1", "enabled=false"}) {
        CAPTURE(unknown);
        const auto refused = page(unknown);
        CHECK(refused.status == 400);
        CHECK(refused.body.find("page, limit, cursor") != std::string::npos);
    }
    CHECK(platform.admin("GET", "/api/clients?nope=1").status == 400);
    CHECK(acme.ask(platform, "GET", "/v1/sources/a?nope=1").status == 400);
    CHECK(acme.ask(platform, "DELETE", "/v1/sources/a?nope=1").status == 400);
}

TEST_CASE("sources: of two commands in flight with one slug, exactly one wins") {
    for (int round = 0; round < 10; ++round) {
        Platform platform;
        const Client acme = make_client(platform, "acme");
        const Client other = make_client(platform, "other");
        REQUIRE(acme.ask(platform, "POST", "/v1/sources",
                         R"({"kind":"standard_webhooks","slug":"warm","secret":"s"})")
                    .status == 201);
        // Both are validated and published before either is durable.
        platform.log.hold_syncs();
        Response first, second;
        std::thread one([&] { first = acme.ask(platform, "POST", "/v1/sources", webhook_source); });
        std::thread two(
            [&] { second = other.ask(platform, "POST", "/v1/sources", webhook_source); });
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
        platform.log.release_syncs();
        one.join();
        two.join();
        CHECK(std::min(first.status, second.status) == 201);
        CHECK(std::max(first.status, second.status) == 409);
    }
}

TEST_CASE("sources: the same Idempotency-Key gives the same object, also after a change") {
    Platform platform;
    const Client client = make_client(platform, "acme");
    const std::vector<bus::http::NameValue> key{{"idempotency-key", "k"}};
    const auto first = client.ask(platform, "POST", "/v1/sources", webhook_source, key);
    REQUIRE(first.status == 201);
    const auto path = "/v1/sources/" + member(first, "id");
    REQUIRE(client.ask(platform, "PATCH", path, R"({"label":"later"})").status == 200);
    platform.restart();
    const auto again = client.ask(platform, "POST", "/v1/sources", webhook_source, key);
    CHECK(again.status == 201);
    CHECK(again.body == first.body);
    const auto other = client.ask(platform, "POST", "/v1/sources",
                                  R"({"kind":"standard_webhooks","slug":"b","secret":"s"})", key);
    CHECK(other.status == 409);
    CHECK(member(client.ask(platform, "GET", "/v1/sources"), "page.total") == "2");
}

TEST_CASE("sources: a retry that overtakes its first try gets the same object") {
    Platform platform;
    const Client client = make_client(platform, "acme");
    const std::vector<bus::http::NameValue> key{{"idempotency-key", "k"}};
    platform.log.hold_syncs();
    Response first, second;
    std::thread one(
        [&] { first = client.ask(platform, "POST", "/v1/sources", webhook_source, key); });
    std::thread two(
        [&] { second = client.ask(platform, "POST", "/v1/sources", webhook_source, key); });
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
    platform.log.release_syncs();
    one.join();
    two.join();
    CHECK(first.status == 201);
    CHECK(first.body == second.body);
    CHECK(member(client.ask(platform, "GET", "/v1/sources"), "page.total") == "2");
}

TEST_CASE("sources: rotating keeps the old secret for its grace time") {
    Platform platform;
    const Client client = make_client(platform, "acme");
    const auto created = client.ask(platform, "POST", "/v1/sources", webhook_source);
    const auto path = "/v1/sources/" + member(created, "id") + "/rotate-secret";
    const std::vector<bus::http::NameValue> key{{"idempotency-key", "r"}};
    const auto rotated = client.ask(platform, "POST", path, R"({"grace_s":60})", key);
    REQUIRE_MESSAGE(rotated.status == 200, rotated.body);
    const auto fresh = member(rotated, "new_secret");
    CHECK(fresh.starts_with("whsec_"));
    CHECK(client.ask(platform, "POST", path, R"({"grace_s":60})", key).body == rotated.body);
    const auto source = platform.node->registry->source_by_slug("shop");
    REQUIRE(source->secrets.size() == 2);
    CHECK(*platform.node->vault.open(source->tenant, source->secrets[0]) == fresh);
    CHECK(source->secrets[1].valid_until);
    const auto now_only = client.ask(platform, "POST", path, R"({"grace_s":0,"secret":"mine"})");
    CHECK(member(now_only, "new_secret") == "");
    CHECK(platform.node->registry->source_by_slug("shop")->secrets.size() == 1);
}

TEST_CASE("sources: a second rotation ends no grace by itself, and shortens one to its own") {
    Platform platform;
    const Client client = make_client(platform, "acme");
    const auto created = client.ask(platform, "POST", "/v1/sources", webhook_source);
    const auto path = "/v1/sources/" + member(created, "id") + "/rotate-secret";
    const auto rotate = [&](std::string_view secret, int grace_s) {
        return client
            .ask(platform, "POST", path,
                 fmt::format(R"({{"secret":"{}","grace_s":{}}})", secret, grace_s))
            .status;
    };
    const auto secrets = [&] {
        std::vector<std::string> open;
        const auto source = platform.node->registry->source_by_slug("shop");
        for (const auto& secret : source->secrets)
            open.push_back(*platform.node->vault.open(source->tenant, secret));
        return open;
    };
    using Texts = std::vector<std::string>;
    const std::string first = secrets().front();
    const bus::Timestamp start = platform.node->clock.now();
    REQUIRE(rotate("second", 3600) == 200);
    REQUIRE(rotate("third", 60) == 200);
    CHECK(secrets() == Texts{"third", "second", first});
    // The shorter grace of the later rotation is for all.
    for (const auto& secret : platform.node->registry->source_by_slug("shop")->secrets)
        if (secret.valid_until) CHECK(*secret.valid_until < start + bus::seconds{120});
    REQUIRE(rotate("fourth", 7200) == 200);
    CHECK(secrets() == Texts{"fourth", "third", "second", first});
    REQUIRE(platform.node->registry->source_by_slug("shop")->secrets[1].valid_until >
            start + bus::seconds{7000});
    CHECK(*platform.node->registry->source_by_slug("shop")->secrets[3].valid_until <
          start + bus::seconds{120});

    REQUIRE(rotate("fifth", 7200) == 200);
    CHECK(rotate("sixth", 7200) == 409);
    CHECK(secrets() == Texts{"fifth", "fourth", "third", "second", first});
    platform.node->clock.us += 600'000'000;
    REQUIRE(rotate("sixth", 7200) == 200);
    CHECK(secrets() == Texts{"sixth", "fifth", "fourth", "third"});
    REQUIRE(rotate("only", 0) == 200);
    CHECK(secrets() == Texts{"only"});
}

TEST_CASE("sources: no secret stands in any answer or record") {
    Platform platform;
    const Client client = make_client(platform, "acme");
    std::string answers;
    const auto keep = [&](const Response& response) {
        answers += response.body;
        for (const auto& [name, value] : response.headers) answers += value;
        return response;
    };
    const std::string marker = "MARKER-7f3a-secret-text-0001";
    const auto created = keep(client.ask(
        platform, "POST", "/v1/sources",
        fmt::format(
            R"({{"kind":"standard_webhooks","slug":"shop","secret":"{}-1","verify_token":"{}-2"}})",
            marker, marker)));
    REQUIRE(created.status == 201);
    const auto path = "/v1/sources/" + member(created, "id");
    keep(client.ask(platform, "GET", path));
    keep(client.ask(platform, "PATCH", path, fmt::format(R"({{"secret":"{}-3"}})", marker)));
    keep(client.ask(platform, "POST", path + "/rotate-secret",
                    fmt::format(R"({{"secret":"{}-4"}})", marker)));
    keep(client.ask(platform, "POST", "/v1/sources",
                    fmt::format(R"({{"kind":"standard_webhooks","slug":"{}","secret":"{}-5"}})",
                                "shop", marker)));
    keep(client.ask(platform, "GET", "/v1/sources"));
    std::string stored;
    for (const auto topic : {bus::Topic::control, bus::Topic::keys}) {
        REQUIRE(bus::read_to_end(platform.log, topic, 0, [&](const bus::RecordView& record) {
            stored.append(record.key).append(record.headers.bytes()).append(record.value);
            return bus::Result<bus::Done>{bus::Done{}};
        }));
    }
    REQUIRE(stored.size() > 1000);
    const std::string base64 = bus::to_base64(marker).substr(0, 36);
    for (const std::string& text : {answers, stored}) {
        CHECK(text.find(marker) == std::string::npos);
        CHECK(text.find(base64) == std::string::npos);
        CHECK(text.find(client.key) == std::string::npos);
    }
}

TEST_CASE("sources: after an upgrade they are bound to the new text, the old one still maps") {
    Platform platform;
    const Client client = make_client(platform, "acme");
    REQUIRE(client.ask(platform, "POST", "/v1/sources", webhook_source).status == 201);
    const auto before = platform.node->registry->source_by_slug("shop")->stamp;
    CHECK(*producers::commands::rebind_sources(platform.node->context) == 0);

    auto kinds = provider_kinds();
    for (auto& kind : kinds) {
        if (kind.kind != "standard_webhooks") continue;
        kind.mapping_text += "  - {type: seen.too}\n";
        kind.mapping = *schemas::Mapping::compile(kind.mapping_text, "standard_webhooks.yaml");
    }
    platform.restart(std::move(kinds));
    CHECK(*producers::commands::rebind_sources(platform.node->context) == 1);
    const auto after = platform.node->registry->source_by_slug("shop")->stamp;
    CHECK(after != before);
    CHECK(platform.node->registry->bound_mapping(before));
    CHECK(platform.node->registry->bound_mapping(after));
}
