#include "schemas/yaml/yaml.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>

namespace schemas::yaml {

namespace {

Mark mark_of(const YAML::Mark& mark) {
    return {mark.line + 1, mark.column + 1};
}

// Copies yaml-cpp's graph into a tree; aliases are written out, bounded by the count of nodes.
class Copier {
public:
    Copier(std::string_view file, const Limits& limits) : file_(file), limits_(limits) {}

    bus::Result<Node> copy(const YAML::Node& from, std::size_t depth) {
        Node node;
        node.mark = mark_of(from.Mark());
        if (++nodes_ > limits_.nodes_max) return error_at(file_, node.mark, "too many nodes");
        if (depth > limits_.depth_max) return error_at(file_, node.mark, "nested too deep");
        if (from.IsSequence()) return copy_list(from, std::move(node), depth);
        if (from.IsMap()) return copy_map(from, std::move(node), depth);
        if (from.IsScalar()) {
            node.kind = Node::Kind::scalar;
            node.text = from.Scalar();
            node.quoted = from.Tag() == "!";
        }
        return node;
    }

private:
    bus::Result<Node> copy_list(const YAML::Node& from, Node node, std::size_t depth) {
        node.kind = Node::Kind::list;
        for (const auto& item : from) {
            auto child = copy(item, depth + 1);
            if (!child) return child.error();
            node.items.push_back(std::move(*child));
        }
        return node;
    }

    bus::Result<Node> copy_map(const YAML::Node& from, Node node, std::size_t depth) {
        node.kind = Node::Kind::map;
        for (const auto& member : from) {
            auto key = copy(member.first, depth + 1);
            if (!key) return key.error();
            if (key->is_list() || key->is_map()) {
                return error_at(file_, key->mark, "a key must be a word");
            }
            if (key->is_null()) key->text = "null";
            if (node.find(key->text)) {
                return error_at(file_, key->mark, fmt::format("'{}' is given twice", key->text));
            }
            auto value = copy(member.second, depth + 1);
            if (!value) return value.error();
            if (value->is_null() && value->mark.line <= 0) value->mark = key->mark;
            node.members.push_back({std::move(*key), std::move(*value)});
        }
        return merged(std::move(node));
    }

    static void merge(const Node& from, Node& into) {
        for (const auto& item : from.items) merge(item, into);
        for (const auto& [key, value] : from.members) {
            if (!into.find(key.text)) into.members.push_back({key, value});
        }
    }

    bus::Result<Node> merged(Node node) {
        const auto is_merge = [](const auto& member) { return member.key.text == "<<"; };
        const auto found = std::find_if(node.members.begin(), node.members.end(), is_merge);
        if (found == node.members.end()) return node;
        const Node from = std::move(found->value);
        node.members.erase(found);
        if (!from.is_map() && !from.is_list()) return error_at(file_, from.mark, "<< names a map");
        merge(from, node);
        return node;
    }

    std::string_view file_;
    Limits limits_;
    std::size_t nodes_ = 0;
};

// yaml-cpp recurses while loading, so depth is bounded before it sees the text.
bool opens_too_deep(std::string_view text, std::size_t depth_max) {
    std::size_t flow = 0;
    std::size_t flow_max = 0;
    std::size_t dashes_max = 0;
    std::size_t dashes = 0;
    for (char c : text) {
        if (c == '[' || c == '{') flow_max = std::max(flow_max, ++flow);
        if ((c == ']' || c == '}') && flow > 0) --flow;
        if (c == '\n') dashes = 0;
        if (c == '-' || c == '?' || c == ':') dashes_max = std::max(dashes_max, ++dashes);
    }
    return flow_max > depth_max * 4 || dashes_max > 4096;
}

}  // namespace

// Here, where Member is complete.
Node::Node() = default;
Node::~Node() = default;
Node::Node(const Node&) = default;
Node::Node(Node&&) noexcept = default;
Node& Node::operator=(const Node&) = default;
Node& Node::operator=(Node&&) noexcept = default;

const Node* Node::find(std::string_view name) const {
    for (const auto& [key, value] : members) {
        if (key.text == name) return &value;
    }
    return nullptr;
}

bus::Error error_at(std::string_view file, Mark mark, std::string_view reason) {
    return bus::fail(bus::ErrorCode::invalid_input, "{}:{}:{}: {}", file, mark.line, mark.column,
                     reason);
}

bus::Result<std::vector<Node>> parse_all(std::string_view text, std::string_view file,
                                         const Limits& limits) {
    if (text.size() > limits.bytes_max) return error_at(file, {}, "the file is too large");
    if (opens_too_deep(text, limits.depth_max)) return error_at(file, {}, "nested too deep");
    std::vector<Node> documents;
    try {
        Copier copier(file, limits);
        for (const YAML::Node& document : YAML::LoadAll(std::string(text))) {
            auto node = copier.copy(document, 0);
            if (!node) return node.error();
            documents.push_back(std::move(*node));
        }
    } catch (const YAML::Exception& error) {
        return error_at(file, mark_of(error.mark), error.msg);
    }
    return documents;
}

bus::Result<Node> parse(std::string_view text, std::string_view file, const Limits& limits) {
    auto documents = parse_all(text, file, limits);
    if (!documents) return documents.error();
    if (documents->empty()) return Node{};
    if (documents->size() > 1) {
        return error_at(file, (*documents)[1].mark, "only one document is expected");
    }
    return std::move(documents->front());
}

}  // namespace schemas::yaml
