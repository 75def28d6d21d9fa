// Payloads as providers really sent them, through the doors: each file has a tenant and a source of
// its own, is signed anew, sent to the source's url, and read back through the API as bytes, as
// events and as the rows that must show it. What must come out stands in fixtures_expected.hpp.
#include "schemas/providers/built_in.hpp"
#include "tests/integration/fixtures_expected.hpp"
#include "tests/support/fixture_files.hpp"
#include "tests/support/running_platform.hpp"
#include "tests/support/signing.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <set>
#include <thread>

using namespace tests;

namespace {

namespace fs = std::filesystem;
namespace json = schemas::json;

constexpr std::string_view proving_header = "x-fixture-secret";
constexpr std::string_view plain_secret = "fixture:secret";
constexpr std::string_view standard_secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr std::string_view mailbox = "help@example.org";

// Takes any form and says only that something came: for providers without a file of their own.
constexpr std::string_view kept_mapping = R"(mapping: kept
version: 1
channel: web
body: [json, form, query]
fields:
  channel: {const: web}
key: [$body]
emit:
  - {type: fixture.payload.kept}
)";

// One request as a provider would make it.
struct Payload {
    fs::path path;
    std::string body;
    std::string content_type = "application/json";
    bool is_query = false;
};

// How the files of a folder are sent.
struct Sending {
    std::string kind;
    std::string further = {};  // members of the source's record
};

std::string header_proof() {
    return fmt::format(R"("verification":{{"kind":"header","header":"{}"}})", proving_header);
}

std::string member_of(const fs::path& file, std::string_view name) {
    json::Parser parser;
    const std::string text = read_fixture(file);
    std::string out;
    (*parser.parse(text))[name].append_to(out);
    return out;
}

// What the API shows of a tenant.
struct Shown {
    std::vector<std::string> types;           // of the events
    std::vector<std::string> letters;         // dead letters, "path: reason"
    std::map<std::string, std::size_t> rows;  // "conversations" -> 1, without zeros
};

using Totals = std::map<std::string, std::size_t>;

std::string words(const Totals& totals) {
    std::vector<std::string> counted;
    for (const auto& [name, number] : totals) counted.push_back(fmt::format("{} {}", number, name));
    return fmt::format("{}", fmt::join(counted, ", "));
}

void add(const Shown& shown, Totals& totals) {
    for (const std::string& type : shown.types) ++totals[type];
    for (const auto& [name, number] : shown.rows) totals[name] += number;
    if (!shown.letters.empty()) totals["dead letters"] += shown.letters.size();
}

class Doors {
public:
    explicit Doors(fs::path root) : root_(std::move(root)) {
        auto kinds = schemas::built_in_providers();
        REQUIRE_MESSAGE(kinds, (kinds ? "" : kinds.error().message));
        kinds_ = *std::move(kinds);
    }
    const fs::path& root() const { return root_; }
    ProductClient& client() { return client_; }

    Tenant next_tenant() { return client_.create_tenant(fmt::format("fixture-{}", ++number_)); }

    Source source(const Tenant& tenant, const Sending& sending) {
        std::string further = sending.further;
        if (kind(sending.kind).verification.kind.empty())
            further += (further.empty() ? "" : ",") + header_proof();
        if (sending.kind == "generic") {
            further += R"(,"mapping":"kept")";
            const auto put = client_.api("PUT", "/v1/mappings/kept", tenant.headers(),
                                         std::string(kept_mapping));
            REQUIRE_MESSAGE(put.status == 201, put.body);
        }
        return client_.create_source(tenant, sending.kind, fmt::format("fixture-{}", number_),
                                     std::string(secret_of(sending.kind)), further);
    }

