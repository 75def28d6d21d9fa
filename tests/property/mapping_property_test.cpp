#include "schemas/json/json.hpp"
#include "tests/unit/schemas_mapping_support.hpp"

#include <cstdlib>
#include <random>

using namespace schemas;
using namespace schemas::testing;

namespace {

using Random = std::mt19937_64;

// TRIBUTARY_SEED repeats a run that failed.
std::uint64_t seed() {
    if (const char* given = std::getenv("TRIBUTARY_SEED")) return std::strtoull(given, nullptr, 10);
    return std::random_device{}();
}

std::size_t below(Random& random, std::size_t bound) {
    return random() % bound;
}

std::string random_bytes(Random& random, std::size_t size_max) {
    std::string out(below(random, size_max + 1), '\0');
    for (char& byte : out) byte = static_cast<char>(random());
    return out;
}

std::string random_text(Random& random) {
    static const std::vector<std::string> pieces{
        "a", "\"", "\\", "\n", "\t",   "é", "₹", "😀", std::string(1, '\0'), "/", "\x1f",
        "{", "}",  "[",  "]",  "null", " ", ":", "1", "\xE2\x80\xA8"};
    std::string out;
    for (std::size_t i = below(random, 12); i > 0; --i) out += pieces[below(random, pieces.size())];
    return out;
}

// Words that the mapping below looks for, so that random bodies get past its first path.
std::string likely_name(Random& random) {
    static const std::vector<std::string> names{"entry", "changes", "value", "messages", "from",
                                                "id",    "type",    "text",  "body",     "t",
                                                "list",  "k",       "v",     "amount",   "x"};
    return names[below(random, names.size())];
}

std::string likely_word(Random& random) {
    static const std::vector<std::string> words{
        "messages", "919876543210", "098765 43210", "text",  "1700000000", "2026-01-01 10:00:00",
        "missed",   "null",         "{caller}",     "12:30", "1,234.5",    "{\"v\":[1]}",
        "true",     "a@b.c",        "JPY"};
    return words[below(random, words.size())];
}

void write_random(json::Writer& writer, Random& random, std::size_t depth) {
    switch (below(random, depth > 6 ? 7 : 11)) {
        case 0:
            writer.null();
            return;
        case 1:
            writer.boolean(random() & 1);
            return;
        case 2:
            writer.integer(static_cast<std::int64_t>(random()));
            return;
        case 3:
            writer.decimal(static_cast<double>(random()) / 1e7);
            return;
        case 4:
            writer.unsigned_integer(random());
            return;
        case 5:
            writer.text(random_text(random));
            return;
        case 6:
            writer.text(likely_word(random));
            return;
        case 7:
        case 8:
            writer.begin_array();
            for (std::size_t i = below(random, 5); i > 0; --i)
                write_random(writer, random, depth + 1);
            writer.end_array();
            return;
        default:
            writer.begin_object();
            for (std::size_t i = below(random, 8); i > 0; --i) {
                writer.key(below(random, 8) ? likely_name(random) : random_text(random));
                write_random(writer, random, depth + 1);
            }
            writer.end_object();
    }
}

std::string random_json(Random& random) {
    std::string out;
    json::Writer writer(out);
    write_random(writer, random, 0);
    return out;
}

// Like a provider's body in shape, with anything in its places.
std::string likely_body(Random& random) {
    std::string out;
    json::Writer writer(out);
    writer.begin_object().key("entry").begin_array().begin_object().key("changes").begin_array();
    writer.begin_object().key("value").begin_object().key("messages").begin_array();
    for (std::size_t i = below(random, 4); i > 0; --i) {
        writer.begin_object().member("id", likely_word(random)).member("from", likely_word(random));
        writer.member("type", likely_word(random)).key(likely_name(random));
        write_random(writer, random, 3);
        writer.end_object();
    }
    writer.end_array().end_object().end_object().end_array().end_object().end_array();
    for (std::size_t i = below(random, 6); i > 0; --i) {
        writer.key(likely_name(random));
        write_random(writer, random, 3);
    }
    writer.end_object();
    return out;
}

std::string random_body(Random& random) {
    return below(random, 4) ? likely_body(random) : random_json(random);
}

constexpr std::string_view every_step = R"(
mapping: every
version: 1
channel: web
body: [json, form, query]
rules:
  - for_each: {entry: "entry[]", change: "$entry.changes[]", message: "$change.value.messages[]"}
    let: {inner: {from: [$message.text, $entry.text], as: json}, picked: "$body.list[k=$message.type]"}
    fields:
      message_id: {from: [$message.id, id], required: true}
      customer_phone: {from: $message.from, as: phone, country: IN}
      text: ["$message[$message.type].body", $picked.v, $inner.v, "list[-1].k"]
      status: {from: type, map: {missed: missed, text: ~}, else: same, keep_raw: true}
    time: {from: [t, $message.t], format: [unix_s, iso, "%H:%M %Y"], zone: Asia/Kolkata}
    key: [message_id, "$body.list?"]
    identity: [{phone: customer_phone}, {email: $message.from}, {whatsapp: $message.from}, {external: message_id, system: $body.x}]
    emit: [{type: a.b}, {type: c.d, when: "status in (missed, $message.type) and not $body.x exists"}]
  - fields:
      amount_minor: {from: amount, as: money, currency: $body.x}
      duration_s: {from: [t, v], as: seconds, default: 0}
      quantity: {from: v, less: [t, k]}
      bounce: k
      customer_email: {from: from, as: email}
      file_name: {from: $query.id, as: lower}
      card_last4: {from: id, as: digits}
    emit: {type: {from: type, map: {text: e.f}, else: g.h}}
  - {otherwise: true, emit: {type: $body.type}}
)";

