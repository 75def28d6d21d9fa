#include "schemas/mapping/run.hpp"

#include "bus/crypto/digest.hpp"
#include "bus/text.hpp"
#include "schemas/mapping/field_steps.hpp"

#include <algorithm>

namespace schemas {

Event& Scratch::State::take_event() {
    if (spare.empty()) spare.emplace_back();
    mapped.events.push_back(std::move(spare.back()));
    spare.pop_back();
    Event& event = mapped.events.back();
    event.fields.clear();
    event.raw_words.clear();
    event.keys.clear();
    event.warnings.clear();
    event.time_is_ingest = false;
    return event;
}

void Scratch::State::drop_last_event() {
    Event& event = mapped.events.back();
    const bool is_usual = event.keys.capacity() <= spare_event_items_max &&
                          event.warnings.capacity() <= spare_event_items_max;
    if (is_usual && spare.size() < spare_events_max) spare.push_back(std::move(event));
    mapped.events.pop_back();
}

void Scratch::State::clear() {
    while (!mapped.events.empty()) drop_last_event();
    mapped.failures.clear();
    arena.clear();
    budget.clear();
    drop_large_parsers();
    parsers_used = 0;
    parsed_bytes = 0;
}

void Scratch::State::drop_large_parsers() {
    if (parsed_bytes > parsed_bytes_kept) parsers.clear();
    while (parsers.size() > parsers_kept) parsers.pop_back();
}

}  // namespace schemas

namespace schemas::mapping {

namespace {

// Far above any real record: lists in lists must not stop the fold.
constexpr std::size_t iterations_max = 20'000;
constexpr std::size_t events_max = 20'000;  // made or failed
constexpr std::size_t type_bytes_max = 128;
constexpr std::size_t identity_bytes_max = 256;
constexpr std::size_t hashed_bytes_per_work = 4;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

class Run {
public:
    Run(const Program& program, const bus::RecordView& record, const bus::Envelope& envelope,
        std::string_view source_slug, Scratch::State& state)
        : program_(program),
          record_(record),
          envelope_(envelope),
          source_slug_(source_slug),
          state_(state),
          paths_(program, record, source_slug, state),
          steps_(paths_, state.arena) {}

    void run() {
        if (auto opened = paths_.open(envelope_.content_type); !opened) {
            return fail_all(opened.error().message);
        }
        for (const Rule& rule : program_.rules) {
            if (!rule.otherwise || next_index_ == 0) run_level(rule, 0);
        }
        if (!is_exhausted()) return;
        while (!state_.mapped.events.empty()) state_.drop_last_event();
        state_.mapped.failures.clear();
        fail_all("the body is too large to map");
    }

private:
    void fail_all(const std::string& reason) { state_.mapped.failures.push_back({0, "", reason}); }

    bool is_exhausted() const {
        return iterations_ > iterations_max || next_index_ > events_max || paths_.is_exhausted();
    }

    // Loops

    void run_level(const Rule& rule, std::uint32_t level) {
        if (++iterations_ > iterations_max || is_exhausted()) return;
        for (const Let& let : rule.lets) {
            if (let.level == level) state_.slots[let.slot] = paths_.value_of(let);
        }
        const bool is_time_to_ask = rule.when.level == level;
        if (is_time_to_ask && !paths_.holds(rule.when)) return;
        if (level == rule.loops.size()) return emit_all(rule);
        run_loop(rule, level);
    }

    void run_loop(const Rule& rule, std::uint32_t level) {
        const Loop& loop = rule.loops[level];
        const Found over = paths_.find(loop.over);
        if (over.kind != Found::Kind::node) return;
        Found& element = state_.slots[loop.slot];
        if (over.node_kind != json::Kind::array) {
            element = over;
            return run_level(rule, level + 1);
        }
        struct Step {
            Run& run;
            const Rule& rule;
            Found& element;
            std::uint32_t level;
        } step{*this, rule, element, level};
        over.node.each_element([&step](json::Value value) {
            step.element = PathReader::node(value);
            step.run.run_level(step.rule, step.level + 1);
        });
    }

    // Events

