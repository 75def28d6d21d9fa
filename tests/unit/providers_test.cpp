// Every sample in schemas/providers/<kind>/samples: a request body, and the events it must give.
//
//   <name>.json .form .query .eml   the body; the ending tells how it is read
//   <name>.expected.json            {"events": [{"type", "time", "fields", "raw", "keys"}],
//                                    "failures": ["field: reason"]}
//   <name>.settings.json            of the source's record: field_mapping, status_mapping,
//                                   time_format, time_zone, country, extra; and kept "headers"
//
// Events are compared in order and none may be missing; of one event, what is named is compared: a
// field of null must be absent, "time": "receipt" means that none was told, `keys` are all keys.
#include "schemas/json/json.hpp"
#include "schemas/mail/mail_reader.hpp"
#include "schemas/providers/built_in.hpp"
#include "tests/unit/schemas_mapping_support.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

namespace schemas::testing {
namespace {

namespace fs = std::filesystem;

std::string read_text(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    REQUIRE_MESSAGE(in.good(), path.string());
    return {std::istreambuf_iterator<char>(in), {}};
}

json::Value parse(json::Parser& parser, const std::string& text, const fs::path& path) {
    auto value = parser.parse(text);
    REQUIRE_MESSAGE(value, path.string() << ": " << (value ? "" : value.error().message));
    return *value;
}

std::map<std::string, std::string> words(json::Value object) {
    std::map<std::string, std::string> out;
    object.each_member([&out](std::string_view name, json::Value value) {
        out.emplace(name, value.scalar_text());
    });
    return out;
}

struct Sample {
    fs::path body;
    fs::path expected;
    SourceSettings settings{};
    Request request{};
};

void read_settings(const fs::path& path, Sample& sample) {
    if (!fs::exists(path)) return;
    json::Parser parser;
    const std::string text = read_text(path);
    const json::Value root = parse(parser, text, path);
    sample.settings.field_mapping = words(root["field_mapping"]);
    sample.settings.status_mapping = words(root["status_mapping"]);
    sample.settings.extra = words(root["extra"]);
    sample.settings.time_format = root["time_format"].text();
    sample.settings.country = root["country"].text();
    if (root["time_zone"]) sample.settings.time_zone = root["time_zone"].text();
    for (const auto& header : words(root["headers"])) sample.request.headers.push_back(header);
}

Sample read_sample(const fs::path& body) {
    fs::path stem = body;
    stem.replace_extension();
    Sample sample{.body = body, .expected = stem.string() + ".expected.json"};
    const std::string ending = body.extension().string();
    sample.request.body = read_text(body);
    while (ending != ".eml" && sample.request.body.ends_with('\n')) sample.request.body.pop_back();
    sample.request.is_query = ending == ".query";
    if (ending == ".form") sample.request.content_type = "application/x-www-form-urlencoded";
    if (ending == ".eml") sample.request.content_type = "message/rfc822";
    read_settings(stem.string() + ".settings.json", sample);
    return sample;
}

fs::path samples_of(std::string_view kind) {
    return fs::path(TRIBUTARY_SOURCE_DIR) / "schemas/providers" / kind / "samples";
}

std::vector<Sample> read_samples(std::string_view kind) {
    std::set<fs::path> bodies;
    if (fs::exists(samples_of(kind))) {
        for (const auto& entry : fs::directory_iterator(samples_of(kind))) {
            const std::string name = entry.path().filename().string();
            if (!name.ends_with(".expected.json") && !name.ends_with(".settings.json"))
                bodies.insert(entry.path());
        }
    }
    std::vector<Sample> samples;
    for (const auto& body : bodies) samples.push_back(read_sample(body));
    return samples;
}

std::string shown(json::Value value) {
    return value.kind() == json::Kind::null ? "-" : value.scalar_text();
}

std::string raw_word(const Event& event, Field field) {
    return event.raw(field).empty() ? "-" : std::string(event.raw(field));
}

void check_fields(const Event& event, json::Value expected) {
    expected["fields"].each_member([&event](std::string_view field, json::Value value) {
        CAPTURE(std::string(field));
        REQUIRE(parse_field(field));
        CHECK(show(event.get(*parse_field(field))) == shown(value));
    });
    expected["raw"].each_member([&event](std::string_view field, json::Value value) {
        CAPTURE(std::string(field));
        REQUIRE(parse_field(field));
        CHECK(raw_word(event, *parse_field(field)) == shown(value));
    });
}

void check_keys(const Event& event, json::Value expected) {
    if (!expected) return;
    std::set<std::string> wanted;
    expected.each_element([&wanted](json::Value key) { wanted.emplace(key.text()); });
    std::set<std::string> got;
    for (const auto& key : event.keys) got.insert(fmt::format("{}:{}", name(key.kind), key.text));
    CHECK(fmt::format("{}", fmt::join(got, " ")) == fmt::format("{}", fmt::join(wanted, " ")));
}

void check_event(const Event& event, json::Value expected) {
    INFO("event: ", show(event));
    CHECK(event.type_name == expected["type"].text());
    if (const json::Value time = expected["time"])
        CHECK((event.time_is_ingest ? "receipt" : bus::to_iso(event.time)) == time.text());
    check_fields(event, expected);
    check_keys(event, expected["keys"]);
}

void check_failures(const Mapped& mapped, json::Value expected) {
    std::vector<std::string> got;
    for (const auto& failure : mapped.failures) got.push_back(failure.reason);
    std::vector<std::string> wanted;
    expected.each_element([&wanted](json::Value reason) { wanted.emplace_back(reason.text()); });
    CHECK(fmt::format("{}", fmt::join(got, "; ")) == fmt::format("{}", fmt::join(wanted, "; ")));
}

void check_sample(const ProviderKind& kind, const Sample& sample) {
    Mapper mapper(kind.mapping_text, sample.settings, mail::read_mail);
    const Mapped& mapped = mapper.map(sample.request);
    json::Parser parser;
    const std::string text = read_text(sample.expected);
    const json::Value expected = parse(parser, text, sample.expected);
    INFO(sample.body.filename().string(), " gave\n", show(mapped));
    CHECK(mapped.events.size() == expected["events"].size());
    for (std::size_t i = 0; i < std::min(mapped.events.size(), expected["events"].size()); ++i)
        check_event(mapped.events[i], expected["events"].at(i));
    check_failures(mapped, expected["failures"]);
}

std::vector<ProviderKind> mapped_kinds() {
    auto kinds = built_in_providers();
    REQUIRE_MESSAGE(kinds, (kinds ? "" : kinds.error().message));
    std::erase_if(*kinds, [](const ProviderKind& kind) { return kind.mapping_text.empty(); });
    return *std::move(kinds);
}

TEST_CASE("every provider file of the program is read and its mapping compiled") {
    CHECK(mapped_kinds().size() >= 11);
}

TEST_CASE("every provider has samples, and each gives the events it must") {
    for (const ProviderKind& kind : mapped_kinds()) {
        CAPTURE(kind.kind);
        const auto samples = read_samples(kind.kind);
        CHECK(samples.size() >= 4);
        for (const Sample& sample : samples) check_sample(kind, sample);
    }
}

TEST_CASE("a sample that comes again gives the same event ids") {
    for (const ProviderKind& kind : mapped_kinds()) {
        for (const Sample& sample : read_samples(kind.kind)) {
            CAPTURE(sample.body.string());
            Mapper mapper(kind.mapping_text, sample.settings, mail::read_mail);
            std::vector<bus::EventId> ids;
            for (const auto& event : mapper.map(sample.request).events) ids.push_back(event.id);
            std::vector<bus::EventId> again;
            for (const auto& event : mapper.map(sample.request).events) again.push_back(event.id);
            CHECK(ids == again);
            CHECK(std::set<bus::EventId>(ids.begin(), ids.end()).size() == ids.size());
        }
    }
}

bus::EventId id_of(Mapper& mapper, std::string_view body) {
    const Mapped& mapped = mapper.map(body);
    REQUIRE(mapped.events.size() == 1);
    return mapped.events[0].id;
}

struct StripeEvents {
    Mapper mapper;

