// The program under load from several connections, killed at random moments and started again:
// everything that was answered 2xx is there once, in order, and the rows say the same.
#include "tests/support/child_platform.hpp"
#include "tests/support/local_broker.hpp"
#include "tests/support/sample_webhooks.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <thread>

using namespace tests;
using namespace std::chrono_literals;

namespace {

constexpr int tenants_count = 5;
constexpr int senders_per_tenant = 2;  // each its own source and connection
// So many that no conversation comes near the bound of its unread count, and one page lists them
// all.
constexpr int customers_per_sender = 90;
constexpr int resent_count = 20;
constexpr std::int64_t first_message_s = 1'772'359'200;  // 2026-03-01T10:00:00Z
constexpr auto retry_delay = 50ms;

int kills_wanted(int otherwise) {
    const char* text = std::getenv("TRIBUTARY_KILLS");
    return text ? std::atoi(text) : otherwise;
}

// One provider: sends its messages one after the other, and again until it is told 2xx.
struct Provider {
    Tenant tenant;
    Source source;
    std::string name;      // one digit
    int acknowledged = 0;  // messages 0 .. acknowledged-1 were answered 2xx
    std::string position{};
    std::string problem{};  // what must not happen, if it did

    std::string customer(int message) const {
        return fmt::format("9198{}{:07}", name, message % customers_per_sender);
    }
    std::string id(int message) const { return fmt::format("wamid.{}.{}", name, message); }
    Webhook webhook(int message) const {
        return meta_message(id(message), customer(message), fmt::format("message {}", message),
                            first_message_s + message, source.secret);
    }

    // True when the message was answered 2xx; false when the product was away or asked to wait.
    bool send(ProductClient& client, int message, bool must_be_known = false) {
        const Webhook sent = webhook(message);
        const auto answer = client.try_ingress("POST", source.path, sent.headers, sent.body);
        if (!answer || answer->status == 503) return false;
        if (answer->status / 100 != 2) {
            problem = fmt::format("{}: {} {}", id(message), answer->status, answer->body);
            return true;
        }
        if (must_be_known && answer->body.find(R"("duplicate":true)") == std::string::npos)
            problem = fmt::format("{} was not known any more: {}", id(message), answer->body);
        position = later(position, header_of(*answer, "x-position"));
        return true;
    }

    void send_until(const std::atomic<bool>& stop, ProductClient client) {
        while (!stop && problem.empty()) {
            if (send(client, acknowledged))
                ++acknowledged;
            else
                std::this_thread::sleep_for(retry_delay);
        }
    }

