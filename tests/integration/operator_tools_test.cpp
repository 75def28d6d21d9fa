// The operator's tools against the running product: tail, get, graph, listen, dead-letters (S-02,
// S-05, S-09). Commands are the program itself, asked as a person asks it.
#include "bus/ids.hpp"
#include "tests/support/running_platform.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <future>
#include <map>
#include <mutex>
#include <thread>

using namespace tests;

namespace {

constexpr std::int64_t start_s = 1'772'359'200;  // 2026-03-01T10:00:00Z

struct Ran {
    int exit_code = -1;
    std::string out;  // and error
    bool says(std::string_view text) const { return out.find(text) != std::string::npos; }
};

Ran run(const std::string& arguments) {
    Ran ran;
    std::FILE* pipe = ::popen((TRIBUTARY_PROGRAM " " + arguments + " 2>&1").c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::array<char, 4096> part{};
    while (const std::size_t got = std::fread(part.data(), 1, part.size(), pipe))
        ran.out.append(part.data(), got);
    const int status = ::pclose(pipe);
    ran.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return ran;
}

std::size_t lines_with(const std::string& text, std::string_view part) {
    std::size_t lines = 0;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + part.size()))
        ++lines;
    return lines;
}

// A shop whose commands know its folder.
struct Desk : Shop {
    std::string data() const { return " --data '" + running.data().string() + "'"; }
    Ran ask(const std::string& arguments) const { return run(arguments + data()); }
};

// --- a developer's machine

struct Received {
    std::string line;  // "POST /hooks?x=1 HTTP/1.1"
    std::map<std::string, std::string> headers;
    std::string body;
};

// Answers every request with one status, on a port that it can leave and come back to.
class DeveloperServer {
public:
    explicit DeveloperServer(std::uint16_t port = 0, int status = 200) : status_(status) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const int yes = 1;
        ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_port = htons(port);
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
        socklen_t size = sizeof at;
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
        port_ = ntohs(at.sin_port);
        REQUIRE(::listen(listener_, 16) == 0);
        thread_ = std::thread([this] { serve(); });
    }
    ~DeveloperServer() {
        ::shutdown(listener_, SHUT_RDWR);
        ::close(listener_);
        thread_.join();
    }
    std::uint16_t port() const { return port_; }
    std::string url(const std::string& path) const {
        return fmt::format("http://127.0.0.1:{}{}", port_, path);
    }
    std::vector<Received> received() const {
        const std::lock_guard lock(mutex_);
        return received_;
    }

private:
    void serve() {
        for (;;) {
            const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (connection < 0) return;
            answer(connection);
            ::close(connection);
        }
    }

    void answer(int connection) {
        std::string bytes;
        std::array<char, 4096> part{};
        std::size_t head = std::string::npos, body = 0;
        while (head == std::string::npos || bytes.size() < head + 4 + body) {
            const auto got = ::recv(connection, part.data(), part.size(), 0);
            if (got <= 0) return;
            bytes.append(part.data(), static_cast<std::size_t>(got));
            if (head != std::string::npos || (head = bytes.find("\r\n\r\n")) == std::string::npos)
                continue;
            const Received told = read_head(bytes.substr(0, head));
            const auto length = told.headers.find("content-length");
            body = length == told.headers.end() ? 0 : std::stoul(length->second);
        }
        Received told = read_head(bytes.substr(0, head));
        told.body = bytes.substr(head + 4);
        {
            const std::lock_guard lock(mutex_);
            received_.push_back(std::move(told));
        }
        const std::string reply = fmt::format(
            "HTTP/1.1 {} Said\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", status_);
        (void)::send(connection, reply.data(), reply.size(), MSG_NOSIGNAL);
    }

    static Received read_head(const std::string& head) {
        Received told;
        std::size_t at = head.find("\r\n");
        told.line = head.substr(0, at);
        while (at != std::string::npos && at < head.size()) {
            const std::size_t begin = at + 2;
            at = head.find("\r\n", begin);
            const std::string line = head.substr(begin, at - begin);
            const std::size_t colon = line.find(':');
            told.headers[bus::to_lower_ascii(line.substr(0, colon))] =
                bus::trim(line.substr(colon + 1));
        }
        return told;
    }

    int listener_ = -1;
    std::uint16_t port_ = 0;
    const int status_;
    mutable std::mutex mutex_;
    std::vector<Received> received_;
    std::thread thread_;
};

