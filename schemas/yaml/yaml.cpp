#include "schemas/yaml/yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>
#include <sstream>

namespace schemas::yaml {

namespace {

constexpr std::size_t documents_max = 64;

Mark mark_of(const YAML::Mark& mark) {
    return {mark.line + 1, mark.column + 1};
}

[[noreturn]] void refuse(const Mark& mark, const std::string& reason) {
    YAML::Mark place;
    place.line = mark.line - 1;
    place.column = mark.column - 1;
    throw YAML::ParserException(place, reason);
}

std::size_t count_nodes(const Node& node) {
    std::size_t count = 1;
    for (const Node& item : node.items) count += count_nodes(item);
    for (const auto& [key, value] : node.members) count += 1 + count_nodes(value);
    return count;
}

std::size_t text_bytes(const Node& node) {
    std::size_t bytes = node.text.size();
    for (const Node& item : node.items) bytes += text_bytes(item);
    for (const auto& [key, value] : node.members) bytes += key.text.size() + text_bytes(value);
    return bytes;
}

std::size_t depth_of(const Node& node) {
    std::size_t depth = 0;
    for (const Node& item : node.items) depth = std::max(depth, depth_of(item));
    for (const auto& [key, value] : node.members) depth = std::max(depth, depth_of(value));
    return depth + 1;
}

// Builds the tree from yaml-cpp's events, bounded while it grows; aliases are written out. Its own
// loader is not used: on some malformed texts it makes documents without end.
class Builder : public YAML::EventHandler {
public:
    explicit Builder(const Limits& limits) : limits_(limits) {}

    void OnDocumentStart(const YAML::Mark& mark) override {
        anchored_.clear();
        root_ = {};
        root_.mark = mark_of(mark);
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        add(made(mark, Node::Kind::null), anchor);
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        const auto known = anchored_.find(anchor);
        if (known == anchored_.end()) refuse(mark_of(mark), "an alias inside of what it names");
        Node copy = known->second;
        count(mark_of(mark), count_nodes(copy), depth_of(copy));
        count_text(mark_of(mark), text_bytes(copy));
        add(std::move(copy), 0);
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        Node node = made(mark, Node::Kind::scalar);
        count_text(node.mark, value.size());
        node.text = value;
        node.quoted = tag == "!";
        add(std::move(node), anchor);
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open_.push_back({made(mark, Node::Kind::list), anchor, {}, false});
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open_.push_back({made(mark, Node::Kind::map), anchor, {}, false});
    }
    void OnMapEnd() override {
        merge(open_.back().node);
        close();
    }

    Node take_document() { return std::move(root_); }

private:
    struct Open {
        Node node;
        YAML::anchor_t anchor = 0;
        Node key;
        bool has_key = false;
    };

    void count(const Mark& mark, std::size_t nodes, std::size_t depth) {
        nodes_ += nodes;
        if (nodes_ > limits_.nodes_max) refuse(mark, "too many nodes");
        if (open_.size() + depth > limits_.depth_max) refuse(mark, "nested too deep");
    }

    void count_text(const Mark& mark, std::size_t bytes) {
        text_bytes_ += bytes;
        if (text_bytes_ > limits_.text_bytes_max) refuse(mark, "too much text");
    }

    Node made(const YAML::Mark& mark, Node::Kind kind) {
        Node node;
        node.kind = kind;
        node.mark = mark_of(mark);
        count(node.mark, 1, 1);
        return node;
    }

    void close() {
        Open closed = std::move(open_.back());
        open_.pop_back();
        add(std::move(closed.node), closed.anchor);
    }

    void add(Node node, YAML::anchor_t anchor) {
        if (anchor != 0) anchored_[anchor] = node;
        if (open_.empty()) {
            root_ = std::move(node);
        } else if (open_.back().node.is_list()) {
            open_.back().node.items.push_back(std::move(node));
        } else if (open_.back().has_key) {
            open_.back().node.members.push_back({std::move(open_.back().key), std::move(node)});
            open_.back().has_key = false;
        } else {
            open_.back().key = checked_key(std::move(node));
            open_.back().has_key = true;
        }
    }

    Node checked_key(Node key) const {
        if (key.is_list() || key.is_map()) refuse(key.mark, "a key must be a word");
        if (key.is_null()) key.text = "null";
        if (open_.back().node.find(key.text)) {
            refuse(key.mark, fmt::format("'{}' is given twice", key.text));
        }
        return key;
    }

    void merge(Node& node) {
        const auto is_merge = [](const Member& member) { return member.key.text == "<<"; };
        const auto found = std::find_if(node.members.begin(), node.members.end(), is_merge);
        if (found == node.members.end()) return;
        const Node from = std::move(found->value);
        node.members.erase(found);
        if (!from.is_map() && !from.is_list()) refuse(from.mark, "<< names a map");
        fill_up(node, from);
    }

    static void fill_up(Node& node, const Node& from) {
        for (const Node& item : from.items) fill_up(node, item);
        for (const auto& [key, value] : from.members) {
            if (!node.find(key.text)) node.members.push_back({key, value});
        }
    }

    Limits limits_;
    std::size_t nodes_ = 0;
    std::size_t text_bytes_ = 0;
    std::vector<Open> open_;
    std::map<YAML::anchor_t, Node> anchored_;
    Node root_;
};

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
    std::vector<Node> documents;
    try {
        std::istringstream in{std::string(text)};
        YAML::Parser parser(in);
        Builder builder(limits);
        while (parser.HandleNextDocument(builder)) {
            documents.push_back(builder.take_document());
            if (documents.size() > documents_max) {
                return error_at(file, documents.back().mark, "no YAML, or too many documents");
            }
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
