#include "schemas/mapping/compiler.hpp"

#include "bus/text.hpp"
#include "schemas/mapping/path_text.hpp"
#include "schemas/mapping/scalars.hpp"
#include "schemas/yaml/yaml.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <iterator>

namespace schemas::mapping {

namespace {

using yaml::Node;

constexpr std::size_t loops_max = 8;
constexpr std::size_t emits_max = 256;
constexpr std::size_t type_bytes_max = 128;

constexpr std::array convert_names{
    std::pair{std::string_view{"text"}, Convert::text},
    std::pair{std::string_view{"lower"}, Convert::lower},
    std::pair{std::string_view{"digits"}, Convert::digits},
    std::pair{std::string_view{"phone"}, Convert::phone},
    std::pair{std::string_view{"email"}, Convert::email},
    std::pair{std::string_view{"integer"}, Convert::integer},
    std::pair{std::string_view{"seconds"}, Convert::seconds},
    std::pair{std::string_view{"money"}, Convert::money},
    std::pair{std::string_view{"boolean"}, Convert::boolean},
    std::pair{std::string_view{"time"}, Convert::time},
};

FieldKind result_of(Convert as) {
    switch (as) {
        case Convert::integer:
        case Convert::seconds:
        case Convert::money:
            return FieldKind::integer;
        case Convert::boolean:
            return FieldKind::boolean;
        case Convert::time:
            return FieldKind::time;
        default:
            return FieldKind::text;
    }
}

Convert default_convert(FieldKind kind) {
    switch (kind) {
        case FieldKind::integer:
            return Convert::integer;
        case FieldKind::boolean:
            return Convert::boolean;
        case FieldKind::time:
            return Convert::time;
        default:
            return Convert::text;
    }
}

std::string_view name_of(FieldKind kind) {
    switch (kind) {
        case FieldKind::integer:
            return "integer";
        case FieldKind::boolean:
            return "boolean";
        case FieldKind::time:
            return "time";
        default:
            return "text";
    }
}

bool is_name(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
}

bool is_type_name(std::string_view text) {
    if (text.size() > type_bytes_max || text.find('.') == text.npos) return false;
    char before = '.';
    for (char c : text) {
        if (c == '.' ? before == '.' : !is_name({&c, 1})) return false;
        before = c;
    }
    return before != '.';
}

// Walks the file and keeps the first mistake; what it builds after one is not used.
class Compiler {
public:
    explicit Compiler(std::string_view file) : file_(file) {}

    bus::Result<Program> compile(const Node& root) {
        read_head(root);
        if (const Node* rules = root.find("rules")) {
            for (const Node& rule : list(*rules)) add_rule(rule, {});
        } else if (!error_) {
            add_rule(root,
                     {"mapping", "version", "channel", "body", "defaults", "empty", "uses_record"});
        }
        if (error_) return *error_;
        return std::move(program_);
    }

private:
    using Keys = std::initializer_list<std::string_view>;

    void fail(const Node& node, std::string_view reason) {
        if (!error_) error_ = yaml::error_at(file_, node.mark, reason);
    }

    template <class T>
    T value_or_fail(bus::Result<T> result, const Node& node) {
        if (result) return std::move(*result);
        fail(node, result.error().message);
        return T{};
    }

    void allow(const Node& node, Keys keys, Keys more = {}) {
        if (!node.is_map()) return fail(node, "a map is expected here");
        for (const auto& [key, value] : node.members) {
            const auto is_key = [&name = key.text](std::string_view k) { return k == name; };
            if (std::none_of(keys.begin(), keys.end(), is_key) &&
                std::none_of(more.begin(), more.end(), is_key)) {
                return fail(key, fmt::format("unknown key '{}'", key.text));
            }
        }
    }

    std::string word(const Node& node) {
        if (!node.is_scalar()) fail(node, "a word is expected here");
        return node.text;
    }

    bool truth(const Node& node) {
        if (node.text != "true" && node.text != "false")
            fail(node, "true or false is expected here");
        return node.text == "true";
    }

