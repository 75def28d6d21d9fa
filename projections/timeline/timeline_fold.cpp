#include "projections/timeline/timeline_fold.hpp"

#include "projections/cut_text.hpp"
#include "projections/direction.hpp"
#include "projections/identity/customer_keys.hpp"
#include "projections/mail_time.hpp"
#include "projections/stored_documents.hpp"
#include "projections/timeline/timeline_templates.hpp"

namespace projections {

using schemas::Event;
using schemas::Field;

namespace {

constexpr std::size_t title_characters_max = 200;
constexpr std::size_t body_characters_max = 200;
constexpr std::size_t ref_bytes_max = 256;
constexpr std::size_t actor_bytes_max = 256;

// "whatsapp" of "whatsapp.message.received".
std::string_view channel_of(const Event& event) {
    return event.type_name.substr(0, event.type_name.find('.'));
}

std::string first_text(const Event& event, const std::vector<Field>& fields) {
    for (const Field field : fields) {
        const std::string_view text = event.text(field);
        if (!text.empty()) return one_line(text, body_characters_max);
    }
    return {};
}

std::string title_of(const Event& event, const TimelineTemplate& line) {
    std::string title = line.title.render(event);
    if (title.empty()) title = event.text(Field::title);
    if (title.empty()) title = event.type_name;
    return one_line(title, title_characters_max);
}

std::string_view actor_of(const Event& event, Actor actor) {
    const std::string_view direction = event.text(Field::direction);
    if (actor == Actor::system) return event.source_slug;
    if (actor == Actor::customer || (actor == Actor::by_direction && is_inbound(direction)))
        return "customer";
    for (const Field field : {Field::agent_name, Field::agent, Field::sender}) {
        if (const std::string_view told = event.text(field); !told.empty()) return told;
    }
    return "business";
}

// What the key does not tell (shown_line()).
std::string stored_line(const Event& event, const TimelineTemplate& line) {
    std::string out;
    schemas::json::Writer writer{out};
    writer.begin_object().member("title", title_of(event, line));
    if (const std::string body = first_text(event, line.body); !body.empty())
        writer.member("body", body);
    if (const std::string_view id = event.text(line.ref); !line.ref_type.empty() && !id.empty()) {
        writer.key("ref").begin_object().member("type", line.ref_type);
        writer.member("id", cut_at_code_point(id, ref_bytes_max)).end_object();
    }
    writer.member("actor", cut_at_code_point(actor_of(event, line.actor), actor_bytes_max));
    writer.member("type", event.type_name);
    writer.member("source", event.source_slug).end_object();
    return out;
}

bool may_tell_another_time(const Event& event, const TimelineTemplate& line) {
    return event.time_is_ingest || line.times_may_differ || channel_of(event) == "email";
}

// When the first report of an event says that it was. Another may tell another time, or none of its
// own and so be stored later, but is no second line. All reports of one event come in one topic, so
// the first of the log counts.
bus::Timestamp first_told_time(const Event& event, Rows& rows) {
    const std::string key = KeyWriter{}.byte('s').id(event.id).take();
    if (const auto first = rows.get(Table::entries, key)) return KeyReader{*first}.time();
    const bus::Timestamp at = line_time(event);
    rows.put(Table::entries, key, KeyWriter{}.time(at).take());
    return at;
}

}  // namespace

void TimelineFold::fold(const Event& event, Rows& rows) const {
    const TimelineTemplate* line = find_timeline_template(event.type);
    if (!line) return;
    const std::vector<std::string> keys = customer_keys(event);
    if (keys.empty()) return;
    const bus::Timestamp told = line_time(event);
    const bus::Timestamp at =
        may_tell_another_time(event, *line) ? first_told_time(event, rows) : told;
    const std::string stored = stored_line(event, *line);
    const TimelineKey key{.at = at,
                          .event_id = event.id,
                          .channel = std::string{channel_of(event)},
                          .kind = std::string{line->kind}};
    for (const std::string& customer : keys) {
        const std::string place = timeline_key(customer, key);
        // A later report adds the keys that only it tells.
        if (at != told && rows.get(Table::entries, place)) continue;
        rows.put(Table::entries, place, stored);
    }
}

bus::Timestamp line_time(const Event& event) {
    return channel_of(event) == "email" ? mail_time(event) : event.time;
}

std::string timeline_prefix(std::string_view customer_key) {
    return KeyWriter{}.byte('e').text(customer_key).take();
}

std::string timeline_key(std::string_view customer_key, const TimelineKey& line) {
    return KeyWriter{}
        .byte('e')
        .text(customer_key)
        .time_descending(line.at)
        .id(line.event_id)
        .text(line.channel)
        .text(line.kind)
        .take();
}

std::optional<TimelineKey> read_timeline_key(std::string_view key_after_prefix) {
    KeyReader reader{key_after_prefix};
    TimelineKey line;
    line.at = reader.time_descending();
    line.event_id = reader.id();
    line.channel = reader.text();
    line.kind = reader.text();
    if (!reader.ok()) return std::nullopt;
    return line;
}

std::string shown_line(const TimelineKey& key, std::string_view stored) {
    constexpr std::size_t told_by_key_bytes = 192;  // about
    std::string out;
    out.reserve(told_by_key_bytes + stored.size());
    schemas::json::Writer writer{out};
    writer.begin_object().member("id", prefixed_id("tle", key.event_id)).member("at", key.at);
    writer.member("channel", key.channel).member("kind", key.kind);
    append_members(stored, out);
    writer.member("event_id", bus::to_string(key.event_id)).end_object();
    return out;
}

}  // namespace projections
