#include "schemas/mapping/program_bytes.hpp"

namespace schemas::mapping {

namespace {

// Of what a value holds, without the value itself; the overloads call each other.
std::size_t held(const std::string& text) {
    return text.size() < sizeof(std::string) / 2 ? 0 : text.capacity() + 1;
}
std::size_t held(const Step& step);
std::size_t held(const Path& path);
std::size_t held(const Condition& condition);
std::size_t held(const Setting& setting) {
    return held(setting.text);
}
std::size_t held(const time::TimeFormat&) {
    return 0;
}
std::size_t held(const Choice& choice);
std::size_t held(const FieldRule& field);
std::size_t held(const IdentityRule& identity);
std::size_t held(const Emit& emit);
std::size_t held(const Let& let);
std::size_t held(const Rule& rule);
std::size_t held(const WordTable::Part& part);
std::size_t held(PathIndex) {
    return 0;
}
std::size_t held(const KeyPart&) {
    return 0;
}
std::size_t held(const Loop&) {
    return 0;
}
std::size_t held(const std::optional<std::string>& text) {
    return text ? held(*text) : 0;
}
std::size_t held(const std::pair<std::string, std::optional<std::string>>& words) {
    return held(words.first) + held(words.second);
}

template <class T>
std::size_t held(const std::vector<T>& values) {
    std::size_t bytes = values.capacity() * sizeof(T);
    for (const T& value : values) bytes += held(value);
    return bytes;
}

std::size_t held(const Step& step) {
    return held(step.name) + held(step.names);
}

std::size_t held(const Path& path) {
    return held(path.name) + held(path.steps) + held(path.written);
}

std::size_t held(const Condition& condition) {
    return held(condition.right) + held(condition.parts);
}

std::size_t held(const TimeReading& reading) {
    return held(reading.formats) + held(reading.zone) + held(reading.bound_formats);
}

std::size_t held(const WordTable::Part& part) {
    return held(part.entries);
}

std::size_t held(const WordTable& table) {
    return held(table.parts) + held(table.bound);
}

std::size_t held(const Choice& choice) {
    return held(choice.when) + held(choice.from) + held(choice.less) + held(choice.constant) +
           held(choice.fallback) + held(choice.table) + held(choice.otherwise) +
           held(choice.empty_words) + held(choice.reading) + held(choice.country);
}

std::size_t held(const FieldRule& field) {
    return held(field.choices) + held(field.written);
}

std::size_t held(const std::optional<TimeRule>& time) {
    return time ? held(time->from) + held(time->reading) : 0;
}

std::size_t held(const IdentityRule& identity) {
    return held(identity.country);
}

std::size_t held(const Emit& emit) {
    return held(emit.when) + held(emit.type_name) + held(emit.type_from) + held(emit.type_table) +
           held(emit.type_otherwise) + held(emit.fields) + held(emit.key) + held(emit.time);
}

std::size_t held(const Let& let) {
    return held(let.from);
}

std::size_t held(const Rule& rule) {
    return held(rule.loops) + held(rule.lets) + held(rule.when) + held(rule.fields) +
           held(rule.time) + held(rule.key) + held(rule.identity) + held(rule.emits);
}

}  // namespace

std::size_t bytes_of(const Program& program) {
    return sizeof(Program) + held(program.name) + held(program.empty_words) + held(program.paths) +
           held(program.rules);
}

}  // namespace schemas::mapping