std::string ids(const Mapped& mapped) {
    std::string out;
    for (const auto& event : mapped.events) {
        out +=
            bus::to_string(event.id) + bus::to_iso(event.time) + std::to_string(event.emit_index);
    }
    return out;
}

}  // namespace

TEST_CASE(
    "json: what the writer writes, the parser reads back, and writing it again changes nothing") {
    const auto start = seed();
    CAPTURE(start);
    Random random(start);
    json::Parser parser;
    for (int i = 0; i < 3'000; ++i) {
        const std::string text = random_json(random);
        CAPTURE(text);
        const auto root = parser.parse(text);
        REQUIRE(root);
        std::string again;
        root->append_to(again);
        REQUIRE(again == text);
    }
}

TEST_CASE("json: any text comes back as it was, any bytes come back as UTF-8") {
    const auto start = seed();
    CAPTURE(start);
    Random random(start);
    json::Parser parser;
    for (int i = 0; i < 5'000; ++i) {
        const std::string text = i % 2 ? random_text(random) : random_bytes(random, 40);
        std::string escaped;
        json::append_escaped(escaped, text);
        const auto root = parser.parse(escaped);
        REQUIRE(root);
        REQUIRE(json::is_utf8(root->text()));
        if (json::is_utf8(text)) REQUIRE(root->text() == text);
    }
}

TEST_CASE("mapping: the same record gives the same events, whatever was mapped between") {
    const auto start = seed();
    CAPTURE(start);
    Random random(start);
    Mapper used(every_step);
    std::size_t events = 0;
    for (int i = 0; i < 3'000; ++i) {
        const Request request{.body = random_body(random),
                              .url_query = "id=" + random_text(random)};
        CAPTURE(request.body);
        const std::string first = show(used.map(request)) + ids(used.map(request));
        events += used.map(request).events.size();
        used.map(random_body(random));
        REQUIRE(show(used.map(request)) + ids(used.map(request)) == first);
        Mapper fresh(every_step);
        REQUIRE(show(fresh.map(request)) + ids(fresh.map(request)) == first);
    }
    CHECK(events > 1'000);
}

TEST_CASE("mapping: events and failures share one row of indices without a gap twice used") {
    const auto start = seed();
    CAPTURE(start);
    Random random(start);
    Mapper mapper(every_step);
    for (int i = 0; i < 3'000; ++i) {
        const auto& mapped = mapper.map(random_body(random));
        std::vector<bool> seen(mapped.events.size() + mapped.failures.size());
        const auto note = [&seen](std::uint32_t index) {
            REQUIRE(index < seen.size());
            REQUIRE_FALSE(seen[index]);
            seen[index] = true;
        };
        for (const auto& event : mapped.events) note(event.emit_index);
        for (const auto& failure : mapped.failures) note(failure.emit_index);
    }
}

TEST_CASE("mapping: bytes that mean nothing never do harm") {
    const auto start = seed();
    CAPTURE(start);
    Random random(start);
    Mapper mapper(every_step);
    for (int i = 0; i < 5'000; ++i) {
        Request request{.body = random_bytes(random, 200)};
        request.is_query = i % 3 == 0;
        if (i % 3 == 1)
            request.content_type = "multipart/form-data; boundary=" + request.body.substr(0, 3);
        const auto& mapped = mapper.map(request);
        for (const auto& event : mapped.events) {
            for (const auto& [field, value] : event.fields) REQUIRE(json::is_utf8(value.text));
        }
    }
}

TEST_CASE("mapping: a damaged file is refused or compiled, and what compiles can be run") {
    const auto start = seed();
    CAPTURE(start);
    Random random(start);
    Scratch scratch;
    for (int i = 0; i < 1'500; ++i) {
        std::string yaml(every_step);
        for (std::size_t k = 1 + below(random, 3); k > 0; --k) {
            const std::size_t at = below(random, yaml.size());
            if (random() & 1) {
                yaml.erase(at, 1 + below(random, 4));
            } else {
                yaml[at] = "{}[],:$'\" \n-ax9"[below(random, 15)];
            }
        }
        CAPTURE(yaml);
        const auto mapping = Mapping::compile(yaml, "f");
        if (!mapping) {
            REQUIRE(mapping.error().message.starts_with("f:"));
            continue;
        }
        const auto bound = BoundMapping::bind(*mapping, {});
        if (!bound) continue;
        const std::string body = random_body(random) + std::string(64, '\0');
        bus::RecordView record;
        record.value = std::string_view(body).substr(0, body.size() - 64);
        (*bound)->map(record, {}, "slug", scratch);
    }
}