    // A list, or one item in place of it.
    static std::vector<Node> list(const Node& node) {
        if (node.is_list()) return node.items;
        return {node};
    }

    std::vector<std::string> words(const Node& node) {
        std::vector<std::string> out;
        for (const Node& item : list(node)) out.push_back(item.is_null() ? "null" : word(item));
        return out;
    }

    // The head of the file

    void read_head(const Node& root) {
        if (!root.is_map()) return fail(root, "a mapping file is a map");
        if (root.find("rules")) {
            allow(root, {"mapping", "version", "channel", "body", "defaults", "empty",
                         "uses_record", "rules"});
        }
        const Node* name = root.find("mapping");
        if (!name) return fail(root, "'mapping: <name>' is missing");
        program_.name = word(*name);
        if (!is_name(program_.name)) fail(*name, "a name of a-z, 0-9, '_' and '-' is expected");
        if (const Node* version = root.find("version")) {
            const auto number = read_integer(word(*version));
            if (!number || *number < 1) fail(*version, "version is a positive number");
            program_.version = number.value_or(1);
        }
        read_channel(root);
        read_bodies(root.find("body"));
        if (const Node* empty = root.find("empty")) {
            program_.empty_words = words(*empty);
            program_.empty_words_in_json = true;
        }
        if (const Node* defaults = root.find("defaults")) read_defaults(*defaults);
    }

    void read_channel(const Node& root) {
        const Node* channel = root.find("channel");
        if (!channel) return fail(root, "'channel: <topic>' is missing");
        const auto topic = bus::parse_topic(word(*channel));
        if (!topic || bus::index(*topic) >= bus::index(bus::Topic::facts)) {
            return fail(*channel, fmt::format("'{}' is no channel", channel->text));
        }
        program_.channel = *topic;
    }

    void read_bodies(const Node* body) {
        constexpr std::array<std::string_view, 4> names{"json", "form", "query", "mail"};
        if (!body) {
            program_.reads[0] = true;
            return;
        }
        for (const Node& item : list(*body)) {
            const auto found = std::find(names.begin(), names.end(), word(item));
            if (found == names.end()) return fail(item, "body is json, form, query or mail");
            program_.reads[found - names.begin()] = true;
        }
    }

    void read_defaults(const Node& node) {
        allow(node, {"zone", "format", "country", "currency"});
        if (const Node* zone = node.find("zone")) default_zone_ = zone_setting(*zone);
        if (const Node* format = node.find("format")) default_formats_ = formats(*format);
        if (const Node* country = node.find("country")) default_country_ = setting(*country);
        if (const Node* currency = node.find("currency")) default_currency_ = *currency;
    }

    // Settings

    Setting setting(const Node& node) {
        constexpr std::string_view record = "$record.";
        const std::string text = word(node);
        if (!text.starts_with('$')) return {text, false};
        if (!text.starts_with(record)) fail(node, "a word or $record.<name> is expected here");
        return {text.substr(std::min(record.size(), text.size())), true};
    }

    Setting zone_setting(const Node& node) {
        Setting zone = setting(node);
        if (!zone.from_record) value_or_fail(time::Zone::find(zone.text), node);
        return zone;
    }

    std::vector<Setting> formats(const Node& node) {
        std::vector<Setting> out;
        for (const Node& item : list(node)) {
            out.push_back(setting(item));
            if (!out.back().from_record)
                value_or_fail(time::TimeFormat::parse(out.back().text), item);
        }
        return out;
    }

    TimeReading reading(const Node& node) {
        TimeReading reading;
        reading.formats = default_formats_;
        reading.zone = default_zone_;
        if (const Node* format = node.find("format")) reading.formats = formats(*format);
        if (const Node* zone = node.find("zone")) reading.zone = zone_setting(*zone);
        return reading;
    }

    // Paths