// The mapping of a generic source; `path` is where it looks for the order's id.
std::string order_mapping(std::string_view path) {
    return fmt::format(R"(mapping: orders
version: 1
channel: web
body: [json]
fields:
  customer_phone: {{from: $body.phone, as: phone}}
  object_id: {{from: {}, required: true}}
  title: $body.state
time: {{from: $body.at, format: iso}}
key: [$body.id]
identity: {{phone: customer_phone}}
emit:
  - {{type: order.state.changed}}
)",
                       path);
}

void put_mapping(Desk& desk, std::string_view path) {
    const auto put =
        desk.client.api("PUT", "/v1/mappings/orders", desk.tenant.headers(), order_mapping(path));
    REQUIRE_MESSAGE(put.status / 100 == 2, put.body);
}

Sender order_sender(Desk& desk) {
    return desk.sender(
        "generic", "orders", "s3",
        R"("mapping":"orders","verification":{"kind":"header","header":"x-order-secret"})");
}

Webhook order(std::string_view id) {
    return {.body = fmt::format(
                R"({{"id":"{}","phone":"09811111113","state":"paid","at":"2026-03-01T10:00:00Z"}})",
                id),
            .headers = {{"content-type", "application/json"}, {"x-order-secret", "s3"}}};
}

std::string first_letter(Desk& desk, const std::string& position) {
    const auto letters = desk.client.list(desk.tenant, "/v1/quarantine", position);
    REQUIRE(letters.size() > 0);
    return std::string(letters.data()[0]["id"].text());
}

}  // namespace

TEST_CASE("tail shows what the filters leave, by record type and by event type") {
    Desk desk;
    Sender whatsapp = desk.sender("meta_cloud", "wa", "s1");
    Sender calls = desk.sender("ivr", "ivr", "s-ivr", std::string(ivr_source));
    for (int i = 0; i < 30; ++i)
        whatsapp.send(
            meta_message(fmt::format("wamid.{}", i), "919811111111", "hi", start_s + i, "s1"));
    calls.send(ivr_call("c1", "09811111112", "ANSWER", "2026-03-01 11:00:00", "2026-03-01 11:01:05",
                        "s-ivr"));
    calls.send(ivr_call("c2", "09811111112", "NOANSWER", "2026-03-01 11:00:00",
                        "2026-03-01 11:01:05", "s-ivr"));
    const auto shown = [&](const std::string& filter) {
        const Ran ran = desk.ask("tail --json " + filter);
        CHECK_MESSAGE(ran.exit_code == 0, ran.out);
        return lines_with(ran.out, "\"address\":");
    };
    CHECK(shown("--tenant shop --type 'whatsapp.*' --last 100") == 30);
    CHECK(shown("--type 'whatsapp.message.received' --last 7") == 7);
    CHECK(shown("--type '*.missed' --last 100") == 1);
    CHECK(shown("--type 'ivr.call.?issed' --last 100") == 1);
    CHECK(shown("--type ingest.request.received --source ivr --last 100") == 2);
    CHECK(shown("--type 'platform.*' --tenant shop --topic chat --last 100") == 0);
    CHECK(shown("--source wa --from 2020-01-01T00:00:00Z") == 30);
    CHECK(shown("--source wa --from 2090-01-01T00:00:00Z") == 0);
    std::vector<std::string> times;
    const auto requests = desk.client.list(desk.tenant, "/v1/ingest/requests?source=wa&limit=200");
    for (const auto& request : requests.data()) times.emplace_back(request["received_at"].text());
    const auto since = [&](const std::string& time) {
        return std::count_if(times.begin(), times.end(),
                             [at = *bus::from_iso(time)](const std::string& told) {
                                 return *bus::from_iso(told) >= at;  // .5Z is before .500001Z
                             });
    };
    for (const std::size_t place : {1, 14, 28})
        CHECK(shown("--source wa --from " + times[place]) ==
              static_cast<std::size_t>(since(times[place])));
    CHECK(desk.ask("tail --source nobodys").exit_code == 1);
    CHECK(desk.ask("tail --from yesterday").says("is a time like"));
    const Ran readable = desk.ask("tail --type '*.missed'");
    CHECK_MESSAGE(readable.says("-> ivr.call.missed"), readable.out);
}

