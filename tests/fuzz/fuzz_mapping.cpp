// A mapping file, a NUL, and a body: compiled or refused, and run. Without a NUL, all is a body for
// a mapping with every kind of step.
#include "schemas/mapping.hpp"

#include <cstddef>

namespace {

constexpr std::string_view every_step = R"(
mapping: every
channel: web
body: [json, form, query]
rules:
  - for_each: {e: "[]", m: "$e.m[]"}
    let: {inner: {from: $m.j, as: json}, picked: "$e.l[k=$m.t]"}
    fields:
      message_id: {from: [$m.i, i], required: true}
      customer_phone: {from: $m.p, as: phone, country: IN}
      text: ["$m[$m.t].b", $picked.v, $inner.v, "$e.l[-1].k"]
      status: {from: $m.s, map: {a: b}, else: same}
      amount_minor: {from: $m.a, less: [$m.l, "$e.l[0].k"], as: money, currency: $m.c}
      duration_s: {from: $m.d, as: seconds}
      started_at: {from: $m.z, format: [unix_s, iso, rfc2822, "%d/%m/%Y %I:%M %p"], zone: America/New_York}
      customer_email: {from: $m.e, as: email}
    key: [message_id, $body]
    identity: [{phone: customer_phone}, {whatsapp: $m.p}, {external: message_id}]
    emit: {type: {from: $m.s, map: {a: a.b}, else: c.d}}
  - {otherwise: true, fields: {text: "$query.a[0].b"}, emit: {type: $body.t}}
)";

void map(std::string_view yaml, std::string_view body) {
    const auto mapping = schemas::Mapping::compile(yaml, "fuzz");
    if (!mapping) return;
    const auto bound = schemas::BoundMapping::bind(*mapping, {});
    if (!bound) return;
    std::string padded(body);
    padded.append(64, '\0');
    schemas::Scratch scratch;
    bus::RecordView record;
    record.value = std::string_view(padded).substr(0, body.size());
    bus::Headers query;
    query.add(bus::header::value_is, "query");
    (*bound)->map(record, {}, "slug", scratch);
    record.headers = query.view();
    (*bound)->map(record, {}, "slug", scratch);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const auto split = text.find('\0');
    if (split == text.npos) {
        map(every_step, text);
    } else {
        map(text.substr(0, split), text.substr(split + 1));
    }
    return 0;
}