    PathIndex path(const Node& node) {
        const std::string text = word(node);
        if (error_) return 0;
        const auto index = value_or_fail(add_path(text, scope_, program_), node);
        if (!error_ && program_.paths[index].every) fail(node, "[] is for for_each only");
        return index;
    }

    std::vector<PathIndex> paths(const Node& node) {
        std::vector<PathIndex> out;
        for (const Node& item : list(node)) out.push_back(path(item));
        return out;
    }

    PathIndex operand(const Node& node) {
        const std::string text = word(node);
        if (error_) return 0;
        const auto index = value_or_fail(add_operand(text, scope_, program_), node);
        if (!error_ && program_.paths[index].every) fail(node, "[] is for for_each only");
        return index;
    }

    PathIndex constant_or_path(const Node& node) {
        if (node.text.starts_with('$')) return path(node);
        return value_or_fail(add_constant(word(node), program_), node);
    }

    Condition condition(const Node* node) {
        if (!node) return {};
        const std::string text = word(*node);
        if (error_) return {};
        return value_or_fail(parse_condition(text, scope_, program_), *node);
    }

    // Rules

    void add_rule(const Node& node, Keys more) {
        allow(node,
              {"for_each", "let", "when", "copy", "fields", "time", "key", "identity", "emit",
               "otherwise"},
              more);
        if (error_) return;
        scope_ = {};
        Rule rule;
        if (const Node* loops = node.find("for_each")) add_loops(*loops, rule);
        if (const Node* lets = node.find("let")) add_lets(*lets, rule);
        rule.when = condition(node.find("when"));
        if (const Node* copy = node.find("copy")) rule.fields = copied_fields(*copy);
        if (const Node* fields = node.find("fields")) append(field_rules(*fields), rule.fields);
        if (const Node* time = node.find("time")) rule.time = time_rule(*time);
        if (const Node* key = node.find("key")) rule.key = key_parts(*key);
        if (const Node* identity = node.find("identity")) rule.identity = identities(*identity);
        if (const Node* otherwise = node.find("otherwise")) rule.otherwise = truth(*otherwise);
        add_emits(node, rule);
        program_.slots = std::max(program_.slots, slots_);
        slots_ = 0;
        program_.rules.push_back(std::move(rule));
    }

    std::uint32_t add_variable(const Node& name, std::uint32_t level) {
        constexpr std::array<std::string_view, 6> reserved{"body",   "query", "header",
                                                           "record", "field", "source"};
        const bool taken = scope_.variables.contains(name.text) ||
                           std::find(reserved.begin(), reserved.end(), name.text) != reserved.end();
        if (taken) fail(name, fmt::format("the name '{}' is taken", name.text));
        if (!is_name(name.text) || name.text.find('-') != name.text.npos) {
            fail(name, "a variable is named with a-z, 0-9 and '_'");
        }
        scope_.variables[name.text] = {slots_, level};
        return slots_++;
    }

    void add_loops(const Node& node, Rule& rule) {
        if (!node.is_map()) return fail(node, "for_each is a map: variable -> path with []");
        if (node.members.size() > loops_max) return fail(node, "too many loops");
        for (const auto& [name, over] : node.members) {
            const std::string text = word(over);
            if (error_) return;
            const auto index = value_or_fail(add_path(text, scope_, program_), over);
            if (error_) return;
            if (!program_.paths[index].every) return fail(over, "a path of for_each ends in []");
            const auto level = static_cast<std::uint32_t>(rule.loops.size() + 1);
            rule.loops.push_back({add_variable(name, level), index});
        }
    }

    void add_lets(const Node& node, Rule& rule) {
        if (!node.is_map()) return fail(node, "let is a map: variable -> path");
        for (const auto& [name, value] : node.members) {
            Let let;
            const Node* from = &value;
            if (value.is_map()) {
                allow(value, {"from", "as"});
                from = value.find("from");
                const Node* as = value.find("as");
                if (as && as->text != "json") fail(*as, "a variable is read as json only");
                let.parse_json = as != nullptr;
            }
            if (!from) return fail(value, "'from' is missing");
            let.from = paths(*from);
            if (error_) return;
            for (PathIndex index : let.from) {
                let.level = std::max(let.level, program_.paths[index].level);
            }
            let.slot = add_variable(name, let.level);
            rule.lets.push_back(std::move(let));
        }
    }