    // What was under way at the last kill, and some that are known.
    void settle(ProductClient& client) {
        while (problem.empty() && !send(client, acknowledged)) std::this_thread::sleep_for(50ms);
        ++acknowledged;
        for (int i = std::max(0, acknowledged - resent_count); i < acknowledged; ++i) {
            while (problem.empty() && !send(client, i, true)) std::this_thread::sleep_for(50ms);
        }
    }
};

std::vector<Provider> make_providers(ProductClient& client) {
    std::vector<Provider> providers;
    for (int t = 0; t < tenants_count; ++t) {
        const Tenant tenant = client.create_tenant(fmt::format("tenant-{}", t));
        for (int s = 0; s < senders_per_tenant; ++s) {
            const auto slug = fmt::format("wa-{}-{}", t, s);
            providers.push_back({.tenant = tenant,
                                 .source = client.create_source(tenant, "meta_cloud", slug, slug),
                                 .name = std::to_string(t * senders_per_tenant + s)});
        }
    }
    return providers;
}

void load_and_kill(ChildPlatform& child, std::vector<Provider>& providers, bus::milliseconds life) {
    std::atomic<bool> stop = false;
    std::vector<std::thread> threads;
    for (Provider& provider : providers) {
        threads.emplace_back([&, addresses = child.addresses()] {
            provider.send_until(stop, ProductClient(addresses));
        });
    }
    std::this_thread::sleep_for(life);
    child.kill();
    stop = true;
    for (auto& thread : threads) thread.join();
}

std::int64_t offset_of(std::string_view address) {
    return std::stoll(std::string(address.substr(address.rfind('/') + 1)));
}

// All pages of a conversation, newest first.
struct Stored {
    std::string id;
    std::int64_t offset = 0;
};
std::vector<Stored> messages_of(ProductClient& client, const Tenant& tenant,
                                std::string_view conversation) {
    std::vector<Stored> messages;
    std::string before;
    do {
        const auto page = client.list(
            tenant, fmt::format("/v1/conversations/{}/messages?limit=200{}", conversation, before));
        for (const auto& message : page.data()) {
            messages.push_back({.id = std::string(message["provider_message_id"].text()),
                                .offset = offset_of(message["source_event"]["address"].text())});
        }
        const auto cursor = page["page"]["next_cursor"].text();
        before = cursor.empty() ? "" : "&before=" + std::string(cursor);
    } while (!before.empty());
    return messages;
}

struct Found {
    std::map<std::string, std::int64_t> offsets;  // by message id
    std::size_t double_messages = 0;
    std::int64_t unread = 0;
    std::int64_t counted = 0;
};

Found found_of(ProductClient& client, const Tenant& tenant, const std::string& position) {
    Found found;
    const auto inbox = client.list(tenant, "/v1/conversations?limit=200", position);
    for (const auto& conversation : inbox.data()) {
        found.unread += conversation["unread_count"].integer().value_or(-1);
        found.counted += conversation["message_count"].integer().value_or(-1);
        for (const Stored& message : messages_of(client, tenant, conversation["id"].text()))
            found.double_messages += !found.offsets.emplace(message.id, message.offset).second;
    }
    return found;
}

std::int64_t measured_messages(ProductClient& client, const Tenant& tenant) {
    const auto answer = client.list(
        tenant, "/v1/measures/messages?from=2026-03-01T00:00:00Z&to=2027-03-01T00:00:00Z");
    std::int64_t sum = 0;
    for (const auto& group : answer.data()) sum += group["received"].integer().value_or(0);
    return sum;
}

void check_provider(const Provider& provider, const Found& found) {
    CAPTURE(provider.name);
    std::int64_t previous = -1;
    int lost = 0, out_of_order = 0;
    for (int message = 0; message < provider.acknowledged; ++message) {
        const auto stored = found.offsets.find(provider.id(message));
        if (stored == found.offsets.end()) {
            ++lost;
            continue;
        }
        out_of_order += stored->second <= previous;
        previous = stored->second;
    }
    CHECK(lost == 0);
    CHECK(out_of_order == 0);
}

void check_everything(ProductClient& client, const std::vector<Provider>& providers) {
    for (std::size_t first = 0; first < providers.size(); first += senders_per_tenant) {
        const std::vector<Provider> of_tenant(
            providers.begin() + static_cast<std::ptrdiff_t>(first),
            providers.begin() + static_cast<std::ptrdiff_t>(first) + senders_per_tenant);
        std::string position;
        std::int64_t sent = 0;
        for (const Provider& provider : of_tenant) {
            position = later(position, provider.position);
            sent += provider.acknowledged;
        }
        const Tenant& tenant = of_tenant[0].tenant;
        CAPTURE(tenant.code);
        const Found found = found_of(client, tenant, position);
        CHECK(found.double_messages == 0);
        CHECK(static_cast<std::int64_t>(found.offsets.size()) == sent);
        CHECK(found.counted == sent);
        CHECK(found.unread == sent);
        CHECK(measured_messages(client, tenant) == sent);
        for (const Provider& provider : of_tenant) check_provider(provider, found);
    }
}

void kill_and_compare(const std::string& log, int kills) {
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random(seed);
    ChildPlatform child(TRIBUTARY_PROGRAM, log);
    child.start();
    ProductClient setup(child.addresses());
    std::vector<Provider> providers = make_providers(setup);
    for (int i = 0; i < kills; ++i) {
        load_and_kill(child, providers, bus::milliseconds{50 + random() % 1'500});
        child.start();
    }
    ProductClient client(child.addresses());
    int sent = 0;
    for (Provider& provider : providers) {
        provider.settle(client);
        CHECK(provider.problem == "");
        sent += provider.acknowledged;
    }
    check_everything(client, providers);
    child.kill();
    child.start();  // once more: what is read does not depend on what was in memory
    ProductClient again(child.addresses());
    check_everything(again, providers);
    MESSAGE(log.substr(0, 8), ": ", sent, " messages acknowledged over ", kills, " kills");
    CHECK(sent > kills * tenants_count);
}

}  // namespace

#ifdef PLATFORM_KILL_ON_KAFKA
TEST_CASE("kill -9 under load on Kafka loses, doubles and reorders nothing") {
    kill_and_compare("kafka:" + LocalBroker::instance().bootstrap(), kills_wanted(5));
}
#else
TEST_CASE("kill -9 under load on the journal loses, doubles and reorders nothing") {
    kill_and_compare("embedded", kills_wanted(10));
}
#endif
