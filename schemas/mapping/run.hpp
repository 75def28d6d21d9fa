// Runs a bound Program over one record.
#pragma once

#include "schemas/mapping.hpp"
#include "schemas/mapping/arena.hpp"
#include "schemas/mapping/document.hpp"
#include "schemas/mapping/program.hpp"

#include <deque>

namespace schemas::mapping {

// What a path leads to.
struct Found {
    enum class Kind : std::uint8_t { nothing, node, text, time };
    Kind kind = Kind::nothing;
    json::Kind node_kind = json::Kind::absent;
    json::Value node;
    std::string_view text;
    std::int64_t micros = 0;
};

}  // namespace schemas::mapping

namespace schemas {

// Everything of a thread's mapping that is kept from record to record, to be filled again.
struct Scratch::State {
    static constexpr std::size_t spare_events_max = 1'000;
    static constexpr std::size_t spare_event_items_max = 64;  // keys, warnings
    static constexpr std::size_t parsers_kept = 8;
    static constexpr std::size_t parsed_bytes_kept = 256 << 10;  // a parser takes 11 times its text

    explicit State(BodyReader mail_reader) : body(mail_reader), query(nullptr) {}

    Event& take_event();  // appended to mapped.events, empty
    void drop_last_event();
    void clear();
    void drop_large_parsers();

    mapping::DocumentReader body;
    mapping::DocumentReader query;
    std::deque<json::Parser>
        parsers;  // of JSON inside texts; each keeps its document until clear()
    std::size_t parsers_used = 0;
    std::size_t parsed_bytes = 0;
    mapping::Budget budget;
    mapping::Arena arena{budget};
    std::vector<mapping::Found> slots;
    Event base;  // the fields of the running rule
    std::vector<Event> spare;
    std::vector<std::string_view> key;
    std::string text;
    Mapped mapped;
};

}  // namespace schemas

namespace schemas::mapping {

// Fills state.mapped.
void run(const Program& program, const bus::RecordView& record, const bus::Envelope& envelope,
         std::string_view source_slug, Scratch::State& state);

}  // namespace schemas::mapping