    TimeRule time_rule(const Node& node) {
        TimeRule rule;
        const Node* from = &node;
        if (node.is_map()) {
            allow(node, {"from", "format", "zone"});
            from = node.find("from");
        }
        rule.reading = reading(node);
        if (!from) fail(node, "'from' is missing");
        if (from) rule.from = paths(*from);
        return rule;
    }

    std::vector<KeyPart> key_parts(const Node& node) {
        std::vector<KeyPart> parts;
        for (Node item : list(node)) {
            KeyPart part;
            part.optional = item.text.ends_with('?');
            if (part.optional) item.text.pop_back();
            part.path = operand(item);
            parts.push_back(part);
        }
        return parts;
    }

    std::vector<IdentityRule> identities(const Node& node) {
        std::vector<IdentityRule> rules;
        for (const Node& item : list(node)) {
            allow(item, {"phone", "email", "whatsapp", "external", "system", "country"});
            for (KeyKind kind :
                 {KeyKind::phone, KeyKind::email, KeyKind::whatsapp, KeyKind::external}) {
                const Node* value = item.find(schemas::name(kind));
                if (!value) continue;
                IdentityRule rule;
                rule.kind = kind;
                rule.path = operand(*value);
                rule.country = phone_country(item.find("country"), kind == KeyKind::phone);
                if (kind == KeyKind::external) rule.system = system(item);
                rules.push_back(std::move(rule));
            }
        }
        return rules;
    }

    PathIndex system(const Node& item) {
        const Node* node = item.find("system");
        if (node) return constant_or_path(*node);
        return value_or_fail(add_constant(program_.name, program_), item);
    }

    Setting phone_country(const Node* node, bool is_phone) {
        if (!is_phone) return {};
        return node ? setting(*node) : default_country_;
    }

    // Emits

    void add_emits(const Node& node, Rule& rule) {
        const Node* emits = node.find("emit");
        if (!emits) return fail(node, "'emit' is missing");
        if (list(*emits).size() > emits_max) return fail(*emits, "too many emits");
        for (const Node& item : list(*emits)) add_emit(item, rule);
    }

    void add_emit(const Node& node, Rule& rule) {
        allow(node, {"type", "when", "fields", "key", "time"});
        const Node* type = node.find("type");
        if (!type) return fail(node, "'type' is missing");
        const Scope rule_scope = scope_;
        Emit emit;
        read_type(*type, emit);
        emit.when = condition(node.find("when"));
        if (const Node* fields = node.find("fields")) emit.fields = field_rules(*fields);
        if (const Node* key = node.find("key")) emit.key = key_parts(*key);
        if (const Node* time = node.find("time")) emit.time = time_rule(*time);
        scope_ = rule_scope;
        rule.emits.push_back(std::move(emit));
    }

    void read_type(const Node& node, Emit& emit) {
        if (node.is_scalar() && !node.text.starts_with('$')) {
            emit.type_name = node.text;
            emit.type = parse_event_type(node.text);
            if (!is_type_name(node.text)) fail(node, "a type is named like 'ivr.call.started'");
            return;
        }
        const Node* from = &node;
        if (node.is_map()) {
            allow(node, {"from", "map", "else"});
            from = node.find("from");
            if (!from) return fail(node, "'from' is missing");
            if (const Node* map = node.find("map")) read_table(*map, emit.type_table);
            read_type_otherwise(node.find("else"), emit);
            check_types(node, emit);
        }
        emit.type_from = paths(*from);
    }

    void read_type_otherwise(const Node* node, Emit& emit) {
        if (!node) return;
        emit.type_otherwise_same = word(*node) == "same";
        if (!emit.type_otherwise_same) emit.type_otherwise = node->text;
    }

