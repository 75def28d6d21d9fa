#include "schemas/mapping/compiler_class.hpp"

#include <algorithm>
#include <iterator>

namespace schemas::mapping {

namespace {

constexpr std::size_t loops_max = 8;
constexpr std::size_t emits_max = 256;
constexpr std::size_t type_bytes_max = 128;

bool is_type_name(std::string_view text) {
    if (text.size() > type_bytes_max || text.find('.') == text.npos) return false;
    char before = '.';
    for (char c : text) {
        if (c == '.' ? before == '.' : !is_name({&c, 1})) return false;
        before = c;
    }
    return before != '.';
}

}  // namespace

void Compiler::add_rule(const Node& node, Keys more) {
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

std::uint32_t Compiler::add_variable(const Node& name, std::uint32_t level) {
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

void Compiler::add_loops(const Node& node, Rule& rule) {
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

void Compiler::add_lets(const Node& node, Rule& rule) {
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

TimeRule Compiler::time_rule(const Node& node) {
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

std::vector<KeyPart> Compiler::key_parts(const Node& node) {
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

std::vector<IdentityRule> Compiler::identities(const Node& node) {
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

PathIndex Compiler::system(const Node& item) {
    const Node* node = item.find("system");
    if (node) return constant_or_path(*node);
    return value_or_fail(add_constant(program_.name, program_), item);
}

Setting Compiler::phone_country(const Node* node, bool is_phone) {
    if (!is_phone) return {};
    return node ? setting(*node) : default_country_;
}

void Compiler::add_emits(const Node& node, Rule& rule) {
    const Node* emits = node.find("emit");
    if (!emits) return fail(node, "'emit' is missing");
    if (list(*emits).size() > emits_max) return fail(*emits, "too many emits");
    for (const Node& item : list(*emits)) add_emit(item, rule);
}

void Compiler::add_emit(const Node& node, Rule& rule) {
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

void Compiler::read_type(const Node& node, Emit& emit) {
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

void Compiler::read_type_otherwise(const Node* node, Emit& emit) {
    if (!node) return;
    emit.type_otherwise_same = word(*node) == "same";
    if (!emit.type_otherwise_same) emit.type_otherwise = node->text;
}

void Compiler::check_types(const Node& node, const Emit& emit) {
    if (emit.type_otherwise && !is_type_name(*emit.type_otherwise)) {
        fail(node, fmt::format("'{}' is no name of a type", *emit.type_otherwise));
    }
    for (const auto& part : emit.type_table.parts) {
        for (const auto& [from, to] : part.entries) {
            if (to && !is_type_name(*to)) fail(node, fmt::format("'{}' is no name of a type", *to));
        }
    }
}

}  // namespace schemas::mapping
