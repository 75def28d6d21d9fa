#include "schemas/mapping/path_text.hpp"

#include "bus/text.hpp"

#include <algorithm>
#include <charconv>

namespace schemas::mapping {

namespace {

bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::string_view unquoted(std::string_view text) {
    text = bus::trim(text);
    const bool quoted = text.size() >= 2 && text.front() == text.back() &&
                        (text.front() == '\'' || text.front() == '"');
    return quoted ? text.substr(1, text.size() - 2) : text;
}

std::vector<std::string> split_names(std::string_view text) {
    std::vector<std::string> names;
    for (;;) {
        const auto dot = text.find('.');
        names.emplace_back(text.substr(0, dot));
        if (dot == text.npos) return names;
        text.remove_prefix(dot + 1);
    }
}

class PathParser {
public:
    PathParser(std::string_view text, const Scope& scope, Program& program)
        : text_(text), rest_(text), scope_(scope), program_(program) {}

    bus::Result<Path> parse() {
        path_.written = text_;
        path_.root = Path::Root::body;
        if (text_.empty()) return reason("is empty");
        if (text_.size() > text_max) return reason("is too long");
        if (rest_.starts_with('$')) {
            if (auto root = take_root(); !root) return root.error();
        } else if (!rest_.starts_with('[')) {
            if (auto name = take_name(); !name) return name.error();
        }
        while (!rest_.empty()) {
            if (path_.every) return reason("goes on after []");
            if (auto step = take_step(); !step) return step.error();
        }
        return std::move(path_);
    }

private:
    static constexpr std::size_t text_max = 512;

    bus::Error reason(std::string_view why) const {
        return bus::fail(bus::ErrorCode::invalid_input, "path '{}' {}", text_.substr(0, text_max),
                         why);
    }

    // What stands behind the root, as a form parameter may be named.
    bus::Result<bus::Done> take_parameters(Path::Root root) {
        path_.root = root;
        path_.written = rest_.starts_with('.') ? rest_.substr(1) : rest_;
        return bus::Done{};
    }

    bus::Result<bus::Done> take_root() {
        rest_.remove_prefix(1);
        std::size_t length = 0;
        while (length < rest_.size() && is_word(rest_[length])) ++length;
        const auto name = rest_.substr(0, length);
        rest_.remove_prefix(length);
        if (name == "body") return take_parameters(Path::Root::body);
        if (name == "query") return take_parameters(Path::Root::query);
        if (name == "header") return take_whole_name(Path::Root::header);
        if (name == "record") return take_record();
        if (name == "field") return take_field();
        if (name == "source") {
            path_.root = Path::Root::source;
            return rest_.empty() ? bus::Result<bus::Done>(bus::Done{})
                                 : reason("goes on after $source");
        }
        const auto variable = scope_.variables.find(name);
        if (variable == scope_.variables.end()) return reason("names no variable known here");
        path_.root = Path::Root::variable;
        path_.slot = variable->second.slot;
        path_.level = variable->second.level;
        return bus::Done{};
    }

    bus::Result<bus::Done> take_whole_name(Path::Root root) {
        if (!rest_.starts_with('.') || rest_.size() < 2) return reason("lacks a name");
        path_.root = root;
        path_.name = rest_.substr(1);
        if (root == Path::Root::header) path_.name = bus::to_lower_ascii(path_.name);
        rest_ = {};
        return bus::Done{};
    }

    bus::Result<bus::Done> take_record() {
        constexpr std::string_view mapped = ".field_mapping.";
        if (!rest_.starts_with(mapped)) return take_whole_name(Path::Root::record);
        rest_.remove_prefix(mapped.size() - 1);
        return take_whole_name(Path::Root::field_mapping);
    }

    bus::Result<bus::Done> take_field() {
        if (auto name = take_whole_name(Path::Root::field); !name) return name;
        const auto field = parse_field(path_.name);
        if (!field) return reason("names no canonical field; into the body leads $body.<path>");
        if (std::find(scope_.fields.begin(), scope_.fields.end(), *field) == scope_.fields.end()) {
            return reason("names a field that is not mapped above");
        }
        path_.field = *field;
        return bus::Done{};
    }

    bus::Result<bus::Done> take_step() {
        if (rest_.starts_with('[')) return take_brackets();
        if (!rest_.starts_with('.')) return reason("lacks a dot");
        rest_.remove_prefix(1);
        return take_name();
    }

