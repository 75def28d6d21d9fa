// Reading YAML files into a plain tree with the place of every node. Hides yaml-cpp.
//
// For configuration only: mappings, entity files, measures, the program's settings.
#pragma once

#include "bus/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace schemas::yaml {

struct Limits {
    std::size_t bytes_max = 1 << 20;
    std::size_t nodes_max = 20'000;        // after aliases are written out
    std::size_t text_bytes_max = 1 << 20;  // of all scalars then
    std::size_t depth_max = 64;
};

struct Mark {
    int line = 1;  // both from 1
    int column = 1;
};

struct Member;

struct Node {
    enum class Kind { null, scalar, list, map };
    Kind kind = Kind::null;
    std::string text;     // of a scalar
    bool quoted = false;  // "12" or '12': meant as text
    Mark mark;
    std::vector<Node> items;      // of a list
    std::vector<Member> members;  // of a map, in the order written

    bool is_map() const { return kind == Kind::map; }
    bool is_list() const { return kind == Kind::list; }
    bool is_scalar() const { return kind == Kind::scalar; }
    bool is_null() const { return kind == Kind::null; }
    const Node* find(std::string_view name) const;  // nullptr when absent or not a map

    Node();
    ~Node();
    Node(const Node&);
    Node(Node&&) noexcept;
    Node& operator=(const Node&);
    Node& operator=(Node&&) noexcept;
};

struct Member {
    Node key;
    Node value;
};

// invalid_input: "file:line:column: reason". A key given twice in one map is an error. Keys are
// scalars; `<<` merges the maps it names, keys written out win.
bus::Result<Node> parse(std::string_view text, std::string_view file, const Limits& limits = {});

// All documents of a file ("---" between them).
bus::Result<std::vector<Node>> parse_all(std::string_view text, std::string_view file,
                                         const Limits& limits = {});

// "file:line:column: reason" as every message about a YAML file is written.
bus::Error error_at(std::string_view file, Mark mark, std::string_view reason);

}  // namespace schemas::yaml