    void emit_all(const Rule& rule) {
        Event& base = state_.base;
        base.fields.clear();
        base.raw_words.clear();
        base.warnings.clear();
        look_at(base);
        steps_.add_fields(rule.fields, base);
        for (const Emit& emit : rule.emits) {
            if (is_exhausted()) return;
            look_at(base);
            if (paths_.holds(emit.when)) emit_one(rule, emit);
        }
    }

    void emit_one(const Rule& rule, const Emit& emit) {
        const bool is_named = !emit.type_name.empty();
        const std::string_view type = is_named ? std::string_view(emit.type_name) : type_of(emit);
        if (type.empty() && !emit.type_table.empty()) return;
        const std::uint32_t index = next_index_++;
        if (!is_type_name(type)) return fail(index, emit.type_from, "no name of an event type");
        Event& event = state_.take_event();
        copy_base(event);
        event.type_name = type;
        event.type = is_named ? emit.type : parse_event_type(type);
        event.emit_index = index;
        look_at(event);
        steps_.add_fields(emit.fields, event);
        state_.budget.bytes(event.warnings.size() * sizeof(Warning));
        if (lacks_required(rule.fields, index) || lacks_required(emit.fields, index)) {
            return state_.drop_last_event();
        }
        add_time(emit.time ? *emit.time : rule.time, event);
        add_id(rule, emit, event);
        for (const IdentityRule& identity : rule.identity) add_identity(identity, event);
    }

    std::string_view type_of(const Emit& emit) {
        const std::string_view word = paths_.text_of(paths_.first(emit.type_from, {}));
        if (emit.type_table.empty() || word.empty()) return word;
        if (const auto* entry = look_up(emit.type_table, word)) {
            return *entry ? std::string_view(**entry) : std::string_view{};
        }
        if (emit.type_otherwise_same) return word;
        return emit.type_otherwise ? std::string_view(*emit.type_otherwise) : std::string_view{};
    }

    static bool is_type_name(std::string_view type) {
        return !type.empty() && type.size() <= type_bytes_max &&
               std::all_of(type.begin(), type.end(), [](char c) { return c > ' ' && c != 0x7F; });
    }

    void look_at(const Event& event) {
        current_ = &event;
        paths_.look_at(event);
    }

    void fail(std::uint32_t index, const std::vector<PathIndex>& paths, std::string_view reason) {
        const std::string path = paths.empty() ? "" : program_.paths[paths.front()].written;
        state_.mapped.failures.push_back({index, path, std::string(reason)});
    }

    void copy_base(Event& event) {
        event.fields = state_.base.fields;
        event.raw_words = state_.base.raw_words;
        event.warnings = state_.base.warnings;
        event.tenant = envelope_.tenant;
        event.source = envelope_.source;
        event.source_slug = source_slug_;
        event.ingest_time = envelope_.ingest_time;
        event.address = record_.address;
        event.raw_id = envelope_.id;
    }

    bool lacks_required(const std::vector<FieldRule>& rules, std::uint32_t index) {
        for (const FieldRule& rule : rules) {
            if (!rule.required || current_->get(rule.field)) continue;
            std::string_view reason = "is absent";
            for (const Warning& warning : current_->warnings) {
                if (warning.field == name(rule.field)) reason = warning.reason;
            }
            state_.mapped.failures.push_back(
                {index, rule.written, fmt::format("{}: {}", name(rule.field), reason)});
            return true;
        }
        return false;
    }

    void add_time(const std::optional<TimeRule>& rule, Event& event) {
        event.time = envelope_.ingest_time;
        event.time_is_ingest = true;
        if (!rule) return;
        const Found found = paths_.first(rule->from, {});
        if (found.kind == Found::Kind::nothing) return;
        const auto time = found.kind == Found::Kind::time
                              ? std::optional<std::int64_t>(found.micros)
                              : steps_.micros(rule->reading, paths_.text_of(found));
        if (!time) return event.warnings.push_back({"time", steps_.complaint(Convert::time)});
        event.time = bus::Timestamp{bus::microseconds{*time}};
        event.time_is_ingest = false;
    }