TEST_CASE("get shows a record by its address, by its request and by its event") {
    Desk desk;
    Sender whatsapp = desk.sender("meta_cloud", "wa", "s1");
    const Document answer(
        whatsapp.send(meta_message("wamid.1", "919811111111", "is it open?", start_s, "s1")));
    const auto events = desk.client.list(desk.tenant, "/v1/events", whatsapp.position());
    const std::string event(events.data()[0]["id"].text());
    const std::string address(events.data()[0]["address"].text());
    for (const std::string& what : {answer.text("event_id"), event, address}) {
        const Ran ran = desk.ask("get " + what);
        CHECK_MESSAGE(ran.exit_code == 0, ran.out);
        CHECK(ran.says("event whatsapp.message.received " + event));
        CHECK(ran.says("ce_type: ingest.request.received"));
        CHECK(ran.says("text: is it open?"));
        CHECK(ran.says("\"is it open?\""));  // the body
    }
    CHECK(desk.ask("get " + event + " --tenant nobody").exit_code == 1);
    CHECK(desk.ask("get chat/0/4000").exit_code == 1);
    CHECK(desk.ask("get nonsense").says("there is no request or event 'nonsense'"));
}

TEST_CASE("a body of two clients is shown to each in part, and verify says what it cannot prove") {
    Desk desk;
    const Tenant other = desk.client.create_tenant("other");
    std::string entries;
    for (const auto& [tenant, slug, number] : {std::tuple{desk.tenant, "shop-wa", "5550001"},
                                               std::tuple{other, "other-wa", "5550002"}}) {
        desk.client.create_source(tenant, "meta_cloud", slug, "of-the-application",
                                  fmt::format(R"("account_ids":["{}"])", number));
        entries += fmt::format(
            R"({}{{"id":"1","changes":[{{"field":"messages","value":{{"metadata":{{"phone_number_id":"{}"}},"messages":[{{"id":"wamid.{}","from":"919811111111","timestamp":"{}","type":"text","text":{{"body":"for {}"}}}}]}}}}]}})",
            entries.empty() ? "" : ",", number, slug, start_s, slug);
    }
    const Webhook both =
        signed_json(R"({"object":"whatsapp_business_account","entry":[)" + entries + "]}",
                    "of-the-application", "x-hub-signature-256");
    for (int copy = 0; copy < 2; ++copy) {
        const auto answer =
            desk.client.ingress("POST", "/api/whatsapp/webhook", both.headers, both.body);
        CHECK(answer.status == 200);
    }
    for (const auto& [code, own, others] : {std::tuple{"shop", "for shop-wa", "for other-wa"},
                                            std::tuple{"other", "for other-wa", "for shop-wa"}}) {
        const Ran tail =
            desk.ask(fmt::format("tail --json --topic chat --tenant {} --last 9", code));
        CHECK(lines_with(tail.out, "\"address\":") == 1);
        const auto at = tail.out.find("chat/");
        REQUIRE(at != tail.out.npos);
        const Ran shown = desk.ask("get " + tail.out.substr(at, tail.out.find('"', at) - at));
        CHECK_MESSAGE(shown.says(own), shown.out);
        CHECK_FALSE(shown.says(others));
        CHECK(shown.says("tr_value: part"));
        CHECK(shown.says("tr_whole: " +
                         bus::to_hex(bus::crypto::view(bus::crypto::sha256(both.body)))));
    }
    const Ran proof = desk.ask("verify --log-only");
    CHECK_MESSAGE(proof.exit_code == 0, proof.out);
    CHECK(proof.says(" parts=2 "));
    CHECK(proof.says("remark 2 records are parts of bodies that named several tenants"));
}