    Answer send(const Sending& sending, const Source& source, const Payload& payload) {
        Headers headers = proof(sending.kind, source.secret, payload.body);
        if (payload.is_query)
            return client_.ingress("GET", source.path + "?" + payload.body, headers);
        headers.emplace_back("content-type", payload.content_type);
        return client_.ingress("POST", source.path, headers, payload.body);
    }

private:
    const schemas::ProviderKind& kind(std::string_view name) const {
        const auto found = std::find_if(kinds_.begin(), kinds_.end(),
                                        [&](const auto& known) { return known.kind == name; });
        REQUIRE(found != kinds_.end());
        return *found;
    }
    std::string_view secret_of(std::string_view kind) const {
        return kind == "standard_webhooks" ? standard_secret : plain_secret;
    }
    Headers proof(std::string_view name, const std::string& secret, std::string_view body) const {
        schemas::Verification verification = kind(name).verification;
        if (verification.kind.empty()) {
            verification.kind = "header";
            verification.header = proving_header;
        }
        Headers headers;
        const Signing signing{.secret = secret, .now = bus::system_clock().now()};
        for (auto& [header, value] : signed_headers(verification, signing, body))
            headers.emplace_back(std::move(header), std::move(value));
        return headers;
    }

    fs::path root_;
    std::vector<schemas::ProviderKind> kinds_;
    RunningPlatform running_;
    ProductClient client_ = running_.client();
    std::size_t number_ = 0;
};

std::string as_path_part(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        out += std::isalnum(byte) ? std::string(1, c) : fmt::format("%{:02X}", byte);
    }
    return out;
}

// Reads what a tenant's rows show, and checks that they say what the events say.
class Rows {
public:
    Rows(ProductClient& client, const Tenant& tenant) : client_(client), tenant_(tenant) {}

    Shown read() {
        Shown shown;
        const Document events = list("/v1/events?limit=200");
        for (const auto& event : events.data()) {
            shown.types.push_back(event["type"].scalar_text());
            follow(event["id"].scalar_text());
        }
        const Document letters = list("/v1/quarantine?limit=200");
        for (const auto& letter : letters.data())
            shown.letters.push_back(letter["path"].scalar_text() + ": " +
                                    letter["reason"].scalar_text());
        std::sort(shown.types.begin(), shown.types.end());
        count_rows();
        shown.rows = std::move(counted_);
        return shown;
    }

private:
    Document list(const std::string& target) { return client_.list(tenant_, target); }

    // One event: its people's timelines, and the row of what it is about.
    void follow(const std::string& id) {
        const Document event = list("/v1/events/" + id);
        event["keys"].each_element([&](json::Value key) {
            keys_.insert(key["kind"].scalar_text() + ":" + key["key"].scalar_text());
        });
        const std::string type = event.text("type");
        if (type == "whatsapp.message.received") check_message(event);
        if (type == "ivr.call.reported") check_call(event);
        if (type == "email.message.received" || type == "email.message.sent") check_mail(event);
        if (type.starts_with("billing.") && !type.ends_with(".notified")) check_customer(event);
    }

    void check_message(const Document& event) {
        const Document inbox = list("/v1/conversations?limit=200");
        for (const auto& conversation : inbox.data()) {
            const Document messages = list(fmt::format("/v1/conversations/{}/messages?limit=200",
                                                       conversation["id"].scalar_text()));
            for (const auto& message : messages.data()) {
                if (message["provider_message_id"].text() !=
                    event["fields"]["message_id"].scalar_text())
                    continue;
                CHECK(message["text"].scalar_text() == event["fields"]["text"].scalar_text());
                CHECK(message["kind"].text() == event["fields"]["kind"].text());
                CHECK(message["media_id"].scalar_text() ==
                      event["fields"]["media_id"].scalar_text());
                return;
            }
        }
        FAIL_CHECK("no message ", event["fields"]["message_id"].scalar_text());
    }

    void check_call(const Document& event) {
        const Document calls = list("/v1/ivr-calls?limit=200");
        REQUIRE(calls.size() == 1);
        const json::Value call = calls.data()[0];
        CHECK(call["provider_call_id"].scalar_text() == event["fields"]["call_id"].scalar_text());
        CHECK(call["caller"].scalar_text() == event["fields"]["caller"].scalar_text());
        CHECK(call["raw_status"].text() == event["raw"]["status"].text());
        CHECK(call["recording_url"].text() == event["fields"]["recording_url"].text());
    }