    void check_types(const Node& node, const Emit& emit) {
        if (emit.type_otherwise && !is_type_name(*emit.type_otherwise)) {
            fail(node, fmt::format("'{}' is no name of a type", *emit.type_otherwise));
        }
        for (const auto& part : emit.type_table.parts) {
            for (const auto& [from, to] : part.entries) {
                if (to && !is_type_name(*to))
                    fail(node, fmt::format("'{}' is no name of a type", *to));
            }
        }
    }

    // Fields

    std::vector<FieldRule> field_rules(const Node& node) {
        std::vector<FieldRule> rules;
        if (!node.is_map()) fail(node, "fields is a map: canonical field -> path or steps");
        for (const auto& [name, value] : node.members) {
            const auto field = parse_field(name.text);
            if (!field) {
                fail(name, fmt::format("'{}' is no canonical field", name.text));
                break;
            }
            rules.push_back(field_rule(*field, value));
            scope_.fields.push_back(*field);
        }
        return rules;
    }

    // One rule per canonical field, from the member of that name.
    std::vector<FieldRule> copied_fields(const Node& node) {
        std::vector<FieldRule> rules;
        Node member = node;
        for (std::size_t i = 0; i < field_count && !error_; ++i) {
            const auto field = static_cast<Field>(i);
            member.text = fmt::format("{}.{}", word(node), name(field));
            rules.push_back(field_rule(field, member));
            scope_.fields.push_back(field);
        }
        return rules;
    }

    static void append(std::vector<FieldRule> more, std::vector<FieldRule>& rules) {
        std::move(more.begin(), more.end(), std::back_inserter(rules));
    }

    FieldRule field_rule(Field field, const Node& node) {
        FieldRule rule;
        rule.field = field;
        const bool alternatives = node.is_list() && !node.items.empty() && node.items[0].is_map();
        if (alternatives) {
            for (const Node& item : node.items) rule.choices.push_back(choice(rule, item));
        } else {
            rule.choices.push_back(choice(rule, node));
        }
        for (const Choice& choice : rule.choices) {
            if (!error_ && rule.written.empty() && !choice.from.empty()) {
                rule.written = program_.paths[choice.from.front()].written;
            }
        }
        return rule;
    }

    Choice choice(FieldRule& rule, const Node& node) {
        Choice choice;
        choice.as = default_convert(kind_of(rule.field));
        choice.reading.formats = default_formats_;
        choice.reading.zone = default_zone_;
        choice.country = default_country_;
        if (!node.is_map()) {
            if (node.is_null()) fail(node, "a path or steps are expected here");
            choice.from = paths(node);
            return choice;
        }
        allow(node, {"from", "const", "default", "as", "map", "else", "keep_raw", "required",
                     "when", "format", "zone", "country", "currency", "minor", "empty"});
        choice.when = condition(node.find("when"));
        read_conversion(rule.field, node, choice);
        read_sources(node, choice);
        read_words(node, choice);
        if (const Node* required = node.find("required")) rule.required |= truth(*required);
        return choice;
    }

    void read_conversion(Field field, const Node& node, Choice& choice) {
        if (const Node* as = node.find("as")) {
            const auto named = [&](const auto& entry) { return entry.first == as->text; };
            const auto found = std::find_if(convert_names.begin(), convert_names.end(), named);
            if (found == convert_names.end()) {
                return fail(*as, fmt::format("'as: {}' is unknown", as->text));
            }
            choice.as = found->second;
            if (result_of(choice.as) != kind_of(field)) {
                return fail(*as, fmt::format("'{}' is of kind {}, not {}", name(field),
                                             name_of(kind_of(field)), as->text));
            }
        }
        const bool is_time = choice.as == Convert::time;
        only_for(is_time, node, {"format", "zone"}, "time");
        only_for(choice.as == Convert::phone, node, {"country"}, "phone");
        only_for(choice.as == Convert::money, node, {"currency", "minor"}, "money");
        if (is_time) choice.reading = reading(node);
        if (choice.as == Convert::phone) choice.country = phone_country(node.find("country"), true);
        if (choice.as == Convert::money) read_money_keys(node, choice);
    }

