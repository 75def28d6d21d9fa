// CPU microseconds of one map() of a WhatsApp body, parse and event ids included, on one thread.
//   bench_mapping [seconds] [mapping.yaml body.json]
#include "bus/result.hpp"
#include "schemas/json/json.hpp"
#include "schemas/mapping.hpp"

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>

namespace {

constexpr std::string_view built_in_mapping = R"(
mapping: bench
version: 1
channel: chat
body: [json]
defaults: {format: unix_s, country: none}
rules:
  - for_each: {entry: "entry[]", change: "$entry.changes[]", message: "$change.value.messages[]"}
    when: $change.field == messages
    let:
      contact: "$change.value.contacts[wa_id=$message.from]"
    fields:
      direction: {const: inbound}
      channel: {const: whatsapp}
      message_id: {from: $message.id, required: true}
      customer_phone: {from: $message.from, as: phone}
      customer_name: $contact.profile.name
      business_number: {from: $change.value.metadata.display_phone_number, as: phone}
      business_account: $change.value.metadata.phone_number_id
      kind: {from: $message.type, map: {text: text, image: image, audio: audio, voice: audio, video: video, document: document, sticker: sticker, location: location, button: button, interactive: interactive, reaction: reaction}, else: other, keep_raw: true}
      text: [$message.text.body, $message.button.text, $message.interactive.button_reply.title, $message.interactive.list_reply.title, "$message[$message.type].caption"]
      media_id: "$message[$message.type].id"
      media_type: "$message[$message.type].mime_type"
      file_name: $message.document.filename
      latitude: $message.location.latitude
      longitude: $message.location.longitude
      emoji: $message.reaction.emoji
      reply_to: [$message.reaction.message_id, $message.context.id]
    time: $message.timestamp
    key: [message_id]
    identity: [{whatsapp: $message.from}, {phone: customer_phone}]
    emit:
      - {type: whatsapp.message.reacted, when: $message.type == reaction}
      - {type: whatsapp.message.received, when: $message.type != reaction}
  - for_each: {entry: "entry[]", change: "$entry.changes[]", status: "$change.value.statuses[]"}
    when: $change.field == messages
    fields: {message_id: $status.id, status: $status.status}
    time: $status.timestamp
    key: [message_id]
    emit: {type: {from: $status.status, map: {sent: whatsapp.message.sent, delivered: whatsapp.message.delivered, read: whatsapp.message.read, failed: whatsapp.message.failed}}}
)";

constexpr std::size_t body_bytes = 1500;

std::string built_in_body() {
    const std::string head =
        R"({"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550783881","phone_number_id":"106540352242922"},"contacts":[{"profile":{"name":"Asha Rao"},"wa_id":"919876543210"}],"messages":[{"context":{"from":"15550783881","id":"wamid.HBgLMTU1NTA3ODM4ODEVAgARGBJBQkM="},"from":"919876543210","id":"wamid.HBgMOTE5ODc2NTQzMjEwFQIAEhgUM0E4Mzk0","timestamp":"1700000001","type":"text","text":{"body":")";
    const std::string tail = R"("}}]},"field":"messages"}]}]})";
    std::string body = head;
    while (body.size() + tail.size() < body_bytes) body += "hello again, ";
    return body + tail;
}

std::string contents(const char* file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

struct Rate {
    std::uint64_t calls = 0;
    double micros_per_call = 0;
};

Rate measure(double seconds, auto call) {
    for (int i = 0; i < 1000; ++i) call();
    const std::clock_t start = std::clock();
    std::uint64_t calls = 0;
    double elapsed = 0;
    do {
        for (int i = 0; i < 1000; ++i) call();
        calls += 1000;
        elapsed = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    } while (elapsed < seconds);
    return {calls, elapsed * 1e6 / static_cast<double>(calls)};
}

}  // namespace

int main(int argc, char** argv) {
    const double seconds = argc > 1 ? std::atof(argv[1]) : 2;
    const bool given = argc > 3;
    const std::string yaml = given ? contents(argv[2]) : std::string(built_in_mapping);
    std::string body = given ? contents(argv[3]) : built_in_body();
    const std::size_t size = body.size();
    body.append(64, '\0');

    auto mapping = schemas::Mapping::compile(yaml, given ? argv[2] : "built in");
    if (!mapping) return fmt::print(stderr, "{}\n", mapping.error().message), 1;
    auto bound = schemas::BoundMapping::bind(*mapping, {});
    if (!bound) return fmt::print(stderr, "{}\n", bound.error().message), 1;

    schemas::Scratch scratch;
    bus::RecordView record;
    record.value = std::string_view(body).substr(0, size);
    bus::Envelope envelope;
    envelope.content_type = "application/json";
    schemas::json::Parser parser;
    const Rate parse = measure(seconds, [&] {
        if (!parser.parse(record.value, {}, true)) std::abort();
    });
    const Rate map = measure(seconds, [&] { (*bound)->map(record, envelope, "bench", scratch); });
    const auto& mapped = (*bound)->map(record, envelope, "bench", scratch);
    fmt::print("body_bytes={} events={} failures={} parse_us={:.3f} map_us={:.3f} calls={}\n", size,
               mapped.events.size(), mapped.failures.size(), parse.micros_per_call,
               map.micros_per_call, map.calls);
    return 0;
}
