#include "schemas/mapping/compiler_class.hpp"

#include "bus/text.hpp"
#include "schemas/mapping/scalars.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace schemas::mapping {

namespace {

constexpr std::size_t status_mapping_parts = 200;  // a source's table is copied to each place

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

}  // namespace

std::vector<FieldRule> Compiler::field_rules(const Node& node) {
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
std::vector<FieldRule> Compiler::copied_fields(const Node& node) {
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

void Compiler::append(std::vector<FieldRule> more, std::vector<FieldRule>& rules) {
    std::move(more.begin(), more.end(), std::back_inserter(rules));
}

FieldRule Compiler::field_rule(Field field, const Node& node) {
    FieldRule rule;
    rule.field = field;
    add_parts(node, 1);
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

Choice Compiler::choice(FieldRule& rule, const Node& node) {
    Choice choice;
    choice.as = default_convert(kind_of(rule.field));
    choice.country = default_country_;
    add_parts(node, 1);
    if (!node.is_map()) {
        if (node.is_null()) fail(node, "a path or steps are expected here");
        choice.from = paths(node);
        if (choice.as == Convert::time) choice.reading = reading(node);
        return choice;
    }
    allow(node, {"from", "less", "const", "default", "as", "map", "else", "keep_raw", "required",
                 "when", "format", "zone", "country", "currency", "minor", "empty"});
    choice.when = condition(node.find("when"));
    read_conversion(rule.field, node, choice);
    read_sources(node, choice);
    read_words(node, choice);
    if (const Node* required = node.find("required")) rule.required |= truth(*required);
    return choice;
}

void Compiler::read_conversion(Field field, const Node& node, Choice& choice) {
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

void Compiler::only_for(bool fits, const Node& node, Keys keys, std::string_view what) {
    for (std::string_view key : keys) {
        if (const Node* given = node.find(key); given && !fits) {
            fail(*given, fmt::format("'{}' is for 'as: {}' only", key, what));
        }
    }
}

void Compiler::read_money_keys(const Node& node, Choice& choice) {
    if (const Node* minor = node.find("minor")) choice.is_minor = truth(*minor);
    const Node* currency = node.find("currency");
    if (!currency && default_currency_) currency = &*default_currency_;
    if (currency) choice.currency = constant_or_path(*currency);
}

void Compiler::read_sources(const Node& node, Choice& choice) {
    const Node* from = node.find("from");
    const Node* constant = node.find("const");
    const Node* fallback = node.find("default");
    if (from && constant) fail(*constant, "either 'from' or 'const'");
    if (!from && !constant && !fallback) fail(node, "'from' or 'const' is missing");
    if (from) choice.from = paths(*from);
    if (const Node* less = node.find("less")) read_less(*less, choice);
    if (constant) choice.constant = fixed(*constant, choice.as);
    if (fallback) choice.fallback = fixed(*fallback, choice.as);
}

void Compiler::read_less(const Node& less, Choice& choice) {
    if (result_of(choice.as) != FieldKind::integer) fail(less, "'less' is for numbers only");
    if (choice.from.empty()) fail(less, "'less' needs a 'from'");
    choice.less = paths(less);
}

// A constant must be what the field holds, so that it cannot fail later.
std::string Compiler::fixed(const Node& node, Convert as) {
    std::string text = word(node);
    const FieldKind kind = result_of(as);
    const bool fits = kind == FieldKind::text ||
                      (kind == FieldKind::integer && read_integer(text)) ||
                      (kind == FieldKind::boolean && read_boolean(text));
    if (!fits) fail(node, fmt::format("'{}' is no constant of kind {}", text, name_of(kind)));
    return text;
}

void Compiler::read_words(const Node& node, Choice& choice) {
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

void Compiler::read_table(const Node& node, WordTable& table) {
    for (const Node& item : list(node)) {
        WordTable::Part part;
        if (item.is_map()) {
            for (const auto& [from, to] : item.members) add_entry(from, to, part);
        } else if (item.text == "$record.status_mapping") {
            part.is_status_mapping = true;
            add_parts(item, status_mapping_parts);
        } else {
            fail(item, "a table word -> word, or $record.status_mapping");
        }
        table.parts.push_back(std::move(part));
    }
}

void Compiler::add_entry(const Node& from, const Node& to, WordTable::Part& part) {
    const std::string key = bus::to_lower_ascii(from.text);
    for (const auto& [known, value] : part.entries) {
        if (known == key) return fail(from, fmt::format("'{}' is given twice", from.text));
    }
    part.entries.emplace_back(key, to.is_null() ? std::optional<std::string>{} : word(to));
}

}  // namespace schemas::mapping
