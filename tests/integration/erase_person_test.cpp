// One person is erased: of what no mapping could say whose it is goes what names her, and nothing
// else.
#include "tests/support/operator_jobs.hpp"
#include "tests/support/running_platform.hpp"

#include <set>

using namespace tests;

namespace {

const std::string json = "application/json", form = "application/x-www-form-urlencoded";

struct Client {
    explicit Client(const std::string& country = "IN")
        : tenant(client.create_tenant("shop", country)) {}

    // `further` ends in a comma.
    Source add_source(const std::string& kind, const std::string& further = {}) {
        return client.create_source(tenant, kind, "shop-" + kind, "",
                                    further + R"("verification":{"kind":"none"})");
    }
    void send(const Source& source, const std::string& content_type,
              const std::vector<std::string>& bodies) {
        Sender sender(client, source);
        for (const std::string& body : bodies)
            sender.send({.body = body, .headers = {{"content-type", content_type}}});
        position = later(position, sender.position());
    }
    std::string erase(const std::string& customer) {
        return report_of_job(
            running, client.api("POST", "/v1/erase", operator_headers(running),
                                fmt::format(R"({{"client":"shop","customer":"{}"}})", customer)));
    }
    // What came in and can still be read.
    std::multiset<std::string> bodies() {
        std::multiset<std::string> kept;
        const Answer listed = client.read(tenant, "/v1/ingest/requests?limit=200", position);
        const Document requests(listed);
        for (const auto& request : requests.data()) {
            const Answer raw =
                client.api("GET", fmt::format("/v1/ingest/requests/{}/raw", request["id"].text()),
                           tenant.headers());
            if (raw.status == 410) continue;
            REQUIRE_MESSAGE(raw.status == 200, raw.body);
            kept.insert(raw.body);
        }
        return kept;
    }

    RunningPlatform running;
    ProductClient client = running.client();
    Tenant tenant;
    std::string position;
};

using Bodies = std::vector<std::string>;

// Of +919876543210 nothing does, once she is erased.
void check_only_stay(Client& client, const Bodies& others) {
    const std::string report = client.erase("+919876543210");
    CHECK_MESSAGE(Document(report)["complete"].boolean() == true, report);
    CHECK(client.bodies() == std::multiset<std::string>(others.begin(), others.end()));
}

void check_goes(Client& client, const Source& source, const std::string& content_type,
                const std::string& hers, const std::string& others) {
    client.send(source, content_type, {hers, others});
    REQUIRE(client.bodies().size() == 2);
    check_only_stay(client, {others});
}

}  // namespace

TEST_CASE("erase: a body of which a mapping says nobody's key goes by what it names") {
    Client client;
    SUBCASE("one event, and nobody's") {
        check_goes(client, client.add_source("netcore"), json,
                   R"({"event":"opt_in","phone":"919876543210"})",
                   R"({"event":"opt_in","phone":"919876543211"})");
    }
    SUBCASE("no event") {
        const auto put = client.client.api(
            "PUT", "/v1/mappings/parcels", client.tenant.headers(),
            "mapping: parcels\nversion: 1\nchannel: web\nbody: [json]\nwhen: $body.state == sent\n"
            "key: [$body.id]\nfields:\n  customer_phone: {from: phone, as: phone}\n"
            "emit:\n  - {type: shop.parcel.sent}\n");
        REQUIRE_MESSAGE(put.status == 201, put.body);
        check_goes(client, client.add_source("generic", R"("mapping":"parcels",)"), json,
                   R"({"id":"1","state":"packed","phone":"919876543210"})",
                   R"({"id":"2","state":"packed","phone":"919876543211"})");
    }
}

TEST_CASE("erase: a body that names others beside her stays, and is said to") {
    Client client;
    const auto source = client.add_source("netcore");
    const std::string shared =
        R"({"incoming_message":[{"from":"919811111111","message_id":"m1","received_at":"1772359200","message_type":"TEXT","text_type":{"text":"ask 98765 43210"}}],"delivery_status":[{"ncmessage_id":"m2","status":"sent","received_at":"1772359200"}]})";
    const std::string others =
        R"({"incoming_message":[{"from":"919811111111","message_id":"m3","received_at":"1772359200","message_type":"TEXT","text_type":{"text":"ask 98765 43210"}}]})";
    client.send(source, json, {shared, others});
    const std::string report = client.erase("+919876543210");
    CHECK_MESSAGE(Document(report)["complete"].boolean() == false, report);
    CHECK_MESSAGE(report.find(R"("place":"shared records","found":1)") != std::string::npos,
                  report);
    CHECK(client.bodies() == std::multiset<std::string>{shared, others});
}

TEST_CASE("erase: a number is found as a source's country dials it, though the client has none") {
    Client client("");
    // Without its CallSid no call is mapped.
    const std::string hers = "CallFrom=09876543210&CallTo=08047100000";
    const std::string others = "CallFrom=09876543211&CallTo=08047100000";
    SUBCASE("by default of its mapping") {
        check_goes(client, client.add_source("exotel"), form, hers, others);
    }
    SUBCASE("as it was set up") {
        check_goes(client, client.add_source("netcore", R"("country":"IN",)"), json,
                   R"({"phone":"98765 43210"})", R"({"phone":"98765 43211"})");
    }
    SUBCASE("and was deleted") {
        const Source calls = client.add_source("exotel");
        client.send(calls, form, {hers, others});
        const Answer deleted =
            client.client.api("DELETE", "/v1/sources/" + calls.id, client.tenant.headers());
        REQUIRE_MESSAGE(deleted.status / 100 == 2, deleted.body);
        check_only_stay(client, {others});
    }
}