    void check_mail(const Document& event) {
        const Document mails = list("/v1/emails?limit=200");
        for (const auto& mail : mails.data()) {
            if (mail["source_event"]["event_id"].text() != event.text("id")) continue;
            CHECK(mail["from"].text() == event["fields"]["from"].text());
            CHECK(mail["message_id"].text() == event["fields"]["message_id"].text());
            // A mail that says that it comes from the future happened when it came.
            CHECK(mail["at"].text() == std::min(event.text("time"), event.text("received_at")));
            return;
        }
        FAIL_CHECK("no mail of event ", event.text("id"));
    }

    void check_customer(const Document& event) {
        const std::string ref = event["fields"]["customer_ref"].scalar_text();
        if (ref.empty()) return;  // shown by the expected rows
        const Document found = list("/v1/billing/customers/" + as_path_part(ref));
        CHECK(found["accounts"].at(0)["customer_ref"].text() == ref);
    }

    void count(std::string_view name, std::size_t number) {
        if (number > 0) counted_[std::string(name)] += number;
    }

    void count_rows() {
        const Document inbox = list("/v1/conversations?limit=200");
        std::size_t messages = 0;
        for (const auto& conversation : inbox.data())
            messages += list(fmt::format("/v1/conversations/{}/messages?limit=200",
                                         conversation["id"].scalar_text()))
                            .size();
        count("conversations", inbox.size());
        count("messages", messages);
        const Document calls = list("/v1/ivr-calls?limit=200");
        for (const auto& call : calls.data()) count("calls " + call["status"].scalar_text(), 1);
        count_billing();
        count("mails", list("/v1/emails?limit=200").size());
        count("threads", list("/v1/email-threads?limit=200").size());
        count("lines", timeline_lines());
    }

    void count_billing() {
        std::size_t subscriptions = 0, invoices = 0, failed = 0, cards = 0;
        const Document customers = list("/v1/billing/customers?limit=200");
        for (const auto& customer : customers.data()) {
            const Document found = list("/v1/billing/customers/" + customer["id"].scalar_text());
            const json::Value account = found["accounts"].at(0);
            subscriptions += account["subscriptions"].size();
            invoices += account["invoices"].size();
            failed += account["failed_payments"].size();
            cards += account["expiring_cards"].size();
        }
        count("customers", customers.size());
        count("subscriptions", subscriptions);
        count("invoices", invoices);
        count("failed payments", failed);
        count("cards", cards);
    }

    std::size_t timeline_lines() {
        std::set<std::string> lines;
        for (const std::string& key : keys_) {
            const Document timeline =
                list(fmt::format("/v1/customer-timeline/{}?limit=200", as_path_part(key)));
            for (const auto& line : timeline.data())
                lines.insert(line["event_id"].scalar_text() + line["type"].scalar_text());
        }
        return lines.size();
    }

    ProductClient& client_;
    const Tenant& tenant_;
    std::set<std::string> keys_;
    std::map<std::string, std::size_t> counted_;
};

std::string joined(const std::vector<std::string>& parts) {
    return fmt::format("{}", fmt::join(parts, " "));
}

std::string sorted_words(std::string_view text) {
    std::vector<std::string> words;
    while (!text.empty()) {
        const auto end = std::min(text.find(' '), text.size());
        if (end > 0) words.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(text.size(), end + 1));
    }
    std::sort(words.begin(), words.end());
    return joined(words);
}

// The bytes of a listed request are those that were sent.
void check_bytes(Doors& doors, const Tenant& tenant, json::Value request, const Payload& payload) {
    CHECK(request["bytes"].integer() == static_cast<std::int64_t>(payload.body.size()));
    const auto raw = doors.client().read(
        tenant, fmt::format("/v1/ingest/requests/{}/raw", request["id"].text()));
    CHECK(raw.status == 200);
    CHECK_MESSAGE(raw.body == payload.body, "the bytes are not those that were sent");
}