TEST_CASE("graph shows where an event came from and what it changed") {
    Desk desk;
    Sender whatsapp = desk.sender("meta_cloud", "wa", "s1");
    const Document request(
        whatsapp.send(meta_message("wamid.1", "919811111111", "hi", start_s, "s1")));
    whatsapp.send(meta_receipt("wamid.1", "919811111111", "failed", start_s + 5, "s1"));
    const auto events = desk.client.list(desk.tenant, "/v1/events?type=whatsapp.message.received",
                                         whatsapp.position());
    const std::string event(events.data()[0]["id"].text());
    const auto graph = desk.client.list(desk.tenant, "/v1/events/" + event + "/graph");
    const auto root = graph["graph"];
    CHECK(root["kind"].text() == "request");
    CHECK(root["id"].text() == request.text("event_id"));
    REQUIRE(root["children"].size() == 1);
    const auto told = root["children"].at(0);
    CHECK(told["id"].text() == event);
    CHECK(told["asked"].boolean() == true);
    std::map<std::string, schemas::json::Value> rows;
    told["children"].each_element(
        [&](schemas::json::Value row) { rows.emplace(row["kind"].text(), row); });
    CHECK(rows["customer"]["label"].text() == "Customer 919811111111 phone:+919811111111");
    CHECK(rows["line"]["label"].text() == "WhatsApp text message received");
    CHECK(rows["message"]["label"].text() == "in text, received");
    std::map<std::string, schemas::json::Value> below;
    rows["message"]["children"].each_element(
        [&](schemas::json::Value row) { below.emplace(row["kind"].text(), row); });
    CHECK(below["conversation"]["label"].text() == "1 messages, 1 unread");
    CHECK(below["event"]["label"].text() == "whatsapp.message.failed");

    const Ran text = desk.ask("graph " + event + " --tenant shop");
    CHECK_MESSAGE(text.exit_code == 0, text.out);
    CHECK(text.says("    event " + event));
    CHECK(text.says("<- asked"));
    CHECK(desk.ask("graph " + request.text("event_id") + " --tenant shop").exit_code == 0);
    CHECK(desk.ask("graph nonsense --tenant shop").exit_code == 1);
    const Tenant other = desk.client.create_tenant("neighbour");
    CHECK(desk.client.read(other, "/v1/events/" + event + "/graph").status == 404);
}

TEST_CASE("graph shows a call with its reports, an account and a dead letter") {
    Desk desk;
    Sender calls = desk.sender("ivr", "ivr", "s-ivr", std::string(ivr_source));
    calls.send(ivr_call("c1", "09811111112", "ANSWER", "2026-03-01 11:00:00", "2026-03-01 11:01:05",
                        "s-ivr"));
    Sender billing = desk.sender("stripe", "stripe", "s-stripe");
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count();
    billing.send(stripe_event(
        "evt_1", "invoice.payment_failed",
        R"({"id":"in_1","object":"invoice","customer":"cus_1","customer_phone":"+919811111112","currency":"inr","total":49900,"status":"open"})",
        start_s, now, "s-stripe"));
    Sender whatsapp = desk.sender("meta_cloud", "wa", "s1");
    const Document broken(whatsapp.send(meta_webhook(
        R"("messages":[{"from":"919811111111","timestamp":"1772359200","type":"text"}])", "s1")));
    const std::string all = later(later(calls.position(), billing.position()), whatsapp.position());
    const auto tree = [&](const std::string& type) {
        const auto events = desk.client.list(desk.tenant, "/v1/events?type=" + type, all);
        REQUIRE(events.size() == 1);
        return desk.ask("graph --tenant shop " + std::string(events.data()[0]["id"].text())).out;
    };
    const std::string call = tree("ivr.call.completed");
    CHECK_MESSAGE(call.find("call call_") != call.npos, call);
    CHECK(call.find("ivr.call.reported") != call.npos);
    const std::string account = tree("billing.invoice.payment_failed");
    CHECK_MESSAGE(account.find("account bcu_") != account.npos, account);
    CHECK(account.find("invoice in_1") != account.npos);
    const std::string letter = desk.ask("graph --tenant shop " + broken.text("event_id")).out;
    CHECK_MESSAGE(letter.find("dead_letter dead_") != letter.npos, letter);
    CHECK(letter.find("message_id: is absent, open") != letter.npos);
}

