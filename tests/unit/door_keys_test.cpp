#include "tests/unit/door_fixture.hpp"

using namespace door_test;

TEST_CASE_FIXTURE(DoorTest, "door: a body of very many values is keyed by its hash") {
    auto source = *bench.registry.source_by_slug("acme-open");
    source.dedup_paths.own().assign(16, "[]");
    bench.registry.put(source);
    const auto kind_of = [&](std::size_t ones) {
        std::string body = "[1";
        while (--ones > 0) body += ",1";
        const auto made = record({.path = "/webhooks/in/acme-open", .body = body + "]"});
        return std::string(made.headers.view().get(bus::header::dedup_kind));
    };
    CHECK(kind_of(bench.options.limits.dedup_values_max / 16) == "paths");
    CHECK(kind_of(bench.options.limits.dedup_values_max / 16 + 1) == "hash");
    CHECK(kind_of(100'000) == "hash");
}

namespace {

// The keys of bodies of one source with these dedup paths.
struct KeysTest : DoorTest {
    void use(std::vector<std::string> paths) {
        auto source = *bench.registry.source_by_slug("acme-open");
        source.dedup_paths.own() = std::move(paths);
        bench.registry.put(source);
    }
    bus::NewRecord sent(std::string body) {
        return record({.path = "/webhooks/in/acme-open", .body = std::move(body)});
    }
    bus::DedupKey key(std::string body) { return *sent(std::move(body)).dedup; }
    std::string kind(std::string body) {
        return std::string(sent(std::move(body)).headers.view().get(bus::header::dedup_kind));
    }
    // As every release made it of such values.
    bus::DedupKey key_of_values(std::vector<std::string_view> values) {
        const bus::crypto::HmacKey made_with(bus::crypto::Hash::sha256,
                                             bus::crypto::view(bench.options.installation_key));
        const auto source = bench.registry.source_by_slug("acme-open");
        return producers::fingerprint(made_with, source->tenant, source->id, 'p', values);
    }
};

}  // namespace

TEST_CASE_FIXTURE(KeysTest,
                  "door: a body is keyed by its hash where one of its elements has no value") {
    use({"events[].ids[]"});
    CHECK(kind(R"({"events":[{"ids":["A"]},{"t":"x"}]})") == "hash");
    CHECK(key(R"({"events":[{"ids":["A"]},{"t":"x"}]})") !=
          key(R"({"events":[{"ids":["A"]},{"t":"y"}]})"));
    CHECK(kind(R"({"events":[{"t":"x"},{"ids":["A"]}]})") == "hash");
    CHECK(kind(R"({"events":[{"ids":["A",null]}]})") == "hash");
    CHECK(kind(R"({"events":[{"ids":["A"]},{"ids":[]}]})") == "hash");
    CHECK(kind(R"({"events":[]})") == "hash");
    CHECK(key(R"({"events":[{"ids":["A"],"t":"x"}]})") ==
          key(R"({"events":[{"ids":["A"],"t":"y"}]})"));
}

TEST_CASE_FIXTURE(KeysTest, "door: which value is of which path counts in a key") {
    use({"a[].id", "b[].id"});
    const std::string first = R"({"a":[{"id":1}],"b":[{"id":2},{"id":3}]})";
    CHECK(key(first) != key(R"({"a":[{"id":1},{"id":2}],"b":[{"id":3}]})"));
    CHECK(key(first) == key(R"({"t":"x","a":[{"id":1}],"b":[{"id":2},{"id":3}]})"));
}

TEST_CASE_FIXTURE(KeysTest,
                  "door: where the number of values tells their paths, the key is theirs") {
    use({"a[].id", "b[].id"});
    CHECK(key(R"({"a":[{"id":1}],"b":[{"id":2}]})") == key_of_values({"1", "2"}));
    use({"a[].id", "id"});
    CHECK(key(R"({"a":[{"id":1},{"id":2}],"id":3})") == key_of_values({"1", "2", "3"}));
    use({"a[].id"});
    CHECK(key(R"({"a":[{"id":1},{"id":2}]})") == key_of_values({"1", "2"}));
}

TEST_CASE_FIXTURE(KeysTest, "door: of mail and of a multipart form no part is a parameter") {
    use({"id"});
    const auto kind_of = [&](std::string path, std::string type) {
        const auto made = record({.path = std::move(path),
                                  .body = "x\r\n\r\nhttp://y/?a=1&id=7&b=2",
                                  .fields = {{"Content-Type", std::move(type)}}});
        return std::string(made.headers.view().get(bus::header::dedup_kind));
    };
    const std::string form = "application/x-www-form-urlencoded";
    CHECK(kind_of("/webhooks/in/acme-open", "multipart/form-data; boundary=x") == "hash");
    CHECK(kind_of("/webhooks/in/acme-open", form) == "paths");

    auto mail = *bench.registry.source_by_slug("acme-mail");
    mail.dedup_paths.own() = {"id"};
    bench.registry.put(mail);
    CHECK(kind_of("/webhooks/mail/tok-acme-mail", "message/rfc822") == "hash");
    CHECK(kind_of("/webhooks/mail/tok-acme-mail", form) == "hash");  // curl calls it that
    mail.dedup_paths.own() = {"$header.content-type"};
    bench.registry.put(mail);
    CHECK(kind_of("/webhooks/mail/tok-acme-mail", "message/rfc822") == "paths");
}

TEST_CASE("query: the first parameter of a name counts") {
    using bus::http::query_value;
    CHECK(query_value("a=1&a=2&b=3", "a") == "1");
    CHECK(query_value("&&x&%61=b%26c+d=e&", "a") == "b&c d=e");
    CHECK(query_value("a&b", "a") == "");
    CHECK(query_value("a&b=", "b") == "");
    CHECK(query_value("=1", "") == "1");
    CHECK_FALSE(query_value("&&", ""));
    CHECK_FALSE(query_value("ab=1&c", "a"));
}

TEST_CASE_FIXTURE(DoorTest, "door: what Standard Webhooks are keyed by is what was signed") {
    auto source = bench.source(bench.acme, "generic_like", "acme-hooks", "standard_webhooks");
    source.secrets = {DoorBench::secret("sec_hooks", "whsec_" + bus::to_base64("hooks-marker"))};
    source.dedup_paths.own() = {"$header.webhook-id"};
    bench.registry.put(source);
    const std::string time = std::to_string(
        std::chrono::duration_cast<bus::seconds>(bench.clock.at.time_since_epoch()).count());
    const auto sent = [&](std::string_view names, std::string_view id) {
        const std::string prefix(names);
        const std::string signature = bus::to_base64(bus::crypto::hmac(
            bus::crypto::Hash::sha256, "hooks-marker", {id, ".", time, ".", "{}"}));
        return Asked{.path = "/webhooks/in/acme-hooks",
                     .fields = {{prefix + "-Id", std::string(id)},
                                {prefix + "-Timestamp", time},
                                {prefix + "-Signature", "v1," + signature}}};
    };
    const auto first = record(sent("Svix", "m1"));
    CHECK(first.headers.view().get(bus::header::dedup_kind) == "paths");
    CHECK(first.dedup != record(sent("Svix", "m2")).dedup);
    CHECK(first.dedup == record(sent("Webhook", "m1")).dedup);
    for (const auto& of_two : {std::pair{"Svix", "Webhook"}, std::pair{"Webhook", "Svix"}}) {
        const std::string names = of_two.first, other = of_two.second;
        CAPTURE(names);
        Asked asked = sent(names, "m1");
        asked.fields.insert(asked.fields.begin(), {other + "-Id", "unsigned"});
        const auto made = record(asked);
        CHECK(made.dedup == first.dedup);

        // The record alone proves the signature again.
        std::vector<FieldView> kept;
        made.headers.view().for_each([&](std::string_view name, std::string_view value) {
            CHECK(value != "unsigned");
            if (name.starts_with(bus::header::http_prefix))
                kept.push_back({name.substr(bus::header::http_prefix.size()), value});
        });
        const producers::RequestView request{"POST", asked.path, "", kept, made.value};
        CHECK(request.field("webhook-id") == "m1");
        const producers::verify::OpenedSecret secret{"sec_hooks", source.secrets[0].sealed, {}};
        const auto verifier = producers::verify::Verifier::compile(*source.verification);
        CHECK(verifier->verify(request, {&secret, 1}, bench.clock.at).verified);
    }
}