void check_accepted(Doors& doors, const Tenant& tenant, const Answer& answer,
                    const Payload& payload) {
    REQUIRE_MESSAGE(answer.status / 100 == 2, answer.status, " ", answer.body);
    const Document listed = doors.client().list(tenant, "/v1/ingest/requests?limit=200",
                                                header_of(answer, "x-position"));
    json::Parser parser;
    const auto told = parser.parse(answer.body);
    const bool has_id = told && (*told)["event_id"];  // some providers want another answer
    for (const auto& request : listed.data()) {
        if (has_id && request["id"].text() != (*told)["event_id"].text()) continue;
        CHECK(request["status"].text() == "accepted");
        return check_bytes(doors, tenant, request, payload);
    }
    FAIL_CHECK("the request is not listed");
}

// Refused by its form, but signed: kept whole with the reason. Refusals move no position, so their
// row is waited for.
void check_refused(Doors& doors, const Tenant& tenant, const Answer& answer,
                   const Payload& payload) {
    CHECK(answer.status == 415);
    constexpr int tries_max = 500;
    for (int i = 0; i < tries_max; ++i) {
        const Document listed =
            doors.client().list(tenant, "/v1/ingest/requests?status=rejected&limit=200");
        if (listed.size() > 0) {
            CHECK(listed.data()[0]["answered_status"].integer() == answer.status);
            CHECK(listed.data()[0]["cause"].text() == Document(answer).text("code"));
            return check_bytes(doors, tenant, listed.data()[0], payload);
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    FAIL_CHECK("the refused request is not listed");
}

void print(std::string_view name, const Totals& totals) {
    std::cout << fmt::format("{:<28} {}\n", name, words(totals));
}

// Sends the payload through a tenant of its own.
Shown shown_of(Doors& doors, const Sending& sending, const Payload& payload) {
    const Tenant tenant = doors.next_tenant();
    const Source source = doors.source(tenant, sending);
    check_accepted(doors, tenant, doors.send(sending, source, payload), payload);
    return Rows(doors.client(), tenant).read();
}

using ReadBody = std::string (*)(const fs::path&);

void check_folder(Doors& doors, const std::string& folder, const Sending& sending,
                  const ExpectedTable& table, ReadBody read_body) {
    Totals totals;
    for (const fs::path& path : fixture_files(doors.root() / folder)) {
        INFO(path.string());
        const Expected& expected = expected_of(table, path.string());
        const Shown shown = shown_of(
            doors, sending,
            {.path = path, .body = read_body(path), .is_query = path.extension() == ".txt"});
        CHECK(joined(shown.types) == sorted_words(expected.types));
        CHECK(words(shown.rows) == expected.rows);
        CHECK(fmt::format("{}", fmt::join(shown.letters, "; ")) == expected.letters);
        ++totals["files"];
        add(shown, totals);
    }
    print(folder, totals);
    CHECK(totals["files"] > 0);
}

// The mails of a file have one tenant and mailbox.
void send_mails(Doors& doors, const fs::path& path, Totals& totals) {
    INFO(path.string());
    const Sending sending{"email", fmt::format(R"("address":"{}")", mailbox)};
    const Tenant tenant = doors.next_tenant();
    const Source source = doors.source(tenant, sending);
    for (std::string& mail : mails_of(path)) {
        const Payload payload{
            .path = path, .body = std::move(mail), .content_type = "message/rfc822"};
        check_accepted(doors, tenant, doors.send(sending, source, payload), payload);
        ++totals["sent"];
    }
    const Shown shown = Rows(doors.client(), tenant).read();
    for (const std::string& letter : shown.letters)
        CHECK(letter == ": the bytes are no mail: there is no header field");
    add(shown, totals);
}

// A payload of a provider that no file describes: with a `type` it is an event of that type, as
// Standard Webhooks say; without one it is a dead letter.
void check_json(Doors& doors, const Payload& payload) {
    json::Parser parser;
    const std::string type = (*parser.parse(payload.body))["type"].scalar_text();
    const Shown shown = shown_of(doors, {"standard_webhooks"}, payload);
    CHECK(joined(shown.types) == type);
    CHECK(joined(shown.letters) == (type.empty() ? "type: no name of an event type" : ""));
}

void check_form(Doors& doors, Payload payload) {
    payload.content_type = "application/x-www-form-urlencoded";
    CHECK(joined(shown_of(doors, {"generic"}, payload).types) == "fixture.payload.kept");
}

void check_foreign(Doors& doors, Payload payload) {
    payload.content_type = "application/xml";
    const Tenant tenant = doors.next_tenant();
    const Sending sending{"standard_webhooks"};
    const Source source = doors.source(tenant, sending);
    check_refused(doors, tenant, doors.send(sending, source, payload), payload);
    const Shown shown = Rows(doors.client(), tenant).read();
    CHECK(shown.types.empty());
    CHECK(shown.letters.empty());
}

}  // namespace

TEST_CASE("real chat payloads become conversations and messages") {
    const auto root = fixtures_or_skip();
    if (!root) return;
    Doors doors(*root);
    check_folder(doors, "chat/whatsapp-cloud", {"meta_cloud"}, whatsapp_expected, plain_body);
    check_folder(doors, "chat/interakt", {"interakt"}, interakt_expected, plain_body);
    check_folder(doors, "chat/netcore", {"netcore"}, netcore_expected, plain_body);
}

TEST_CASE("real call reports become calls") {
    const auto root = fixtures_or_skip();
    if (!root) return;
    Doors doors(*root);
    const fs::path record = *root / "voice/generic-ivr/dot-path-waiting.mapping.json";
    const std::string mapped =
        fmt::format(R"("field_mapping":{},"status_mapping":{})", member_of(record, "field_mapping"),
                    member_of(record, "status_map"));
    check_folder(doors, "voice/exotel", {"exotel"}, exotel_expected, voice_body);
    check_folder(doors, "voice/generic-ivr", {"ivr", mapped}, ivr_expected, voice_body);
    check_folder(doors, "voice/kaleyra", {"kaleyra_voice"}, kaleyra_expected, voice_body);
}

TEST_CASE("real billing events become customers with what they bought and owe") {
    const auto root = fixtures_or_skip();
    if (!root) return;
    Doors doors(*root);
    check_folder(doors, "billing/stripe", {"stripe"}, stripe_expected, stripe_body);
    check_folder(doors, "billing/chargebee", {"chargebee"}, chargebee_expected, chargebee_body);
}

TEST_CASE("real mails become mails, threads and lines, however broken they are") {
    const auto root = fixtures_or_skip();
    if (!root) return;
    Doors doors(*root);
    for (const ExpectedMails& expected : mails_expected) {
        Totals totals;
        for (const fs::path& path : fixture_files(*root / expected.folder)) {
            if (path.extension() == ".eml" || path.extension() == ".mbox")
                send_mails(doors, path, totals);
        }
        print(expected.folder, totals);
        CHECK(words(totals) == expected.totals);
    }
}

TEST_CASE("payloads of providers without a file are kept byte for byte and can be read") {
    const auto root = fixtures_or_skip();
    if (!root) return;
    Doors doors(*root);
    Totals totals;
    for (const std::string_view folder : kept_folders) {
        for (const fs::path& path : fixture_files(*root / folder)) {
            INFO(path.string());
            const Payload payload{.path = path, .body = plain_body(path)};
            const std::string ending = path.extension().string();
            if (ending == ".json") check_json(doors, payload);
            if (ending == ".txt") check_form(doors, payload);
            if (ending == ".xml") check_foreign(doors, payload);
            ++totals[ending];
        }
    }
    print("kept", totals);
    CHECK(words(totals) == kept_expected);
}

TEST_CASE("every folder of payloads is sent by one of these tests") {
    const auto root = fixtures_or_skip();
    if (!root) return;
    std::set<std::string> sent;
    for (const std::string_view folder : described_folders) sent.emplace(folder);
    for (const std::string_view folder : kept_folders) sent.emplace(folder);
    for (const ExpectedMails& mails : mails_expected) sent.emplace(mails.folder);
    for (const fs::path& path : fixture_files(*root)) {
        const std::string folder = fs::relative(path.parent_path(), *root).string();
        if (folder != ".") CHECK_MESSAGE(sent.contains(folder), folder);
    }
}