    bus::Result<bus::Done> take_name() {
        std::string_view name;
        if (rest_.starts_with('"')) {
            const auto close = rest_.find('"', 1);
            if (close == rest_.npos) return reason("has an open quote");
            name = rest_.substr(1, close - 1);
            rest_.remove_prefix(close + 1);
        } else {
            name = rest_.substr(0, rest_.find_first_of(".["));
            rest_.remove_prefix(name.size());
        }
        if (name.empty()) return reason("has an empty name");
        add_step(Step::Kind::member).name = name;
        return bus::Done{};
    }

    bus::Result<bus::Done> take_brackets() {
        std::size_t close = 0;
        for (std::size_t depth = 0; close < rest_.size(); ++close) {
            if (rest_[close] == '[') ++depth;
            if (rest_[close] == ']' && --depth == 0) break;
        }
        if (close == rest_.size()) return reason("has an open bracket");
        const auto inside = rest_.substr(1, close - 1);
        rest_.remove_prefix(close + 1);
        if (inside.empty()) return path_.every = true, bus::Done{};
        if (take_index(inside)) return bus::Done{};
        if (inside.find('=') != inside.npos) return take_selector(inside);
        if (!inside.starts_with('$'))
            return add_step(Step::Kind::member).name = unquoted(inside), bus::Done{};
        return take_operand(add_step(Step::Kind::named_by), inside);
    }

    bool take_index(std::string_view inside) {
        std::int64_t index = 0;
        const auto end = inside.data() + inside.size();
        const auto [stop, error] = std::from_chars(inside.data(), end, index);
        if (error != std::errc{} || stop != end) return false;
        add_step(Step::Kind::element).index = index;
        return true;
    }

    bus::Result<bus::Done> take_selector(std::string_view inside) {
        const auto equals = inside.find('=');
        if (equals == 0) return reason("has a selector without a name");
        auto& step = add_step(Step::Kind::select);
        step.names = split_names(inside.substr(0, equals));
        return take_operand(step, inside.substr(equals + 1));
    }

    bus::Result<bus::Done> take_operand(Step& step, std::string_view text) {
        auto operand = text.starts_with('$') ? add_path(text, scope_, program_)
                                             : add_constant(unquoted(text), program_);
        if (!operand) return operand.error();
        if (program_.paths[*operand].every) return reason("has [] inside brackets");
        step.path = *operand;
        path_.level = std::max(path_.level, program_.paths[*operand].level);
        return bus::Done{};
    }

    Step& add_step(Step::Kind kind) {
        path_.steps.emplace_back().kind = kind;
        return path_.steps.back();
    }

    std::string_view text_;
    std::string_view rest_;
    const Scope& scope_;
    Program& program_;
    Path path_;
};

// Recursive descent over: any := all ("or" all)*, all := one ("and" one)*,
// one := "not" one | "(" any ")" | operand test.
class ConditionParser {
public:
    ConditionParser(std::string_view text, const Scope& scope, Program& program)
        : text_(text), rest_(text), scope_(scope), program_(program) {}

    bus::Result<Condition> parse() {
        auto condition = parse_list(Condition::Kind::any, "or");
        if (condition && !bus::trim(rest_).empty()) return reason("goes on with", bus::trim(rest_));
        return condition;
    }

private:
    static constexpr int depth_max = 32;

    bus::Error reason(std::string_view why, std::string_view what = {}) const {
        return bus::fail(bus::ErrorCode::invalid_input, "condition '{}' {} {}", text_, why, what);
    }

    bus::Result<Condition> parse_list(Condition::Kind kind, std::string_view word) {
        Condition list;
        list.kind = kind;
        do {
            auto part = kind == Condition::Kind::any ? parse_list(Condition::Kind::all, "and")
                                                     : parse_one();
            if (!part) return part;
            list.level = std::max(list.level, part->level);
            list.parts.push_back(std::move(*part));
        } while (take_keyword(word));
        if (list.parts.size() > 1) return list;
        Condition only = std::move(list.parts.front());
        return only;
    }

    bus::Result<Condition> parse_one() {
        if (++depth_ > depth_max) return reason("is nested too deep");
        auto condition = parse_one_inside();
        --depth_;
        return condition;
    }

    bus::Result<Condition> parse_one_inside() {
        if (take_keyword("not")) {
            auto inner = parse_one();
            return inner ? bus::Result<Condition>(negation(std::move(*inner))) : inner;
        }
        if (!take_symbol("(")) return parse_test();
        auto inner = parse_list(Condition::Kind::any, "or");
        if (inner && !take_symbol(")")) return reason("lacks a closing parenthesis");
        return inner;
    }

