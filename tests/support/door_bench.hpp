// A door with kinds of every shape and one tenant of each, for tests of the door and the edge.
#pragma once

#include "producers/door.hpp"
#include "tests/support/fake_registry.hpp"

namespace tests {

// "Seals" by writing the plain text: sealing has tests of its own.
class PlainSecrets final : public producers::SecretOpener {
public:
    bus::Result<std::string> open(bus::TenantId, const schemas::SealedSecret& secret) override {
        ++opened;
        if (fails) return bus::fail(*fails, "it does not open");
        return secret.sealed;
    }
    std::optional<bus::ErrorCode> fails;
    int opened = 0;
};

class FixedClock final : public bus::Clock {
public:
    bus::Timestamp now() override { return at; }
    bus::Timestamp at{std::chrono::seconds{1'800'000'000}};
};

inline schemas::ProviderKind make_kind(std::string name, bus::Topic topic) {
    schemas::ProviderKind kind;
    kind.kind = std::move(name);
    kind.topic = topic;
    return kind;
}

struct DoorBench {
    FakeRegistry registry;
    PlainSecrets secrets;
    FixedClock clock;
    int catch_ups = 0;
    std::function<void()> on_catch_up;
    producers::DoorOptions options;

    bus::TenantId acme, globex;

    DoorBench() {
        add_kinds();
        acme = registry.add_tenant("acme");
        globex = registry.add_tenant("globex");
        registry.add_key(acme, "key-of-acme");
        registry.add_key(globex, "key-of-globex");
        add_sources();
    }

    std::unique_ptr<producers::Door> open() {
        return std::make_unique<producers::Door>(producers::DoorPorts{.registry = registry,
                                                                      .secrets = secrets,
                                                                      .catch_up =
                                                                          [this] {
                                                                              ++catch_ups;
                                                                              if (on_catch_up)
                                                                                  on_catch_up();
                                                                          },
                                                                      .clock = clock,
                                                                      .ids = bus::random_ids()},
                                                 options);
    }

    static schemas::SealedSecret secret(std::string id, std::string plain) {
        schemas::SealedSecret made;
        made.id = std::move(id);
        made.sealed = std::move(plain);
        return made;
    }

    void add_kinds() {
        auto chat = make_kind("meta_like", bus::Topic::chat);
        chat.paths = {"/api/whatsapp/webhook", "/api/whatsapp/webhook/:token"};
        chat.url_path = "/api/whatsapp/webhook/{token}";
        chat.verification.kind = "meta";
        chat.account_id_paths = {"entry[].changes[].value.metadata.phone_number_id", "entry[].id"};
        chat.dedup_paths = {"entry[].changes[].value.messages[].id"};
        chat.handshake_meta = true;
        chat.response_content_type = "text/plain; charset=utf-8";
        registry.add_kind(chat);

        auto calls = make_kind("ivr_like", bus::Topic::voice);
        calls.paths = {"/webhooks/ivr/:slug"};
        calls.url_path = "/webhooks/ivr/{slug}";
        calls.methods = {"POST", "GET"};
        registry.add_kind(calls);

        auto query = make_kind("query_like", bus::Topic::voice);
        query.paths = {"/webhooks/calls/callback"};
        query.methods = {"GET"};
        query.body_is_query = true;
        query.response_content_type = "text/plain";
        query.response_body = "OK";
        registry.add_kind(query);

        auto generic = make_kind("generic_like", bus::Topic::web);
        generic.url_path = "/webhooks/in/{slug}";
        generic.kept_headers = {"x-topic", "authorization", "x-secret"};
        registry.add_kind(generic);

        auto mail = make_kind("mail_like", bus::Topic::email);
        mail.url_path = "/webhooks/mail/{token}";
        registry.add_kind(mail);

        auto events = make_kind("cloudevents", bus::Topic::web);
        events.url_path = "/webhooks/events/{slug}";
        registry.add_kind(events);
    }

    schemas::Source source(bus::TenantId tenant, std::string kind, std::string slug,
                           std::string verification) const {
        schemas::Source made;
        made.tenant = tenant;
        made.topic = registry.provider(kind)->topic;
        made.kind = std::move(kind);
        made.token_hash = FakeRegistry::hash_of("tok-" + slug);
        made.slug = std::move(slug);
        made.verification.own().kind = std::move(verification);
        made.stamp = "0123456789abcdef0123456789abcdef";
        return made;
    }

    void add_sources() {
        for (const auto& [tenant, name] :
             {std::pair{acme, std::string("acme")}, std::pair{globex, std::string("globex")}}) {
            auto chat = source(tenant, "meta_like", name + "-chat", "scheme");
            chat.secrets = {secret("sec_" + name, name + "-app-secret")};
            chat.account_ids = {"meta_like:phone-" + name};
            chat.verify_token_hash = FakeRegistry::hash_of(name + "-verify-token");
            registry.put(chat);
        }
        auto calls = source(acme, "ivr_like", "acme-ivr", "query");
        calls.verification.own().parameter = "key";
        calls.secrets = {secret("sec_query", "query-marker")};
        registry.put(calls);

        auto callback = source(acme, "query_like", "acme-callback", "query");
        callback.secrets = {secret("sec_callback", "callback-marker")};
        registry.put(callback);

        auto header = source(acme, "generic_like", "acme-header", "header");
        header.verification.own().header = "X-Secret";
        header.secrets = {secret("sec_header", "header-marker")};
        registry.put(header);

        auto basic = source(acme, "generic_like", "acme-basic", "basic");
        basic.verification.own().user = "hook";
        basic.secrets = {secret("sec_basic", "basic-marker")};
        registry.put(basic);

        registry.put(source(acme, "generic_like", "acme-open", "none"));

        auto off = source(acme, "generic_like", "acme-off", "none");
        off.enabled = false;
        registry.put(off);

        registry.put(source(acme, "mail_like", "acme-mail", "none"));
        registry.put(source(acme, "cloudevents", "acme-events", "none"));
    }

    static std::string sign(std::string_view secret, std::string_view body) {
        return "sha256=" +
               bus::to_hex(bus::crypto::hmac(bus::crypto::Hash::sha256, secret, {body}));
    }
    static std::string chat_change(std::string_view phone, std::string_view message_id) {
        return fmt::format(
            R"({{"field":"messages","value":)"
            R"({{"metadata":{{"phone_number_id":"{}"}},"messages":[{{"id":"{}","from":"91"}}]}}}})",
            phone, message_id);
    }
    static std::string chat_entry(std::string_view id, const std::vector<std::string>& changes) {
        return fmt::format(R"({{"id":"{}","changes":[{}]}})", id, fmt::join(changes, ","));
    }
    static std::string chat_body(const std::vector<std::string>& entries) {
        return fmt::format(R"({{"object":"x","entry":[{}]}})", fmt::join(entries, ","));
    }
    static std::string chat_body(std::string_view phone, std::string_view message_id) {
        return chat_body({chat_entry("1", {chat_change(phone, message_id)})});
    }
    // Globex's chat gets acme's secret: both belong to one application of the provider.
    schemas::Source share_secret() {
        auto globex_chat = *registry.source_by_account("meta_like:phone-globex");
        globex_chat.secrets = {secret("sec_shared", "acme-app-secret")};
        registry.put(globex_chat);
        return globex_chat;
    }
};

}  // namespace tests