    void add_id(const Rule& rule, const Emit& emit, Event& event) {
        auto& key = state_.key;
        key.clear();
        const bool has_key = !(rule.key.empty() && emit.key.empty()) &&
                             add_key_parts(rule.key, key) && add_key_parts(emit.key, key);
        if (!has_key) {
            const std::string_view index = paths_.decimal(event.emit_index);
            event.id = bus::crypto::hash_id({event.raw_id.view(), index});
            return;
        }
        event.id = bus::crypto::hash_id(key);
    }

    // The head of the key (tenant, source, mark, type) and the parts; false when one is absent.
    bool add_key_parts(const std::vector<KeyPart>& parts, std::vector<std::string_view>& key) {
        if (key.empty()) {
            key.push_back(bytes_of(current_->tenant.value));
            key.push_back(bytes_of(current_->source.value));
            key.push_back("k");
            key.push_back(current_->type_name);
        }
        for (const KeyPart& part : parts) {
            const Found found = paths_.find(part.path);
            const bool is_absent = paths_.means_absent(found, {});
            if (is_absent && !part.optional) return false;
            key.push_back(is_absent ? std::string_view{} : paths_.text_of(found));
            state_.budget.work(key.back().size() / hashed_bytes_per_work);
        }
        return true;
    }

    std::string_view bytes_of(std::uint64_t value) {
        char bytes[sizeof value];
        for (char& byte : bytes) {
            byte = static_cast<char>(value & 0xFF);
            value >>= 8;
        }
        return state_.arena.store({bytes, sizeof bytes});
    }

    void add_identity(const IdentityRule& rule, Event& event) {
        const Found found = paths_.find(rule.path);
        if (paths_.means_absent(found, {})) return;
        const IdentityKey key{rule.kind, identity_text(rule, paths_.text_of(found))};
        if (key.text.empty() || key.text.size() > identity_bytes_max) return;
        state_.budget.work(event.keys.size());
        if (std::find(event.keys.begin(), event.keys.end(), key) != event.keys.end()) return;
        event.keys.push_back(key);
    }

    std::string_view identity_text(const IdentityRule& rule, std::string_view word) {
        state_.budget.work(conversion_work(word));
        switch (rule.kind) {
            case KeyKind::phone:
                return steps_.phone(word, rule.bound_country);
            case KeyKind::email:
                return steps_.email(word);
            case KeyKind::whatsapp:
                return whatsapp(word);
            case KeyKind::external:
                return external(paths_.text_of(paths_.find(rule.system)), word);
        }
        return {};
    }

    // Digits without plus and blanks; an id that is no number ("US.1234") as it is.
    std::string_view whatsapp(std::string_view word) {
        word = bus::trim(word);
        if (word.starts_with("whatsapp:")) word.remove_prefix(9);
        const auto is_of_number = [](char c) {
            return is_digit(c) || c == '+' || c == ' ' || c == '-';
        };
        if (!std::all_of(word.begin(), word.end(), is_of_number)) return word;
        const auto digits = std::count_if(word.begin(), word.end(), is_digit);
        return static_cast<std::size_t>(digits) > identity_bytes_max ? std::string_view{}
                                                                     : steps_.digits(word);
    }

    std::string_view external(std::string_view system, std::string_view word) {
        if (system.empty() || system.size() + 1 + word.size() > identity_bytes_max) return {};
        char* place = state_.arena.reserve(system.size() + 1 + word.size());
        char* end = std::copy(system.begin(), system.end(), place);
        *end++ = ':';
        end = std::copy(word.begin(), word.end(), end);
        return {place, static_cast<std::size_t>(end - place)};
    }

    const Program& program_;
    const bus::RecordView& record_;
    const bus::Envelope& envelope_;
    std::string_view source_slug_;
    Scratch::State& state_;
    PathReader paths_;
    FieldSteps steps_;
    const Event* current_ = nullptr;
    std::uint32_t next_index_ = 0;
    std::size_t iterations_ = 0;
};

}  // namespace

void run(const Program& program, const bus::RecordView& record, const bus::Envelope& envelope,
         std::string_view source_slug, Scratch::State& state) {
    state.clear();
    if (state.slots.size() < program.slots) state.slots.resize(program.slots);
    std::fill(state.slots.begin(), state.slots.end(), Found{});
    Run(program, record, envelope, source_slug, state).run();
}

}  // namespace schemas::mapping