TEST_CASE("listen forwards requests as they came, in order, to the URL's path") {
    Desk desk;
    Sender whatsapp = desk.sender("meta_cloud", "wa", "s1");
    std::vector<Webhook> sent;
    for (int i = 0; i < 40; ++i)
        sent.push_back(meta_message(fmt::format("wamid.{}", i), "919811111111",
                                    fmt::format("text {} \xe0\xa4\xa8", i), start_s + i, "s1"));
    for (const Webhook& webhook : sent) whatsapp.send(webhook);
    const DeveloperServer developer(0, 500);  // an answer is an answer
    const Ran ran = desk.ask(
        "listen --tenant shop --source wa --from 2020-01-01T00:00:00Z "
        "--count 40 --forward-to " +
        developer.url("/hooks"));
    CHECK_MESSAGE(ran.exit_code == 0, ran.out);
    CHECK(lines_with(ran.out, "-> 500 in ") == 40);
    const auto received = developer.received();
    REQUIRE(received.size() == sent.size());
    for (std::size_t i = 0; i < sent.size(); ++i) {
        CHECK(received[i].line == "POST /hooks HTTP/1.1");
        CHECK(received[i].body == sent[i].body);
        const auto& headers = received[i].headers;
        CHECK(headers.at("content-type") == "application/json");
        CHECK(headers.at("x-hub-signature-256") == sent[i].headers[1].second);
        CHECK(headers.at("tributary-path").starts_with("/api/whatsapp/webhook/"));
        CHECK(headers.contains("tributary-request-id"));
    }
}

TEST_CASE("listen keeps a query, follows what comes, and waits for a URL that is away") {
    Desk desk;
    Sender kaleyra = desk.sender("kaleyra_voice", "kv", "s-kv",
                                 R"("verification":{"kind":"header","header":"x-call-secret"})");
    const auto call = [&](int number) {
        const auto answer = desk.client.ingress(
            "GET",
            kaleyra.source().path + fmt::format("?id=c{}&status=ANSWER&caller=a%20b", number),
            {{"x-call-secret", "s-kv"}});
        CHECK(answer.status == 200);
    };
    std::uint16_t port = 0;
    {
        const DeveloperServer once;
        port = once.port();
    }
    auto listening = std::async(std::launch::async, [&] {
        return desk.ask(
            fmt::format("listen --tenant shop --source kv --count 3 --json "
                        "--forward-to http://127.0.0.1:{}",
                        port));
    });
    std::this_thread::sleep_for(std::chrono::milliseconds{700});  // it begins with what comes now
    for (int i = 0; i < 3; ++i) call(i);
    std::this_thread::sleep_for(std::chrono::milliseconds{800});  // refused at least once
    const DeveloperServer developer(port);
    const Ran ran = listening.get();
    CHECK_MESSAGE(ran.exit_code == 0, ran.out);
    CHECK_MESSAGE(ran.says("\"status\":0"), ran.out);
    CHECK(lines_with(ran.out, "\"status\":200") == 3);
    const auto received = developer.received();
    REQUIRE(received.size() == 3);
    for (int i = 0; i < 3; ++i)
        CHECK_MESSAGE(received[static_cast<std::size_t>(i)].line.starts_with(
                          fmt::format("GET /webhooks/kaleyra/callback")),
                      received[static_cast<std::size_t>(i)].line);
    CHECK(received[2].line.find("?id=c2&status=ANSWER&caller=a%20b ") != std::string::npos);
    CHECK(received[2].body.empty());
}

TEST_CASE("listen refuses what it cannot do, and says why") {
    Desk desk;
    desk.sender("meta_cloud", "wa", "s1");
    for (const std::string url :
         {"ftp://127.0.0.1/x", "file:///etc/passwd", "localhost:80", "http://", "http://a\\ b/"})
        CHECK_MESSAGE(desk.ask("listen --tenant shop --source wa --forward-to '" + url + "'")
                          .says("is no URL like"),
                      url);
    CHECK(desk.ask("listen --tenant shop --source none --forward-to http://127.0.0.1:1")
              .says("there is no source 'none'"));
    CHECK(desk.ask("listen --tenant none --source wa --forward-to http://127.0.0.1:1")
              .says("there is no tenant 'none'"));
    const Tenant other = desk.client.create_tenant("neighbour");
    CHECK(desk.ask("listen --tenant neighbour --source wa --forward-to http://127.0.0.1:1")
              .says("there is no source 'wa'"));
}

