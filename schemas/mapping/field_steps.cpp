#include "schemas/mapping/field_steps.hpp"

#include "schemas/mapping/scalars.hpp"

#include <algorithm>

namespace schemas::mapping {

namespace {

// Of a record's budget.
constexpr std::size_t choice_work = 4;

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
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

}  // namespace

const std::optional<std::string>* look_up(const WordTable& table, std::string_view word) {
    const auto before = [](const auto& entry, std::string_view text) {
        return compare_lower(entry.first, text) < 0;
    };
    const auto found = std::lower_bound(table.bound.begin(), table.bound.end(), word, before);
    const bool hit = found != table.bound.end() && compare_lower(found->first, word) == 0;
    return hit ? &found->second : nullptr;
}

void FieldSteps::add_fields(const std::vector<FieldRule>& rules, Event& event) {
    for (const FieldRule& rule : rules) {
        if (paths_.is_exhausted()) return;
        for (const Choice& choice : rule.choices) {
            if (add_field(rule.field, choice, event)) break;
        }
    }
}

bool FieldSteps::add_field(Field field, const Choice& choice, Event& event) {
    paths_.spend(choice_work);
    if (choice.when.kind != Condition::Kind::always && !paths_.holds(choice.when)) return false;
    if (choice.constant) return add_fixed(field, choice, *choice.constant, event);
    const Found found = paths_.first(choice.from, choice.empty_words);
    if (found.kind == Found::Kind::nothing) return add_fallback(field, choice, event);
    if (found.kind == Found::Kind::time && choice.as == Convert::time) {
        set(event, field, {FieldValue::Kind::time, {}, found.micros});
        return true;
    }
    const std::string_view word = paths_.text_of(found);
    if (choice.keep_raw) keep_raw(event, field, word);
    return choice.table.empty() ? add_word(field, choice, word, word, event)
                                : add_mapped(field, choice, word, event);
}

bool FieldSteps::add_mapped(Field field, const Choice& choice, std::string_view word,
                            Event& event) {
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

bool FieldSteps::add_word(Field field, const Choice& choice, std::string_view word,
                          std::string_view raw, Event& event) {
    if (const FieldValue value = converted(choice, word)) {
        set(event, field, choice.less.empty() ? value : lessened(field, choice, value, event));
        return true;
    }
    keep_raw(event, field, raw);
    event.warnings.push_back({name(field), complaint(choice.as)});
    return add_fallback(field, choice, event);
}

bool FieldSteps::add_fallback(Field field, const Choice& choice, Event& event) {
    return choice.fallback && add_fixed(field, choice, *choice.fallback, event);
}

bool FieldSteps::add_fixed(Field field, const Choice& choice, std::string_view word, Event& event) {
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

FieldValue FieldSteps::number(FieldValue::Kind kind, std::string_view word,
                              std::optional<std::int64_t> value) {
    if (!value) return {};
    return {kind, word, *value};
}

FieldValue FieldSteps::truth(std::string_view word) {
    const auto value = read_boolean(word);
    if (!value) return {};
    return {FieldValue::Kind::boolean, word, *value ? 1 : 0};
}

FieldValue FieldSteps::converted(const Choice& choice, std::string_view word) {
    if (choice.as != Convert::text) paths_.spend(conversion_work(word));
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

FieldValue FieldSteps::lessened(Field field, const Choice& choice, const FieldValue& whole,
                                Event& event) {
    const Found found = paths_.first(choice.less, choice.empty_words);
    if (found.kind == Found::Kind::nothing) return whole;
    const FieldValue part = converted(choice, paths_.text_of(found));
    std::int64_t rest = 0;
    if (part && !__builtin_sub_overflow(whole.number, part.number, &rest)) {
        return {whole.kind, paths_.decimal(rest), rest};
    }
    event.warnings.push_back({name(field), "'less' is unreadable"});
    return whole;
}

std::string_view FieldSteps::complaint(Convert as) {
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

FieldValue FieldSteps::made_text(std::string_view word) {
    if (word.empty()) return {};
    return {FieldValue::Kind::text, word, 0};
}

std::string_view FieldSteps::lowered(std::string_view word) {
    char* place = arena_.reserve(word.size());
    std::transform(word.begin(), word.end(), place, lower);
    return {place, word.size()};
}

std::string_view FieldSteps::digits(std::string_view word) {
    const auto count = static_cast<std::size_t>(std::count_if(word.begin(), word.end(), is_digit));
    char* place = arena_.reserve(count);
    std::copy_if(word.begin(), word.end(), place, is_digit);
    return {place, count};
}

std::string_view FieldSteps::phone(std::string_view word, const Country& country) {
    const auto number = read_phone(word, country);
    return number ? arena_.store(number->text()) : std::string_view{};
}

std::string_view FieldSteps::email(std::string_view word) {
    const auto address = read_email(word);
    return address ? arena_.store(*address) : std::string_view{};
}

std::optional<std::int64_t> FieldSteps::money(const Choice& choice, std::string_view word) {
    if (choice.is_minor) return read_integer(word);
    const std::string_view currency =
        choice.currency ? paths_.text_of(paths_.find(*choice.currency)) : "";
    return read_money(word, currency);
}

std::optional<std::int64_t> FieldSteps::micros(const TimeReading& reading, std::string_view word) {
    for (const auto& format : reading.bound_formats) {
        paths_.spend(conversion_work(word));
        if (const auto time = format.read(word, reading.bound_zone)) {
            return time->time_since_epoch().count();
        }
    }
    return {};
}

}  // namespace schemas::mapping