    StripeEvents() : mapper(mapping_text()) {}

    static std::string mapping_text() {
        for (const auto& kind : mapped_kinds())
            if (kind.kind == "stripe") return std::string{kind.mapping_text};
        return {};
    }
    bus::EventId id(std::string_view event, std::string_view type, std::string_view object) {
        return id_of(mapper, fmt::format(R"({{"id":"{}","type":"{}","data":{{"object":{}}}}})",
                                         event, type, object));
    }
};

TEST_CASE("what Stripe tells twice, as charge and as payment intent, is one event") {
    StripeEvents events;
    const auto by_charge = events.id("evt_1", "charge.succeeded",
                                     R"({"id":"ch_1","object":"charge","payment_intent":"pi_1"})");
    const auto by_intent =
        events.id("evt_2", "payment_intent.succeeded",
                  R"({"id":"pi_1","object":"payment_intent","latest_charge":"ch_1"})");
    const auto next_charge = events.id(
        "evt_3", "charge.succeeded", R"({"id":"ch_2","object":"charge","payment_intent":"pi_1"})");
    CHECK(by_charge == by_intent);
    CHECK(by_charge != next_charge);
}

TEST_CASE("each failed attempt of one of Stripe's payment intents is an event") {
    StripeEvents events;
    const auto failed = [&](std::string_view event, std::string_view members) {
        return events.id(event, "payment_intent.payment_failed",
                         fmt::format(R"({{"id":"pi_1","object":"payment_intent",{}}})", members));
    };
    const auto declined = failed(
        "evt_1",
        R"("latest_charge":"ch_1","last_payment_error":{"code":"card_declined","charge":"ch_1"})");
    const auto by_charge = events.id("evt_2", "charge.failed",
                                     R"({"id":"ch_1","object":"charge","payment_intent":"pi_1"})");
    CHECK(declined == by_charge);
    // The shapes that versions of its API give one attempt.
    CHECK(failed("evt_3", R"("latest_charge":"ch_1")") == declined);
    CHECK(failed("evt_4", R"("charges":{"data":[{"id":"ch_1"}]})") == declined);
    CHECK(failed("evt_5", R"("last_payment_error":{"charge":"ch_1"})") == declined);

    CHECK(failed("evt_6", R"("latest_charge":"ch_2")") != declined);
    CHECK(failed("evt_7", R"("last_payment_error":{"charge":"ch_2"})") != declined);
    const std::string_view not_authenticated =
        R"("latest_charge":"ch_1","last_payment_error":{"code":"payment_intent_authentication_failure"})";
    CHECK(failed("evt_8", not_authenticated) != declined);
    CHECK(failed("evt_8", not_authenticated) != failed("evt_9", not_authenticated));
    CHECK(failed("evt_8", not_authenticated) == failed("evt_8", not_authenticated));
    const std::string_view without_charge = R"("latest_charge":null)";
    CHECK(failed("evt_10", without_charge) != failed("evt_11", without_charge));
}

TEST_CASE("an end of one of Stripe's subscriptions is one event, whatever is told of it later") {
    StripeEvents events;
    const auto updated = [&](std::string_view event, std::string_view members) {
        return events.id(event, "customer.subscription.updated",
                         fmt::format(R"({{"id":"sub_1","object":"subscription",{}}})", members));
    };
    const auto scheduled = updated("evt_1", R"("cancel_at":1769904000)");
    CHECK(updated("evt_2", R"("cancel_at":1769904000,"quantity":2)") == scheduled);
    CHECK(updated("evt_3", R"("cancel_at_period_end":true,"current_period_end":1769904000)") ==
          scheduled);
    CHECK(updated("evt_4", R"("cancel_at":1769990400)") != scheduled);
    // Withdrawn, and set again for the same day.
    CHECK(updated("evt_7", R"("cancel_at":1769904000,"canceled_at":1767258000)") !=
          updated("evt_8", R"("cancel_at":1769904000,"canceled_at":1767344400)"));
    CHECK(updated("evt_5", R"("quantity":2)") != updated("evt_6", R"("quantity":2)"));
}

}  // namespace
}  // namespace schemas::testing
