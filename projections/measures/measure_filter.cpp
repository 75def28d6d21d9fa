#include "projections/measures/measure_filter.hpp"

namespace projections {
namespace {

using Node = MeasureFilter::Node;

std::vector<std::string> tokens_of(std::string_view text) {
    std::vector<std::string> tokens;
    for (std::size_t i = 0; i < text.size();) {
        const char c = text[i];
        if (c == ' ' || c == '\t' || c == '\n') {
            ++i;
        } else if (c == '(' || c == ')' || c == ',') {
            tokens.emplace_back(1, c), ++i;
        } else if (text.substr(i, 2) == "==" || text.substr(i, 2) == "!=") {
            tokens.emplace_back(text.substr(i, 2)), i += 2;
        } else if (c == '\'' || c == '"') {
            const auto end = std::min(text.find(c, i + 1), text.size());
            tokens.emplace_back("'" + std::string(text.substr(i + 1, end - i - 1))), i = end + 1;
        } else {
            const auto end = std::min(text.find_first_of(" \t\n(),=!", i), text.size());
            tokens.emplace_back(text.substr(i, std::max<std::size_t>(end - i, 1)));
            i = std::max(end, i + 1);
        }
    }
    return tokens;
}

// Recursive descent; the first mistake is kept in `problem`.
class Parser {
public:
    Parser(std::vector<std::string> tokens, const RowKind& kind)
        : tokens_(std::move(tokens)), kind_(kind) {}

    bus::Result<Node> run() {
        Node node = any();
        if (at_ < tokens_.size()) complain(fmt::format("'{}' is not expected here", tokens_[at_]));
        if (!problem_.empty()) return bus::fail(bus::ErrorCode::invalid_input, "{}", problem_);
        return node;
    }

private:
    bool eat(std::string_view token) {
        if (at_ >= tokens_.size() || tokens_[at_] != token) return false;
        ++at_;
        return true;
    }
    std::string take() {
        return at_ < tokens_.size() ? tokens_[at_++]
                                    : (complain("the condition ends too early"), "");
    }
    void complain(std::string reason) {
        if (problem_.empty()) problem_ = std::move(reason);
    }
    void need(std::string_view token) {
        if (!eat(token)) complain(fmt::format("'{}' is missing", token));
    }

    Node any() { return chain("or", Node::Kind::any, &Parser::all); }
    Node all() { return chain("and", Node::Kind::all, &Parser::single); }
    Node chain(std::string_view word, Node::Kind kind, Node (Parser::*next)()) {
        Node first = (this->*next)();
        if (at_ >= tokens_.size() || tokens_[at_] != word) return first;
        Node node{.kind = kind, .field = 0, .words = {}, .children = {}};
        node.children.push_back(std::move(first));
        while (eat(word)) node.children.push_back((this->*next)());
        return node;
    }
    static Node negate(Node inner) {
        Node node{.kind = Node::Kind::negated, .field = 0, .words = {}, .children = {}};
        node.children.push_back(std::move(inner));
        return node;
    }
    Node single() {
        if (eat("not")) return negate(single());
        if (eat("(")) {
            Node inner = any();
            need(")");
            return inner;
        }
        return comparison();
    }
    std::string word() {
        std::string token = take();
        return token.starts_with('\'') ? token.substr(1) : token;
    }
    Node comparison() {
        Node node;
        const std::string field = take();
        const auto number = field_number(kind_, field);
        if (!number && problem_.empty())
            complain(fmt::format("rows of kind '{}' have no field '{}'", kind_.name, field));
        node.field = number.value_or(0);
        if (eat("exists")) {
            node.kind = Node::Kind::exists;
            return node;
        }
        if (eat("==")) return node.words.push_back(word()), node;
        if (eat("!=")) return node.words.push_back(word()), negate(std::move(node));
        const bool negated = eat("not");
        need("in");
        need("(");
        do node.words.push_back(word());
        while (eat(","));
        need(")");
        return negated ? negate(std::move(node)) : node;
    }

    std::vector<std::string> tokens_;
    const RowKind& kind_;
    std::size_t at_ = 0;
    std::string problem_;
};

bool equals_any(const MeasureValue& value, const std::vector<std::string>& words) {
    if (value.kind == MeasureValue::Kind::absent) return false;
    const std::string number =
        value.kind == MeasureValue::Kind::text ? "" : std::to_string(value.number);
    const std::string_view text =
        value.kind == MeasureValue::Kind::text ? value.text : std::string_view(number);
    for (const std::string& word : words) {
        if (text == word) return true;
    }
    return false;
}

bool evaluate(const Node& node, const std::vector<MeasureValue>& values) {
    switch (node.kind) {
        case Node::Kind::in:
            return equals_any(values[node.field], node.words);
        case Node::Kind::exists:
            return values[node.field].kind != MeasureValue::Kind::absent;
        case Node::Kind::negated:
            return !evaluate(node.children.front(), values);
        case Node::Kind::all:
            for (const Node& child : node.children) {
                if (!evaluate(child, values)) return false;
            }
            return true;
        case Node::Kind::any:
            for (const Node& child : node.children) {
                if (evaluate(child, values)) return true;
            }
            return false;
    }
    return false;
}

}  // namespace

bus::Result<MeasureFilter> MeasureFilter::compile(std::string_view text, const RowKind& kind) {
    auto root = Parser(tokens_of(text), kind).run();
    if (!root) return root.error();
    MeasureFilter filter;
    filter.root_ = *std::move(root);
    return filter;
}

bool MeasureFilter::matches(const std::vector<MeasureValue>& values) const {
    return evaluate(root_, values);
}

std::optional<std::size_t> field_number(const RowKind& kind, std::string_view field) {
    for (std::size_t i = 0; i < kind.fields.size(); ++i) {
        if (kind.fields[i] == field) return i;
    }
    return std::nullopt;
}

std::string dimension_text(const MeasureValue& value) {
    switch (value.kind) {
        case MeasureValue::Kind::absent:
            return {};
        case MeasureValue::Kind::text:
            return std::string(value.text);
        case MeasureValue::Kind::integer:
            return std::to_string(value.number);
        case MeasureValue::Kind::time:
            return bus::to_iso(bus::Timestamp{bus::microseconds{value.number}});
    }
    return {};
}

}  // namespace projections