    void only_for(bool fits, const Node& node, Keys keys, std::string_view what) {
        for (std::string_view key : keys) {
            if (const Node* given = node.find(key); given && !fits) {
                fail(*given, fmt::format("'{}' is for 'as: {}' only", key, what));
            }
        }
    }

    void read_money_keys(const Node& node, Choice& choice) {
        if (const Node* minor = node.find("minor")) choice.is_minor = truth(*minor);
        const Node* currency = node.find("currency");
        if (!currency && default_currency_) currency = &*default_currency_;
        if (currency) choice.currency = constant_or_path(*currency);
    }

    void read_sources(const Node& node, Choice& choice) {
        const Node* from = node.find("from");
        const Node* constant = node.find("const");
        const Node* fallback = node.find("default");
        if (from && constant) fail(*constant, "either 'from' or 'const'");
        if (!from && !constant && !fallback) fail(node, "'from' or 'const' is missing");
        if (from) choice.from = paths(*from);
        if (constant) choice.constant = fixed(*constant, choice.as);
        if (fallback) choice.fallback = fixed(*fallback, choice.as);
    }

    // A constant must be what the field holds, so that it cannot fail later.
    std::string fixed(const Node& node, Convert as) {
        std::string text = word(node);
        const FieldKind kind = result_of(as);
        const bool fits = kind == FieldKind::text ||
                          (kind == FieldKind::integer && read_integer(text)) ||
                          (kind == FieldKind::boolean && read_boolean(text));
        if (!fits) fail(node, fmt::format("'{}' is no constant of kind {}", text, name_of(kind)));
        return text;
    }

    void read_words(const Node& node, Choice& choice) {
        if (const Node* map = node.find("map")) read_table(*map, choice.table);
        if (const Node* keep = node.find("keep_raw")) choice.keep_raw = truth(*keep);
        if (const Node* empty = node.find("empty")) choice.empty_words = words(*empty);
        const Node* otherwise = node.find("else");
        if (!otherwise) return;
        if (choice.table.empty()) fail(*otherwise, "'else' needs a 'map'");
        if (otherwise->text == "same") {
            choice.otherwise_same = true;
        } else {
            choice.otherwise = fixed(*otherwise, choice.as);
        }
    }

    void read_table(const Node& node, WordTable& table) {
        for (const Node& item : list(node)) {
            WordTable::Part part;
            if (item.is_map()) {
                for (const auto& [from, to] : item.members) add_entry(from, to, part);
            } else if (item.text == "$record.status_mapping") {
                part.is_status_mapping = true;
            } else {
                fail(item, "a table word -> word, or $record.status_mapping");
            }
            table.parts.push_back(std::move(part));
        }
    }

    void add_entry(const Node& from, const Node& to, WordTable::Part& part) {
        const std::string key = bus::to_lower_ascii(from.text);
        for (const auto& [known, value] : part.entries) {
            if (known == key) return fail(from, fmt::format("'{}' is given twice", from.text));
        }
        part.entries.emplace_back(key, to.is_null() ? std::optional<std::string>{} : word(to));
    }

    std::string_view file_;
    Program program_;
    Scope scope_;
    std::uint32_t slots_ = 0;
    std::vector<Setting> default_formats_{{"iso", false}};
    Setting default_zone_{"UTC", false};
    Setting default_country_{"country", true};
    std::optional<Node> default_currency_;
    std::optional<bus::Error> error_;
};

}  // namespace

bus::Result<Program> compile(std::string_view yaml, std::string_view file) {
    auto root = yaml::parse(yaml, file);
    if (!root) return root.error();
    return Compiler(file).compile(*root);
}

}  // namespace schemas::mapping