    bus::Result<Condition> parse_test() {
        Condition test;
        const auto word = take_word();
        auto left = add_operand(word, scope_, program_);
        if (!left) return left.error();
        test.left = *left;
        test.level = program_.paths[*left].level;
        if (take_keyword("exists")) return test.kind = Condition::Kind::exists, test;
        if (take_symbol("==")) return parse_right(std::move(test), Condition::Kind::equals, false);
        if (take_symbol("!=")) return parse_right(std::move(test), Condition::Kind::equals, true);
        const bool negated = take_keyword("not");
        if (take_keyword("in")) return parse_right(std::move(test), Condition::Kind::in, negated);
        return reason("needs ==, !=, in or exists after", word);
    }

    bus::Result<Condition> parse_right(Condition test, Condition::Kind kind, bool negated) {
        test.kind = kind;
        const bool list = kind == Condition::Kind::in;
        if (list && !take_symbol("(")) return reason("needs a list in parentheses after in");
        do {
            auto value = take_value();
            if (!value) return value.error();
            test.level = std::max(test.level, program_.paths[*value].level);
            test.right.push_back(*value);
        } while (list && take_symbol(","));
        if (list && !take_symbol(")")) return reason("lacks a closing parenthesis");
        return negated ? negation(std::move(test)) : std::move(test);
    }

    bus::Result<PathIndex> take_value() {
        skip_blanks();
        if (rest_.starts_with('\'') || rest_.starts_with('"')) {
            const auto close = rest_.find(rest_.front(), 1);
            if (close == rest_.npos) return reason("has an open quote");
            const auto word = rest_.substr(1, close - 1);
            rest_.remove_prefix(close + 1);
            return add_constant(word, program_);
        }
        const auto word = take_word();
        if (word.empty()) return reason("lacks a value");
        return word.starts_with('$') ? add_path(word, scope_, program_)
                                     : add_constant(word, program_);
    }

    static Condition negation(Condition inner) {
        Condition outer;
        outer.kind = Condition::Kind::negation;
        outer.level = inner.level;
        outer.parts.push_back(std::move(inner));
        return outer;
    }

    void skip_blanks() {
        while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\n')) {
            rest_.remove_prefix(1);
        }
    }

    bool take_symbol(std::string_view symbol) {
        skip_blanks();
        if (!rest_.starts_with(symbol)) return false;
        rest_.remove_prefix(symbol.size());
        return true;
    }

    bool take_keyword(std::string_view word) {
        skip_blanks();
        if (!rest_.starts_with(word)) return false;
        const auto after = rest_.substr(word.size());
        if (!after.empty() && is_word(after.front())) return false;
        rest_ = after;
        return true;
    }

    // Up to a blank, comma, parenthesis or operator outside brackets and quotes.
    std::string_view take_word() {
        skip_blanks();
        std::size_t length = 0;
        std::size_t depth = 0;
        for (bool quoted = false; length < rest_.size(); ++length) {
            const char c = rest_[length];
            if (c == '"') quoted = !quoted;
            if (quoted) continue;
            if (c == '[') ++depth;
            if (c == ']' && depth > 0) --depth;
            if (depth == 0 && std::string_view(" \n,()=!").find(c) != std::string_view::npos) break;
        }
        const auto word = rest_.substr(0, length);
        rest_.remove_prefix(length);
        return word;
    }

    std::string_view text_;
    std::string_view rest_;
    const Scope& scope_;
    Program& program_;
    int depth_ = 0;
};

PathIndex append(Path path, Program& program) {
    program.steps += path.steps.size();
    program.paths.push_back(std::move(path));
    return static_cast<PathIndex>(program.paths.size() - 1);
}

}  // namespace

bus::Result<PathIndex> add_path(std::string_view text, const Scope& scope, Program& program) {
    auto path = PathParser(bus::trim(text), scope, program).parse();
    if (!path) return path.error();
    return append(std::move(*path), program);
}

bus::Result<PathIndex> add_constant(std::string_view text, Program& program) {
    Path path;
    path.root = Path::Root::constant;
    path.name = text;
    path.written = text;
    return append(std::move(path), program);
}

bus::Result<PathIndex> add_operand(std::string_view text, const Scope& scope, Program& program) {
    if (text.starts_with('$')) return add_path(text, scope, program);
    if (text.empty())
        return bus::fail(bus::ErrorCode::invalid_input, "a name or a $path is missing");
    return add_path(fmt::format("$field.{}", text), scope, program);
}

bus::Result<Condition> parse_condition(std::string_view text, const Scope& scope,
                                       Program& program) {
    return ConditionParser(text, scope, program).parse();
}

}  // namespace schemas::mapping
