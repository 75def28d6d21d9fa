#include "schemas/mapping/run.hpp"

#include "bus/crypto/digest.hpp"
#include "bus/text.hpp"
#include "schemas/mapping/scalars.hpp"

#include <algorithm>
#include <charconv>

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
    spare.push_back(std::move(mapped.events.back()));
    mapped.events.pop_back();
}

void Scratch::State::clear() {
    while (!mapped.events.empty()) drop_last_event();
    mapped.failures.clear();
    arena.clear();
    parsers_used = 0;
}

}  // namespace schemas

namespace schemas::mapping {

namespace {

constexpr std::size_t parsers_max = 256;
// What one record may cost, far above any real one: a body of lists in lists must not stop the
// fold.
constexpr std::size_t iterations_max = 20'000;
constexpr std::size_t visits_max = 2'000'000;        // elements passed by indices and selectors
constexpr std::size_t spelled_bytes_max = 16 << 20;  // of objects and lists taken as text
constexpr std::size_t type_bytes_max = 128;
constexpr std::size_t identity_bytes_max = 256;

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_container(json::Kind kind) {
    return kind == json::Kind::array || kind == json::Kind::object;
}

// Compares as the lower-case form of `text` would; `key` is lower case already.
int compare_lower(std::string_view key, std::string_view text) {
    const std::size_t common = std::min(key.size(), text.size());
    for (std::size_t i = 0; i < common; ++i) {
        const int difference =
            static_cast<unsigned char>(key[i]) - static_cast<unsigned char>(lower(text[i]));
        if (difference != 0) return difference;
    }
    return key.size() < text.size() ? -1 : key.size() > text.size() ? 1 : 0;
}

const std::optional<std::string>* look_up(const WordTable& table, std::string_view word) {
    const auto before = [](const auto& entry, std::string_view text) {
        return compare_lower(entry.first, text) < 0;
    };
    const auto found = std::lower_bound(table.bound.begin(), table.bound.end(), word, before);
    const bool hit = found != table.bound.end() && compare_lower(found->first, word) == 0;
    return hit ? &found->second : nullptr;
}

// "{caller}", "{{caller}}", "${caller}": a template's place that nobody filled.
bool is_placeholder(std::string_view text) {
    if (text.starts_with('$')) text.remove_prefix(1);
    if (text.size() < 3 || text.front() != '{' || text.back() != '}') return false;
    return std::all_of(text.begin(), text.end(), [](char c) {
        return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') ||
               std::string_view("{}_.- ").find(c) != std::string_view::npos;
    });
}

bool is_among(const std::vector<std::string>& words, std::string_view text) {
    return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
        return word == text || (word == "{}" && is_placeholder(text));
    });
}

void set(Event& event, Field field, const FieldValue& value) {
    for (auto& [name, known] : event.fields) {
        if (name == field) return void(known = value);
    }
    event.fields.emplace_back(field, value);
}

void keep_raw(Event& event, Field field, std::string_view word) {
    for (auto& [name, known] : event.raw_words) {
        if (name == field) return void(known = word);
    }
    event.raw_words.emplace_back(field, word);
}

class Run {
public:
    Run(const Program& program, const bus::RecordView& record, const bus::Envelope& envelope,
        std::string_view source_slug, Scratch::State& state)
        : program_(program),
          record_(record),
          envelope_(envelope),
          source_slug_(source_slug),
          state_(state) {}

    void run() {
        auto document = state_.body.read(record_, envelope_.content_type, program_);
        if (!document) return fail_all(document.error().message);
        document_ = *document;
        words_mean_absent_ = document_.is_flat || program_.empty_words_in_json;
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
        return iterations_ > iterations_max || visits_ > visits_max ||
               spelled_bytes_ > spelled_bytes_max;
    }

    // Loops

    void run_level(const Rule& rule, std::uint32_t level) {
        if (++iterations_ > iterations_max || is_exhausted()) return;
        for (const Let& let : rule.lets) {
            if (let.level == level) state_.slots[let.slot] = value_of(let);
        }
        const bool is_time_to_ask = rule.when.level == level;
        if (is_time_to_ask && !holds(rule.when)) return;
        if (level == rule.loops.size()) return emit_all(rule);
        run_loop(rule, level);
    }

