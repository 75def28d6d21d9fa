#include "tests/prove/marked_tenant.hpp"

#include <chrono>

namespace tests::prove {
namespace {

constexpr std::int64_t start_s = 1'772'359'200;  // 2026-03-01T10:00:00Z

std::string person_of(int story) {
    return fmt::format("9198000077{:02}", story);
}

class Teller {
public:
    Teller(ProductClient& client, MarkedTenant& marked, std::mt19937_64& random)
        : client_(client), marked_(marked), random_(random) {}

    void tell() {
        put_mapping();
        mark_client();
        for (int i = 0; i < stories; ++i) tell_story(i);
    }
    void make_sources() {
        const std::string label = fmt::format(R"("label":"{}")", marked_.marker);
        chat_ = make("interakt", "chat", label);
        calls_ = make("ivr", "calls", std::string(ivr_source) + "," + label);
        bills_ = make("stripe", "bills", label);
        mails_ = make("email", "mails",
                      R"("verification":{"kind":"header","header":"x-mail-key"},)"
                      R"("address":"help@shop.example",)" +
                          label);
    }

private:
    Source make(const std::string& kind, const std::string& what, const std::string& further) {
        const std::string secret = "secret" + random_word(random_, 24);
        marked_.secrets.push_back(secret);
        return client_.create_source(marked_.tenant, kind, marked_.tenant.code + "-" + what, secret,
                                     further);
    }
    // What the operator calls it, and a key of it.
    void mark_client() {
        const Headers admin{{"authorization", "Bearer " + client_.addresses().admin_key}};
        const std::string client = "/api/clients/" + marked_.tenant.code;
        const auto named =
            client_.api("PATCH", client, admin, fmt::format(R"({{"name":"{}"}})", marked_.marker));
        REQUIRE_MESSAGE(named.status == 200, named.body);
        const auto key = client_.api("POST", client + "/keys", admin,
                                     fmt::format(R"({{"label":"{}"}})", marked_.marker));
        REQUIRE_MESSAGE(key.status == 201, key.body);
    }
    void put_mapping() {
        const std::string text = fmt::format(
            "mapping: own\nversion: 1\nchannel: web\nbody: [json]\n# {}\nkey: [$body]\n"
            "emit:\n  - {{type: own.thing.happened}}\n",
            marked_.marker);
        const auto put = client_.api("PUT", "/v1/mappings/own", marked_.tenant.headers(), text);
        REQUIRE_MESSAGE(put.status / 100 == 2, put.body);
    }

    void tell_story(int number) {
        const std::string& mark = marked_.marker;
        const auto id = [&](std::string_view what) {
            return fmt::format("{}-{}-{}", mark, what, number);
        };
        const std::string person = person_of(number);
        send(chat_, chat_story(mark, number, chat_.secret));
        send(calls_, ivr_call(id("c"), "0" + person.substr(2), number % 2 ? "ANSWER" : "NOANSWER",
                              fmt::format("2026-03-01 09:{:02}:00", number),
                              fmt::format("2026-03-01 09:{:02}:40", number), calls_.secret));
        const auto now = std::chrono::duration_cast<std::chrono::seconds>(
            std::chrono::system_clock::now().time_since_epoch());
        send(
            bills_,
            stripe_event(
                id("e"), "customer.created",
                fmt::format(
                    R"({{"id":"cus-{}","object":"customer","name":"{}","email":"{}@shop.example"}})",
                    id("p"), mark, mark),
                start_s + number, now.count(), bills_.secret));
        send(mails_,
             {.body = fmt::format("From: {0} <{0}@shop.example>\r\nTo: help@shop.example\r\n"
                                  "Subject: about {0}\r\nMessage-ID: <{1}@shop.example>\r\n"
                                  "Date: Sun, 01 Mar 2026 10:00:{2:02} +0000\r\n\r\n{0}\r\n",
                                  mark, id("mail"), number),
              .headers = {{"content-type", "message/rfc822"}, {"x-mail-key", mails_.secret}}});
        tell_what_does_not_fit(number);
    }
    // Refused and kept as rejected; taken and kept as a dead letter; an event of its own programs.
    void tell_what_does_not_fit(int number) {
        const std::string& mark = marked_.marker;
        auto forged = interakt_message(mark, "919800000001", mark, "2026-03-01T10:00:00", "wrong");
        (void)client_.ingress("POST", chat_.path, forged.headers, forged.body);
        send(chat_, signed_json(fmt::format(R"({{"type":"message_received","x":"{}","n":{}}})",
                                            mark, number),
                                chat_.secret, "interakt-signature"));
        const auto answer = client_.ingress(
            "POST", "/v1/events",
            with(marked_.tenant.headers(), {{"content-type", "application/cloudevents+json"}}),
            fmt::format(R"({{"specversion":"1.0","id":"{}{}","source":"/{}","type":"own.{}.told",)"
                        R"("data":{{"text":"{}"}}}})",
                        mark, number, mark, mark, mark));
        REQUIRE_MESSAGE(answer.status / 100 == 2, answer.body);
    }
    void send(const Source& source, const Webhook& webhook) {
        // The query is kept with the request.
        const std::string target = source.path +
                                   (source.path.find('?') == source.path.npos ? "?" : "&") +
                                   "of=" + marked_.marker;
        const auto answer = client_.ingress("POST", target, webhook.headers, webhook.body);
        REQUIRE_MESSAGE(answer.status / 100 == 2, source.path, " ", answer.body);
        marked_.position = later(marked_.position, header_of(answer, "x-position"));
    }

    ProductClient& client_;
    MarkedTenant& marked_;
    std::mt19937_64& random_;
    Source chat_, calls_, bills_, mails_;
};

}  // namespace

std::string random_word(std::mt19937_64& random, std::size_t length) {
    constexpr std::string_view letters = "abcdefghjkmnpqrstuvwxyz23456789";
    std::string word;
    while (word.size() < length) word += letters[random() % letters.size()];
    return word;
}

Webhook chat_story(const std::string& marker, int number, std::string_view secret) {
    return interakt_message(fmt::format("{}-m-{}", marker, number), person_of(number),
                            "text " + marker, fmt::format("2026-03-01T10:{:02}:00", number),
                            secret);
}

MarkedTenant tell_marked(ProductClient& client, const std::string& code, std::mt19937_64& random) {
    MarkedTenant marked;
    marked.marker = "mark" + random_word(random, 12);
    marked.tenant = client.create_tenant(code);
    marked.secrets.push_back(marked.tenant.key);
    Teller teller(client, marked, random);
    teller.make_sources();
    teller.tell();
    return marked;
}

}  // namespace tests::prove
