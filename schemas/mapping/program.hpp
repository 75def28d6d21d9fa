// What a mapping file is compiled to (schemas/MAPPING.md): paths, conditions and steps with every
// name resolved. A Program is made by the compiler, completed by the binder with the values of a
// source's record, and then only read.
#pragma once

#include "bus/topic.hpp"
#include "schemas/event.hpp"
#include "schemas/mapping/country.hpp"
#include "schemas/time/time_text.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace schemas::mapping {

using PathIndex = std::uint32_t;  // into Program::paths

struct Step {
    enum class Kind : std::uint8_t { member, element, named_by, select };
    Kind kind = Kind::member;
    std::string name;                // member
    std::int64_t index = 0;          // element; negative from the end
    std::vector<std::string> names;  // select: member to compare, nested
    PathIndex path = 0;              // named_by, select: the other value
};

struct Path {
    enum class Root : std::uint8_t {
        nothing,  // always absent
        body,
        query,
        header,
        variable,
        field,
        source,
        constant,
        record,         // until bound
        field_mapping,  // until bound
    };
    Root root = Root::nothing;
    std::uint32_t slot = 0;  // of a variable
    Field field{};           // of a field
    std::string name;        // of a header or record value; a constant's text
    std::vector<Step> steps;
    std::string written;      // as in the file, for messages and as a form parameter's name
    bool every = false;       // ends in []
    std::uint32_t level = 0;  // number of loops that must be running before it has a value
};

struct Condition {
    enum class Kind : std::uint8_t { always, equals, exists, in, all, any, negation };
    Kind kind = Kind::always;
    PathIndex left = 0;
    std::vector<PathIndex> right;
    std::vector<Condition> parts;  // of all, any, negation
    std::uint32_t level = 0;
};

// A constant, or the name of a value of the source's record.
struct Setting {
    std::string text;
    bool from_record = false;
};

struct TimeReading {
    std::vector<Setting> formats;
    Setting zone;
    std::vector<time::TimeFormat> bound_formats;
    time::Zone bound_zone;
};

// Words to canonical words; no value means absent. Looked up without regard to ASCII case.
struct WordTable {
    struct Part {
        std::vector<std::pair<std::string, std::optional<std::string>>> entries;
        bool is_status_mapping = false;
    };
    std::vector<Part> parts;  // first hit wins
    std::vector<std::pair<std::string, std::optional<std::string>>>
        bound;  // sorted, lower-case keys

    bool empty() const { return parts.empty(); }
};

enum class Convert : std::uint8_t {
    text,
    lower,
    digits,
    phone,
    email,
    integer,
    seconds,
    money,
    boolean,
    time
};

// One way to a field's value.
struct Choice {
    Condition when;
    std::vector<PathIndex> from;
    std::vector<PathIndex> less;  // of a number: what is taken off it
    std::optional<std::string> constant;
    std::optional<std::string> fallback;
    Convert as = Convert::text;
    WordTable table;
    std::optional<std::string> otherwise;  // of the table
    bool otherwise_same = false;
    bool keep_raw = false;
    std::vector<std::string> empty_words;
    TimeReading reading;
    Setting country;
    Country bound_country;
    std::optional<PathIndex> currency;
    bool is_minor = false;
};

struct FieldRule {
    Field field{};
    std::vector<Choice> choices;
    bool required = false;
    std::string written;  // its first path
};

struct TimeRule {
    std::vector<PathIndex> from;
    TimeReading reading;
};

struct KeyPart {
    PathIndex path = 0;
    bool optional = false;
};

struct IdentityRule {
    KeyKind kind = KeyKind::phone;
    PathIndex path = 0;
    PathIndex system = 0;  // of external
    Setting country;       // of phone
    Country bound_country;
};

struct Emit {
    Condition when;
    std::string type_name;  // empty: taken from a path
    EventType type = EventType::other;
    std::vector<PathIndex> type_from;
    WordTable type_table;
    std::optional<std::string> type_otherwise;
    bool type_otherwise_same = false;
    std::vector<FieldRule> fields;
    std::vector<KeyPart> key;
    std::optional<TimeRule> time;
};

struct Let {
    std::uint32_t slot = 0;
    std::uint32_t level = 0;
    std::vector<PathIndex> from;
    bool parse_json = false;
};

struct Loop {
    std::uint32_t slot = 0;
    PathIndex over = 0;
};

struct Rule {
    std::vector<Loop> loops;
    std::vector<Let> lets;
    Condition when;
    std::vector<FieldRule> fields;
    std::optional<TimeRule> time;
    std::vector<KeyPart> key;
    std::vector<IdentityRule> identity;
    std::vector<Emit> emits;
    bool otherwise = false;
};

enum class BodyKind : std::uint8_t { json, form, query, mail };

struct Program {
    std::string name;
    std::int64_t version = 1;
    bus::Topic channel = bus::Topic::web;
    bool reads[4] = {};  // by BodyKind
    std::vector<std::string> empty_words{"null", "None", "NA", "{}"};
    bool empty_words_in_json = false;  // the file names them itself
    std::vector<Path> paths;
    std::size_t steps = 0;  // of all paths
    std::vector<Rule> rules;
    std::uint32_t slots = 0;

    bool accepts(BodyKind kind) const { return reads[static_cast<std::size_t>(kind)]; }
};

// Calls visit(TimeReading&) and so on for all parts that are completed when bound.
template <class OnChoice, class OnTime, class OnIdentity, class OnTable>
void for_each_part(Program& program, OnChoice on_choice, OnTime on_time, OnIdentity on_identity,
                   OnTable on_table) {
    const auto visit_fields = [&](std::vector<FieldRule>& fields) {
        for (auto& field : fields) {
            for (auto& choice : field.choices) on_choice(choice);
        }
    };
    for (auto& rule : program.rules) {
        visit_fields(rule.fields);
        if (rule.time) on_time(rule.time->reading);
        for (auto& identity : rule.identity) on_identity(identity);
        for (auto& emit : rule.emits) {
            visit_fields(emit.fields);
            if (emit.time) on_time(emit.time->reading);
            on_table(emit.type_table);
        }
    }
}

}  // namespace schemas::mapping