    void run_loop(const Rule& rule, std::uint32_t level) {
        const Loop& loop = rule.loops[level];
        const Found over = find(loop.over);
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
            step.element = node(value);
            step.run.run_level(step.rule, step.level + 1);
        });
    }

    Found value_of(const Let& let) {
        const Found found = first(let.from, {});
        if (!let.parse_json || found.kind == Found::Kind::nothing) return found;
        const bool is_text = found.kind != Found::Kind::node || found.node_kind == json::Kind::text;
        return is_text ? parsed(text_of(found)) : found;
    }

    Found parsed(std::string_view text) {
        if (state_.parsers_used == parsers_max) return {};
        if (state_.parsers_used == state_.parsers.size()) state_.parsers.emplace_back();
        auto root = state_.parsers[state_.parsers_used++].parse(text, body_limits);
        return root ? node(*root) : Found{};
    }

    // Paths

    static Found node(json::Value value) {
        Found found;
        const json::Kind kind = value.kind();
        if (kind == json::Kind::absent || kind == json::Kind::null) return found;
        found.kind = Found::Kind::node;
        found.node_kind = kind;
        found.node = value;
        return found;
    }

    static Found text(std::string_view word) {
        Found found;
        found.kind = Found::Kind::text;
        found.text = word;
        return found;
    }

    Found find(PathIndex index) {
        const Path& path = program_.paths[index];
        switch (path.root) {
            case Path::Root::body:
                return find_inside(document_.root, document_.is_flat, path);
            case Path::Root::query:
                return find_inside(query(), true, path);
            case Path::Root::variable:
                return find_in_variable(path);
            case Path::Root::field:
                return find_field(path.field);
            case Path::Root::header:
                return find_header(path.name);
            case Path::Root::source:
                return text(source_slug_);
            case Path::Root::constant:
                return text(path.name);
            default:
                return {};
        }
    }

    Found find_inside(json::Value root, bool is_flat, const Path& path) {
        if (is_flat && path.steps.size() > 1) {
            if (Found flat = node(root[path.written]); flat.kind != Found::Kind::nothing)
                return flat;
        }
        return node(walk(root, path));
    }

    Found find_in_variable(const Path& path) {
        const Found& variable = state_.slots[path.slot];
        if (path.steps.empty()) return variable;
        if (variable.kind != Found::Kind::node) return {};
        return node(walk(variable.node, path));
    }

    Found find_field(Field field) {
        const FieldValue value = current_->get(field);
        Found found;
        switch (value.kind) {
            case FieldValue::Kind::absent:
                break;
            case FieldValue::Kind::text:
                return text(value.text);
            case FieldValue::Kind::integer:
                return text(decimal(value.number));
            case FieldValue::Kind::boolean:
                return text(value.number ? "true" : "false");
            case FieldValue::Kind::time:
                found.kind = Found::Kind::time;
                found.micros = value.number;
        }
        return found;
    }

    Found find_header(std::string_view name) {
        state_.text = bus::header::http_prefix;
        state_.text += name;
        const auto value = record_.headers.find(state_.text);
        return value ? text(*value) : Found{};
    }

    json::Value query() {
        if (record_.headers.get(bus::header::value_is) == "query") return document_.root;
        if (!query_) {
            auto parsed = state_.query.read_parameters(record_.headers.get(bus::header::query));
            query_ = parsed ? *parsed : json::Value{};
        }
        return *query_;
    }

    json::Value walk(json::Value value, const Path& path) {
        for (const Step& step : path.steps) {
            if (!value) return {};
            switch (step.kind) {
                case Step::Kind::member:
                    value = value[step.name];
                    break;
                case Step::Kind::element:
                    value = element(value, step.index);
                    break;
                case Step::Kind::named_by:
                    value = named(value, text_of(find(step.path)));
                    break;
                case Step::Kind::select:
                    value = selected(value, step);
                    break;
            }
        }
        return value;
    }

    static json::Value named(json::Value object, std::string_view name) {
        return name.empty() ? json::Value{} : object[name];
    }

    json::Value element(json::Value list, std::int64_t index) {
        if (list.kind() != json::Kind::array || is_exhausted()) return {};
        const std::size_t size = list.size();
        visits_ += size;
        if (index < 0) index += static_cast<std::int64_t>(size);
        return index < 0 ? json::Value{} : list.at(static_cast<std::size_t>(index));
    }

    json::Value selected(json::Value list, const Step& step) {
        struct Wanted {
            Run& run;
            const Step& step;
            std::string_view word;
        } wanted{*this, step, text_of(find(step.path))};
        if (wanted.word.empty() || is_exhausted()) return {};
        return list.first_element([&wanted](json::Value value) {
            ++wanted.run.visits_;
            for (const std::string& name : wanted.step.names) value = value[name];
            return value && wanted.run.text_of(node(value)) == wanted.word;
        });
    }

    // Words

    std::string_view decimal(std::int64_t number) {
        constexpr std::size_t digits_max = 20;
        char* place = state_.arena.reserve(digits_max);
        const auto end = std::to_chars(place, place + digits_max, number).ptr;
        return {place, static_cast<std::size_t>(end - place)};
    }

    std::string_view text_of(const Found& found) {
        switch (found.kind) {
            case Found::Kind::nothing:
                return {};
            case Found::Kind::text:
                return found.text;
            case Found::Kind::time:
                return decimal(found.micros);
            case Found::Kind::node:
                break;
        }
        switch (found.node_kind) {
            case json::Kind::text:
                return found.node.text();
            case json::Kind::boolean:
                return *found.node.boolean() ? "true" : "false";
            case json::Kind::array:
            case json::Kind::object:
                if (is_exhausted()) return {};
                state_.text.clear();
                found.node.append_to(state_.text);
                spelled_bytes_ += state_.text.size();
                return state_.arena.store(state_.text);
            default:
                break;
        }
        if (const auto number = found.node.integer()) return decimal(*number);
        return state_.arena.store(found.node.scalar_text());
    }

    bool means_absent(const Found& found, const std::vector<std::string>& more) {
        if (found.kind == Found::Kind::nothing) return true;
        if (found.kind == Found::Kind::time || is_container(found.node_kind)) return false;
        // Only words can say that they mean nothing; spelling out a number is wasted otherwise.
        const bool is_word = found.kind == Found::Kind::text || found.node_kind == json::Kind::text;
        if (!is_word && !words_mean_absent_ && more.empty()) return false;
        const std::string_view word = text_of(found);
        return word.empty() || (words_mean_absent_ && is_among(program_.empty_words, word)) ||
               is_among(more, word);
    }

    Found first(const std::vector<PathIndex>& from, const std::vector<std::string>& empty_words) {
        for (PathIndex index : from) {
            const Found found = find(index);
            if (!means_absent(found, empty_words)) return found;
        }
        return {};
    }

    // Conditions

    bool holds(const Condition& condition) {
        const auto part_holds = [this](const Condition& part) { return holds(part); };
        switch (condition.kind) {
            case Condition::Kind::always:
                return true;
            case Condition::Kind::exists:
                return !means_absent(find(condition.left), {});
            case Condition::Kind::equals:
            case Condition::Kind::in:
                return equals_any(condition);
            case Condition::Kind::all:
                return std::all_of(condition.parts.begin(), condition.parts.end(), part_holds);
            case Condition::Kind::any:
                return std::any_of(condition.parts.begin(), condition.parts.end(), part_holds);
            case Condition::Kind::negation:
                return !holds(condition.parts.front());
        }
        return false;
    }

    bool equals_any(const Condition& condition) {
        const Found left = find(condition.left);
        if (means_absent(left, {})) return false;
        const std::string_view word = text_of(left);
        return std::any_of(condition.right.begin(), condition.right.end(), [&](PathIndex index) {
            const Found right = find(index);
            return right.kind != Found::Kind::nothing && text_of(right) == word;
        });
    }

    // Fields

    void add_fields(const std::vector<FieldRule>& rules, Event& event) {
        for (const FieldRule& rule : rules) {
            for (const Choice& choice : rule.choices) {
                if (add_field(rule.field, choice, event)) break;
            }
        }
    }

    // False when the choice gives no value.
    bool add_field(Field field, const Choice& choice, Event& event) {
        if (choice.when.kind != Condition::Kind::always && !holds(choice.when)) return false;
        if (choice.constant) return add_fixed(field, choice, *choice.constant, event);
        const Found found = first(choice.from, choice.empty_words);
        if (found.kind == Found::Kind::nothing) return add_fallback(field, choice, event);
        if (found.kind == Found::Kind::time && choice.as == Convert::time) {
            set(event, field, {FieldValue::Kind::time, {}, found.micros});
            return true;
        }
        const std::string_view word = text_of(found);
        if (choice.keep_raw) keep_raw(event, field, word);
        return choice.table.empty() ? add_word(field, choice, word, word, event)
                                    : add_mapped(field, choice, word, event);
    }

    bool add_mapped(Field field, const Choice& choice, std::string_view word, Event& event) {
        if (const auto* entry = look_up(choice.table, word)) {
            return *entry ? add_word(field, choice, **entry, word, event)
                          : add_fallback(field, choice, event);
        }
        keep_raw(event, field, word);
        event.warnings.push_back({name(field), "unknown word"});
        if (choice.otherwise_same) return add_word(field, choice, word, word, event);
        if (choice.otherwise) return add_fixed(field, choice, *choice.otherwise, event);
        return add_fallback(field, choice, event);
    }

    // `raw` is what the provider wrote, `word` what a table made of it.
    bool add_word(Field field, const Choice& choice, std::string_view word, std::string_view raw,
                  Event& event) {
        if (const FieldValue value = converted(choice, word)) {
            set(event, field, value);
            return true;
        }
        keep_raw(event, field, raw);
        event.warnings.push_back({name(field), complaint(choice.as)});
        return add_fallback(field, choice, event);
    }

    bool add_fallback(Field field, const Choice& choice, Event& event) {
        return choice.fallback && add_fixed(field, choice, *choice.fallback, event);
    }

    // Constants were checked when compiled: texts as they stand, numbers and truths in plain form.
    bool add_fixed(Field field, const Choice& choice, std::string_view word, Event& event) {
        FieldValue value{FieldValue::Kind::text, word, 0};
        if (kind_of(field) == FieldKind::integer) {
            value = number(FieldValue::Kind::integer, word, read_integer(word));
        } else if (kind_of(field) == FieldKind::boolean) {
            value = truth(word);
        }
        if (!value) return false;
        set(event, field, value);
        return choice.as != Convert::time;
    }

    static FieldValue number(FieldValue::Kind kind, std::string_view word,
                             std::optional<std::int64_t> value) {
        if (!value) return {};
        return {kind, word, *value};
    }

    static FieldValue truth(std::string_view word) {
        const auto value = read_boolean(word);
        if (!value) return {};
        return {FieldValue::Kind::boolean, word, *value ? 1 : 0};
    }

    FieldValue converted(const Choice& choice, std::string_view word) {
        switch (choice.as) {
            case Convert::text:
                return {FieldValue::Kind::text, word, 0};
            case Convert::lower:
                return made_text(lowered(word));
            case Convert::digits:
                return made_text(digits(word));
            case Convert::phone:
                return made_text(phone(word, choice.bound_country));
            case Convert::email:
                return made_text(email(word));
            case Convert::integer:
                return number(FieldValue::Kind::integer, word, read_integer(word));
            case Convert::seconds:
                return number(FieldValue::Kind::integer, word, read_seconds(word));
            case Convert::money:
                return number(FieldValue::Kind::integer, word, money(choice, word));
            case Convert::boolean:
                return truth(word);
            case Convert::time:
                return number(FieldValue::Kind::time, word, micros(choice.reading, word));
        }
        return {};
    }

    static std::string_view complaint(Convert as) {
        switch (as) {
            case Convert::digits:
                return "no digits";
            case Convert::phone:
                return "not a phone number";
            case Convert::email:
                return "not an email address";
            case Convert::integer:
                return "not a whole number";
            case Convert::seconds:
                return "not a duration";
            case Convert::money:
                return "not an amount";
            case Convert::boolean:
                return "neither true nor false";
            case Convert::time:
                return "not a time of this format";
            default:
                return "not readable";
        }
    }

    static FieldValue made_text(std::string_view word) {
        if (word.empty()) return {};
        return {FieldValue::Kind::text, word, 0};
    }

    std::string_view lowered(std::string_view word) {
        char* place = state_.arena.reserve(word.size());
        std::transform(word.begin(), word.end(), place, lower);
        return {place, word.size()};
    }

    std::string_view digits(std::string_view word) {
        char* place = state_.arena.reserve(word.size());
        char* end = std::copy_if(word.begin(), word.end(), place, is_digit);
        return {place, static_cast<std::size_t>(end - place)};
    }

    std::string_view phone(std::string_view word, const Country& country) {
        const auto number = read_phone(word, country);
        return number ? state_.arena.store(number->text()) : std::string_view{};
    }

    std::string_view email(std::string_view word) {
        const auto address = read_email(word);
        return address ? state_.arena.store(*address) : std::string_view{};
    }

    std::optional<std::int64_t> money(const Choice& choice, std::string_view word) {
        if (choice.is_minor) return read_integer(word);
        const std::string_view currency = choice.currency ? text_of(find(*choice.currency)) : "";
        return read_money(word, currency);
    }

    static std::optional<std::int64_t> micros(const TimeReading& reading, std::string_view word) {
        for (const auto& format : reading.bound_formats) {
            if (const auto time = format.read(word, reading.bound_zone)) {
                return time->time_since_epoch().count();
            }
        }
        return {};
    }

    // Events

    void emit_all(const Rule& rule) {
        Event& base = state_.base;
        base.fields.clear();
        base.raw_words.clear();
        base.warnings.clear();
        current_ = &base;
        add_fields(rule.fields, base);
        for (const Emit& emit : rule.emits) {
            current_ = &base;
            if (holds(emit.when)) emit_one(rule, emit);
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
        current_ = &event;
        add_fields(emit.fields, event);
        if (lacks_required(rule.fields, index) || lacks_required(emit.fields, index)) {
            return state_.drop_last_event();
        }
        add_time(emit.time ? *emit.time : rule.time, event);
        add_id(rule, emit, event);
        for (const IdentityRule& identity : rule.identity) add_identity(identity, event);
    }

    std::string_view type_of(const Emit& emit) {
        const std::string_view word = text_of(first(emit.type_from, {}));
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
        const Found found = first(rule->from, {});
        if (found.kind == Found::Kind::nothing) return;
        const auto time = found.kind == Found::Kind::time
                              ? std::optional<std::int64_t>(found.micros)
                              : micros(rule->reading, text_of(found));
        if (!time) return event.warnings.push_back({"time", complaint(Convert::time)});
        event.time = bus::Timestamp{bus::microseconds{*time}};
        event.time_is_ingest = false;
    }

    void add_id(const Rule& rule, const Emit& emit, Event& event) {
        auto& key = state_.key;
        key.clear();
        const bool has_key = !(rule.key.empty() && emit.key.empty()) &&
                             add_key_parts(rule.key, key) && add_key_parts(emit.key, key);
        if (!has_key) {
            const std::string_view index = decimal(event.emit_index);
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
            const Found found = find(part.path);
            const bool is_absent = means_absent(found, {});
            if (is_absent && !part.optional) return false;
            key.push_back(is_absent ? std::string_view{} : text_of(found));
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
        const Found found = find(rule.path);
        if (means_absent(found, {})) return;
        const IdentityKey key{rule.kind, identity_text(rule, text_of(found))};
        if (key.text.empty() || key.text.size() > identity_bytes_max) return;
        if (std::find(event.keys.begin(), event.keys.end(), key) != event.keys.end()) return;
        event.keys.push_back(key);
    }

    std::string_view identity_text(const IdentityRule& rule, std::string_view word) {
        switch (rule.kind) {
            case KeyKind::phone:
                return phone(word, rule.bound_country);
            case KeyKind::email:
                return email(word);
            case KeyKind::whatsapp:
                return whatsapp(word);
            case KeyKind::external:
                return external(text_of(find(rule.system)), word);
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
        return std::all_of(word.begin(), word.end(), is_of_number) ? digits(word) : word;
    }

    std::string_view external(std::string_view system, std::string_view word) {
        if (system.empty()) return {};
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
    Document document_;
    std::optional<json::Value> query_;
    const Event* current_ = nullptr;
    std::uint32_t next_index_ = 0;
    std::size_t iterations_ = 0;
    std::size_t visits_ = 0;
    std::size_t spelled_bytes_ = 0;
    bool words_mean_absent_ = false;
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
