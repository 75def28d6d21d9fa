#include "tests/prove/ingress_hunt.hpp"

#include <algorithm>
#include <set>

namespace tests::prove {
namespace {

constexpr const char* own_secret = "a-secret-of-the-hunter";

std::set<std::string> event_ids_of(ProductClient& client, const MarkedTenant& tenant) {
    std::set<std::string> ids;
    const Document requests =
        client.list(tenant.tenant, "/v1/ingest/requests?limit=200", tenant.position);
    for (const auto& request : requests.data()) ids.insert(request["id"].scalar_text());
    return ids;
}

bool tells_any(const Answer& answer, const std::set<std::string>& ids) {
    std::string text = answer.body;
    for (const auto& [name, value] : answer.headers) text += "\n" + value;
    return std::any_of(ids.begin(), ids.end(),
                       [&](const std::string& id) { return text.find(id) != text.npos; });
}

std::vector<Webhook> stories_of(const MarkedTenant& victim) {
    std::vector<Webhook> all;
    for (int number = 0; number < stories; ++number)
        all.push_back(chat_story(victim.marker, number, own_secret));
    return all;
}

std::string told_again(ProductClient& client, const MarkedTenant& victim,
                       const MarkedTenant& hunter) {
    const auto ids = event_ids_of(client, victim);
    if (ids.empty()) return "the victim has no events";
    const Source own =
        client.create_source(hunter.tenant, "interakt", hunter.tenant.code + "-again", own_secret);
    for (const Webhook& story : stories_of(victim)) {
        const Answer answer = client.ingress("POST", own.path, story.headers, story.body);
        if (answer.status / 100 != 2) return answer.body;
        if (Document(answer)["duplicate"].boolean() != false || tells_any(answer, ids))
            return "a copy: " + answer.body;
    }
    return "events of its own";
}

// "/webhooks/..." of the url.
std::string path_of(const std::string& url) {
    const auto host = url.find("//");
    return host == url.npos ? url : url.substr(url.find('/', host + 2));
}

std::string at_its_doors(ProductClient& client, const MarkedTenant& victim) {
    const auto ids = event_ids_of(client, victim);
    const Document sources = client.list(victim.tenant, "/v1/sources?limit=200");
    std::size_t doors = 0;
    for (const auto& source : sources.data())
        for (const Webhook& story : stories_of(victim)) {
            const Answer answer = client.ingress("POST", path_of(source["url"].scalar_text()),
                                                 story.headers, story.body);
            const bool tells =
                tells_any(answer, ids) || answer.body.find(victim.marker) != answer.body.npos;
            if (answer.status != 401 || tells)
                return fmt::format("{} {}", answer.status, answer.body);
            ++doors;
        }
    return doors > 0 ? "401 without a word" : "the victim has no sources";
}

// The victim's code with the hunter's key.
std::string as_its_client(ProductClient& client, const MarkedTenant& victim,
                          const MarkedTenant& hunter) {
    const Answer answer = client.ingress(
        "POST", "/v1/events",
        {{"x-api-key", hunter.tenant.key},
         {"x-client-code", victim.tenant.code},
         {"content-type", "application/cloudevents+json"}},
        R"({"specversion":"1.0","id":"1","source":"/hunt","type":"own.thing.told","data":{}})");
    return fmt::format("{}", answer.status);
}

}  // namespace

void hunt_by_ingress(Section& section, ProductClient& client, const MarkedTenant& victim,
                     const MarkedTenant& hunter) {
    section.fault("another's events, told to a source of one's own", "events of its own",
                  [&] { return told_again(client, victim, hunter); });
    section.fault("another's sources, with a secret of one's own", "401 without a word",
                  [&] { return at_its_doors(client, victim); });
    section.fault("another's code, with a key of one's own", "403",
                  [&] { return as_its_client(client, victim, hunter); });
}

}  // namespace tests::prove
