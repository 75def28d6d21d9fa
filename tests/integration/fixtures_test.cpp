// Payloads as providers really sent them, mapped by the provider files of the program.
//
// They are no part of the project: the environment variable TRIBUTARY_FIXTURES names a folder with
// chat/, voice/, billing/ and email/. Without it there is nothing to check.
#include "schemas/json/json.hpp"
#include "schemas/mail/mail_reader.hpp"
#include "schemas/providers/built_in.hpp"
#include "tests/unit/schemas_mapping_support.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>

namespace schemas::testing {
namespace {

namespace fs = std::filesystem;

// What must come of the files whose name holds `part`; the first row that fits counts. Types are
// separated by blanks, in order; "failed" stands for an event that cannot be made.
struct Row {
    std::string_view part;
    std::string_view types;
};
using Table = std::vector<Row>;

const Table whatsapp{
    {"courier-duplicate", "whatsapp.message.received whatsapp.message.received"},
    {"courier-error_errors", "whatsapp.account.error_reported"},
    {"courier-error_status", "whatsapp.message.failed"},
    {"courier-ignore_status", "whatsapp.message.deleted"},
    {"courier-invalid_status", "whatsapp.message.status_unknown"},
    {"courier-no_from", "failed"},
    {"multiple_text", "whatsapp.message.received whatsapp.message.received"},
    {"marketing_status", "whatsapp.message.delivered"},
    {"service_status", "whatsapp.message.delivered"},
    {"status_conversation_initiated", "whatsapp.message.read"},
    {"status_notification_with_erro", "whatsapp.message.failed"},
    {"status_notification_without_e", "whatsapp.message.delivered"},
    {"a_status_notification", "whatsapp.message.read"},
    {"removed_reaction", "whatsapp.message.reacted"},
    {"unreaction", "whatsapp.message.reacted"},
    {"deleted_message", "whatsapp.message.deleted"},
    {"outgoing_message-delete", "whatsapp.message.deleted"},
    {"outgoing_message-edit", "whatsapp.message.edited"},
    {"outgoing_message-text", "whatsapp.message.sent"},
    {"message_status-group", "whatsapp.message.read"},
    {"message_status-played", "whatsapp.message.read"},
    {"message_status-read", "whatsapp.message.read"},
    {"message_status-sent", "whatsapp.message.sent"},
    {"template_status_update-approved", "whatsapp.template.approved"},
    {"template_status_update-rejected", "whatsapp.template.rejected"},
    {"call_permission", "whatsapp.message.received"},
    {"pywa-account_update", "whatsapp.account.changed"},
    {"call_terminate", "whatsapp.account.error_reported whatsapp.account.changed"},
    {"interactive_message_with_err", "whatsapp.message.received whatsapp.account.error_reported"},
    {"pywa-call_", "whatsapp.account.changed"},
    {"pywa-template_", "whatsapp.account.changed"},
    {"pywa-user_marketing", "whatsapp.account.changed"},
    {"", "whatsapp.message.received"},
};

const Table interakt{
    {"api_delivered", "whatsapp.message.delivered"},
    {"minimal_delivered", "whatsapp.message.delivered"},
    {"api_read", "whatsapp.message.read"},
    {"api_sent", "whatsapp.message.sent"},
    {"clicked", "whatsapp.message.clicked"},
    {"missing_message_id", "failed"},
    {"unknown_type", "whatsapp.provider.notified"},
    {"", "whatsapp.message.received"},
};

const Table netcore{
    {"reaction", "whatsapp.message.reacted"},
    {"", "whatsapp.message.received"},
};

const Table exotel{
    {"call_disconnected", "ivr.call.reported ivr.call.hung_up"},
    {"call_end", "ivr.call.reported ivr.call.completed"},
    {"call_initiation", "ivr.call.reported ivr.call.started"},
    {"call_not_answered", "ivr.call.reported ivr.call.missed"},
    {"outbound-terminal", "ivr.call.reported ivr.call.completed"},
    {"", "ivr.call.reported ivr.call.started"},
};

const Table ivr{{"", "ivr.call.reported ivr.call.started"}};

const Table kaleyra{
    {"callback", "ivr.call.reported ivr.call.completed"},
    {"", "ivr.call.reported"},
};

const Table stripe{
    {"customer.created", "billing.customer.created"},
    {"customer.updated", "billing.customer.updated"},
    {"customer.deleted", "billing.customer.deleted"},
    {"subscription.created", "billing.subscription.created"},
    {"subscription.deleted", "billing.subscription.cancelled"},
    {"subscription.updated", "billing.subscription.changed"},
    {"invoice.finalized", "billing.invoice.finalized"},
    {"invoice.payment_succeeded", "billing.invoice.paid"},
    {"invoice.payment_failed", "billing.invoice.payment_failed"},
    {"invoice.payment_action_required", "billing.invoice.payment_failed"},
    {"", "billing.stripe.notified"},
};

const Table chargebee{
    {"api-event", "billing.customer.created"},
    {"customer_created", "billing.customer.created"},
    {"customer_changed", "billing.customer.updated"},
    {"customer_moved_in", "billing.customer.created"},
    {"customer_moved_out", "billing.customer.deleted"},
    {"customer_deleted", "billing.customer.deleted"},
    {"subscription_started", "billing.subscription.created"},
    {"subscription_activated", "billing.subscription.activated"},
    {"subscription_changed", "billing.subscription.changed"},
    {"subscription_renewed", "billing.subscription.renewed"},
    {"subscription_resumed", "billing.subscription.resumed"},
    {"subscription_cancellation_scheduled", "billing.subscription.cancel_scheduled"},
    {"subscription_cancelled", "billing.subscription.cancelled"},
    {"subscription_trial_end_reminder", "billing.subscription.trial_ending"},
    {"subscription_scheduled_cancellation_removed", "billing.subscription.changed"},
    {"invoice_generated", "billing.invoice.finalized"},
    {"/payment_succeeded", "billing.payment.succeeded"},
    {"/payment_refunded", "billing.payment.refunded"},
    {"card_expiry_reminder", "billing.card.expiring"},
    {"", "billing.chargebee.notified"},
};

struct Summary {
    std::size_t files = 0;
    std::size_t events = 0;
    std::size_t failures = 0;
    std::size_t warnings = 0;
    std::size_t without_time = 0;
};

struct Fixture {
    fs::path path;
    Request request;
};

std::string read_text(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    REQUIRE_MESSAGE(in.good(), path.string());
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string to_text(json::Value value) {
    std::string out;
    value.append_to(out);
    return out;
}

class Fixtures {
public:
    explicit Fixtures(fs::path root) : root_(std::move(root)) {
        auto kinds = built_in_providers();
        REQUIRE_MESSAGE(kinds, (kinds ? "" : kinds.error().message));
        kinds_ = *std::move(kinds);
    }

    std::vector<fs::path> files(const fs::path& folder) const {
        std::set<fs::path> found;
        if (!fs::exists(root_ / folder)) return {};
        for (const auto& entry : fs::recursive_directory_iterator(root_ / folder)) {
            const std::string name = entry.path().filename().string();
            const bool is_payload = entry.is_regular_file() && name != "signature-vectors.json" &&
                                    name.find(".mapping.") == name.npos;
            if (is_payload) found.insert(entry.path());
        }
        return {found.begin(), found.end()};
    }

    Mapper mapper(std::string_view kind, const SourceSettings& settings = {}) const {
        const auto found = std::find_if(kinds_.begin(), kinds_.end(),
                                        [&](const auto& known) { return known.kind == kind; });
        REQUIRE(found != kinds_.end());
        return Mapper(found->mapping_text, settings, mail::read_mail);
    }

private:
    fs::path root_;
    std::vector<ProviderKind> kinds_;
};

std::string_view types_for(const Table& table, const std::string& path) {
    const auto row = std::find_if(table.begin(), table.end(), [&path](const Row& entry) {
        return path.find(entry.part) != path.npos;
    });
    return row == table.end() ? std::string_view{} : row->types;
}

void add(const Mapped& mapped, Summary& summary) {
    ++summary.files;
    summary.events += mapped.events.size();
    summary.failures += mapped.failures.size();
    for (const Event& event : mapped.events) {
        summary.warnings += event.warnings.size();
        summary.without_time += event.time_is_ingest ? 1 : 0;
    }
}

std::string types_of(const Mapped& mapped) {
    std::vector<std::string_view> types;
    for (const Event& event : mapped.events) types.push_back(event.type_name);
    for (std::size_t i = 0; i < mapped.failures.size(); ++i) types.emplace_back("failed");
    return fmt::format("{}", fmt::join(types, " "));
}

void check(const Fixture& fixture, const Table& table, Mapper& mapper, Summary& summary) {
    const Mapped& mapped = mapper.map(fixture.request);
    add(mapped, summary);
    INFO(fixture.path.string(), "\n", show(mapped));
    CHECK(types_of(mapped) == types_for(table, fixture.path.string()));
}

void print(std::string_view provider, const Summary& summary) {
    std::cout << fmt::format(
        "{:<16} files {:>4}  events {:>4}  failures {:>3}  warnings {:>3}  without a time {:>3}\n",
        provider, summary.files, summary.events, summary.failures, summary.warnings,
        summary.without_time);
}

// Recorded requests stand as {"headers", "body"}; the body is what was sent.
std::string unwrapped(const std::string& text) {
    json::Parser parser;
    const auto root = parser.parse(text);
    REQUIRE(root);
    const json::Value body = (*root)["headers"] ? (*root)["body"] : json::Value{};
    return body ? to_text(body) : text;
}

std::string without(std::string text, std::string_view part) {
    if (const auto at = text.find(part); at != text.npos) text.erase(at, part.size());
    return text;
}

// "pay-subscription.created.json" holds the data of a customer.subscription.created.
std::string stripe_type(const fs::path& path) {
    std::string name = without(path.stem().string(), "pay-");
    if (name.starts_with("subscription.")) return "customer." + name;
    return name.find('.') == name.npos ? "payment_method.attached" : name;
}

std::string stripe_body(const fs::path& path) {
    const std::string text = unwrapped(read_text(path));
    json::Parser parser;
    const json::Value root = *parser.parse(text);
    if (root["data"]) return text;
    const std::string data = root["object"].kind() == json::Kind::object
                                 ? text
                                 : fmt::format(R"({{"object":{}}})", text);
    return fmt::format(
        R"({{"id":"evt_1","object":"event","created":1700000000,"type":"{}","data":{}}})",
        stripe_type(path), data);
}

std::string chargebee_body(const fs::path& path) {
    const std::string text = unwrapped(read_text(path));
    json::Parser parser;
    const json::Value root = *parser.parse(text);
    return root["event"] ? to_text(root["event"]) : text;
}

std::string chat_body(const fs::path& path) {
    return unwrapped(read_text(path));
}

std::string filled(std::string text,
                   const std::vector<std::pair<std::string_view, std::string_view>>& values) {
    for (const auto& [name, value] : values) {
        if (const auto at = text.find(name); at != text.npos) text.replace(at, name.size(), value);
    }
    return text;
}

std::string voice_body(const fs::path& path) {
    std::string text = read_text(path);
    while (text.ends_with('\n')) text.pop_back();
    return filled(std::move(text), {{"{caller}", "09800000001"},
                                    {"{receiver}", "09800000002"},
                                    {"{status}", "ANSWER"},
                                    {"{status1}", "ANSWER"},
                                    {"{status2}", "ANSWER"},
                                    {"{duration}", "42"},
                                    {"{billsec}", "30"},
                                    {"{starttime}", "1700000000"},
                                    {"{endtime}", "1700000042"},
                                    {"{id}", "call-1"},
                                    {"{calltime}", "14/11/2023%2003:43%20PM"},
                                    {"{callto}", "09800000002"}});
}

using ReadBody = std::string (*)(const fs::path&);

Summary check_folder(const Fixtures& fixtures, std::string_view kind, const fs::path& folder,
                     const Table& table, ReadBody read_body, const SourceSettings& settings = {}) {
    Summary summary;
    Mapper mapper = fixtures.mapper(kind, settings);
    for (const fs::path& path : fixtures.files(folder)) {
        const bool is_query = path.extension() == ".txt";
        check({path, Request{.body = read_body(path), .is_query = is_query}}, table, mapper,
              summary);
    }
    print(kind, summary);
    CHECK(summary.files > 0);
    return summary;
}

SourceSettings ivr_settings(const fs::path& mapping_file) {
    const std::string text = read_text(mapping_file);
    json::Parser parser;
    const json::Value root = *parser.parse(text);
    SourceSettings settings{.country = "IN"};
    root["field_mapping"].each_member([&](std::string_view name, json::Value path) {
        settings.field_mapping.emplace(name, path.text());
    });
    root["status_map"].each_member([&](std::string_view word, json::Value meaning) {
        settings.status_mapping.emplace(word, meaning.text());
    });
    return settings;
}

struct Mails {
    Summary all;
    std::size_t read = 0;
    std::size_t bounced = 0;
};

Mails map_mails(const Fixtures& fixtures, std::string_view ending) {
    Mails mails;
    Mapper mapper = fixtures.mapper("email", {.extra = {{"address", "help@example.org"}}});
    for (const fs::path& path : fixtures.files("email")) {
        if (path.extension() != ending) continue;
        const Mapped& mapped =
            mapper.map(Request{.body = read_text(path), .content_type = "message/rfc822"});
        add(mapped, mails.all);
        mails.read += mapped.events.empty() ? 0 : 1;
        for (const Event& event : mapped.events)
            mails.bounced += event.type == EventType::email_message_bounced ? 1 : 0;
    }
    return mails;
}

const char* fixtures_folder() {
    return std::getenv("TRIBUTARY_FIXTURES");
}

TEST_CASE("real payloads of every provider give the events they must") {
    if (!fixtures_folder()) {
        std::cout << "skipped: TRIBUTARY_FIXTURES names no folder with payloads\n";
        return;
    }
    const fs::path root = fixtures_folder();
    const Fixtures fixtures(root);
    check_folder(fixtures, "meta_cloud", "chat/whatsapp-cloud", whatsapp, chat_body);
    check_folder(fixtures, "interakt", "chat/interakt", interakt, chat_body);
    check_folder(fixtures, "netcore", "chat/netcore", netcore, chat_body);
    check_folder(fixtures, "exotel", "voice/exotel", exotel, voice_body);
    check_folder(fixtures, "ivr", "voice/generic-ivr", ivr, voice_body,
                 ivr_settings(root / "voice/generic-ivr/dot-path-waiting.mapping.json"));
    check_folder(fixtures, "kaleyra_voice", "voice/kaleyra", kaleyra, voice_body);
    check_folder(fixtures, "stripe", "billing/stripe", stripe, stripe_body);
    check_folder(fixtures, "chargebee", "billing/chargebee", chargebee, chargebee_body);
}

TEST_CASE("real mails are read, however broken") {
    if (!fixtures_folder()) return;
    const Fixtures fixtures{fixtures_folder()};
    const Mails mails = map_mails(fixtures, ".eml");
    print("email", mails.all);
    CHECK(mails.read >= 315);
    CHECK(mails.bounced > 0);
    const Mails boxes = map_mails(fixtures, ".mbox");
    print("email (mbox)", boxes.all);
    CHECK(boxes.all.failures == 0);
}

TEST_CASE("real payloads cut off anywhere are failures or less, never a crash") {
    if (!fixtures_folder()) return;
    const Fixtures fixtures{fixtures_folder()};
    constexpr std::size_t cuts = 8;
    std::size_t failed = 0;
    Mapper chat = fixtures.mapper("meta_cloud");
    Mapper mail = fixtures.mapper("email");
    for (const std::string folder : {"chat/whatsapp-cloud", "email"}) {
        Mapper& mapper = folder == "email" ? mail : chat;
        const std::string type = folder == "email" ? "message/rfc822" : "application/json";
        for (const fs::path& path : fixtures.files(folder)) {
            const std::string whole = read_text(path);
            for (std::size_t i = 0; i < cuts; ++i) {
                const Request request{.body = whole.substr(0, whole.size() * i / cuts),
                                      .content_type = type};
                failed += mapper.map(request).failures.size();
            }
        }
    }
    CHECK(failed >= fixtures.files("chat/whatsapp-cloud").size() * cuts);
}

}  // namespace
}  // namespace schemas::testing