TEST_CASE("a dry run shows what a mended mapping makes of dead letters, and changes nothing") {
    Desk desk;
    put_mapping(desk, "$body.order_id");
    Sender orders = order_sender(desk);
    for (const char* id : {"o1", "o2", "o3"}) orders.send(order(id));
    const std::string letter = first_letter(desk, orders.position());
    const Ran before = desk.ask("dead-letters replay --dry-run --tenant shop " + letter);
    CHECK_MESSAGE(before.says("fails"), before.out);
    CHECK(before.says("its mapping is the newest"));
    CHECK(before.says("object_id: is absent"));

    put_mapping(desk, "$body.id");
    const Ran mended = desk.ask("dead-letters replay --dry-run --tenant shop " + letter);
    CHECK_MESSAGE(mended.says(letter + " mended"), mended.out);
    CHECK(mended.says("-> order.state.changed"));
    const Ran bulk = desk.ask("dead-letters replay --all --source orders --dry-run --tenant shop");
    CHECK_MESSAGE(bulk.says("examined=3 more=false mended=3 events=3"), bulk.out);
    const auto one = desk.client.api("POST", "/v1/quarantine/" + letter + "/replay",
                                     desk.tenant.headers(), R"({"dry_run":true})");
    CHECK(one.status == 200);
    CHECK(Document(one)["events"].at(0)["fields"]["title"].text() == "paid");
    CHECK(desk.client.list(desk.tenant, "/v1/quarantine").size() == 3);
    CHECK(desk.client.list(desk.tenant, "/v1/events").size() == 0);
    CHECK(desk.client
              .api("POST", "/v1/quarantine/bulk-replay", desk.tenant.headers(),
                   R"({"dry_run":true,"limit":0})")
              .status == 400);
    CHECK(desk.client
              .api("POST", "/v1/quarantine/bulk-replay", desk.tenant.headers(),
                   R"({"dry_run":true,"sauce":"x"})")
              .status == 400);
    CHECK(desk.client
              .api("POST", "/v1/quarantine/dead_0/replay", desk.tenant.headers(),
                   R"({"dry_run":true})")
              .status == 404);
}

TEST_CASE("a replay mends dead letters one by one and all of a source, and keeps what it mended") {
    Desk desk;
    put_mapping(desk, "$body.order_id");
    Sender orders = order_sender(desk);
    for (const char* id : {"o1", "o2", "o3", "o4"}) {
        orders.send(order(id));
        std::this_thread::sleep_for(std::chrono::milliseconds{3});  // each in its own millisecond
    }
    const auto list = desk.client.list(desk.tenant, "/v1/quarantine", orders.position());
    REQUIRE(list.size() == 4);
    const std::string newest(list.data()[0]["id"].text());
    const std::string second(list.data()[1]["id"].text());
    const auto open = [&] { return desk.client.list(desk.tenant, "/v1/quarantine").size(); };
    const auto mended = [&] { return desk.client.list(desk.tenant, "/v1/events").size(); };
    const Ran too_early = desk.ask("dead-letters replay --tenant shop " + newest);
    CHECK_MESSAGE(too_early.says("mends none of them"), too_early.out);

    put_mapping(desk, "$body.id");
    const Ran built = desk.ask("dead-letters replay --tenant shop " + newest);
    CHECK_MESSAGE(built.exit_code == 0, built.out);
    CHECK_MESSAGE(built.says("switched=false"), built.out);
    CHECK(open() == 4);
    CHECK(run("replay --drop" + desk.data()).exit_code == 0);

    const Ran one = desk.ask("dead-letters replay --switch --tenant shop " + newest);
    CHECK_MESSAGE(one.says("switched=true"), one.out);
    CHECK(open() == 3);
    CHECK(mended() == 1);
    const Ran next =
        desk.ask("dead-letters replay --switch --without-expired --tenant shop " + second);
    CHECK_MESSAGE(next.says("switched=true"), next.out);
    CHECK(open() == 2);
    CHECK(mended() == 2);  // the first one stays mended
    const Ran all = desk.ask("dead-letters replay --all --source orders --switch --tenant shop");
    CHECK_MESSAGE(all.says("switched=true"), all.out);
    CHECK(open() == 0);
    const auto events = desk.client.list(desk.tenant, "/v1/events");
    REQUIRE(events.size() == 4);
    const std::string event(events.data()[0]["id"].text());
    CHECK(desk.client.list(desk.tenant, "/v1/events/" + event)["fields"]["title"].text() == "paid");
    CHECK(desk.ask("graph --tenant shop " + event).says("<- asked"));
    orders.send(order("o5"));
    CHECK(desk.client.list(desk.tenant, "/v1/events", orders.position()).size() == 5);
    CHECK(desk.client.api("POST", "/v1/quarantine/" + newest + "/replay", desk.tenant.headers())
              .status == 403);
}

TEST_CASE("a discarded dead letter is listed apart, and stays so when the rows are built anew") {
    Desk desk;
    put_mapping(desk, "$body.order_id");
    Sender orders = order_sender(desk);
    for (const char* id : {"o1", "o2", "o3"}) orders.send(order(id));
    const std::string letter = first_letter(desk, orders.position());
    const Ran plan = desk.ask("dead-letters discard --tenant shop " + letter);
    CHECK_MESSAGE(plan.says("would discard"), plan.out);
    CHECK(desk.client.list(desk.tenant, "/v1/quarantine").size() == 3);
    const Ran done =
        desk.ask("dead-letters discard --tenant shop --commit --reason 'a test' " + letter);
    CHECK_MESSAGE(done.says("discarded "), done.out);
    CHECK(done.exit_code == 0);
    const auto again =
        desk.client.api("POST", "/v1/quarantine/" + letter + "/discard", desk.tenant.headers());
    CHECK(again.status == 200);
    CHECK(std::count_if(again.headers.begin(), again.headers.end(),
                        [](const auto& header) { return header.first == "x-position"; }) == 1);

    const auto check = [&](ProductClient& client, const std::string& position) {
        const auto open = client.list(desk.tenant, "/v1/quarantine", position);
        CHECK(open.size() == 2);
        for (const auto& object : open.data()) CHECK(object["status"].text() == "open");
        const auto discarded = client.list(desk.tenant, "/v1/quarantine?status=discarded");
        REQUIRE(discarded.size() == 1);
        CHECK(discarded.data()[0]["id"].text() == letter);
        CHECK(discarded.data()[0]["status"].text() == "discarded");
        return std::string(discarded.data()[0]["discarded_by"].text());
    };
    const std::string fact = check(desk.client, header_of(again, "x-position"));
    const Ran why = desk.ask("get " + fact);
    CHECK_MESSAGE(why.says("ingest.event.discarded"), why.out);
    CHECK(why.says("a test"));
    CHECK(desk.ask("dead-letters list --tenant shop --status discarded").says("shown=1"));
    CHECK(desk.ask("dead-letters show --tenant shop " + letter).says("discarded at"));

    desk.running.stop();
    std::filesystem::remove_all(desk.running.data() / "stores");
    desk.running.start();
    ProductClient rebuilt = desk.running.client();
    CHECK(check(rebuilt, header_of(again, "x-position")) == fact);
    const Tenant other = rebuilt.create_tenant("neighbour");
    CHECK(rebuilt.api("POST", "/v1/quarantine/" + letter + "/discard", other.headers()).status ==
          404);
}

TEST_CASE("every command is listed, and shows an example of its own") {
    const Ran all = run("--help");
    CHECK(all.exit_code == 0);
    const auto begin = all.out.find("Subcommands:");
    REQUIRE(begin != std::string::npos);
    std::size_t commands = 0;
    for (std::size_t at = all.out.find('\n', begin); at + 3 < all.out.size();
         at = all.out.find('\n', at + 1)) {
        const std::size_t end = all.out.find_first_of(" \n", at + 3);
        if (all.out.compare(at, 3, "\n  ") != 0 || all.out[at + 3] == ' ') continue;
        const std::string command = all.out.substr(at + 3, end - at - 3);
        const Ran help = run(command + " --help");
        CHECK(help.exit_code == 0);
        CHECK_MESSAGE((help.says("Example") || help.says("Subcommands:")), command);
        ++commands;
    }
    CHECK(commands >= 12);
}
