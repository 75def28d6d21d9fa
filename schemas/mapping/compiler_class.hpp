// The compiler of mapping files: walks the file and keeps the first mistake; what it builds after
// one is not used. Its methods stand in compiler.cpp (head, settings, paths), compiler_rules.cpp
// and compiler_fields.cpp.
#pragma once

#include "bus/result.hpp"
#include "schemas/mapping.hpp"
#include "schemas/mapping/path_text.hpp"
#include "schemas/mapping/program.hpp"
#include "schemas/yaml/yaml.hpp"

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace schemas::mapping {

using yaml::Node;

bool is_name(std::string_view text);  // of a-z, 0-9, '_' and '-'

class Compiler {
public:
    Compiler(std::string_view file, MappingSize size) : file_(file), size_(size) {}

    bus::Result<Program> compile(const Node& root);

private:
    using Keys = std::initializer_list<std::string_view>;

    void fail(const Node& node, std::string_view reason);

    template <class T>
    T value_or_fail(bus::Result<T> result, const Node& node) {
        if (result) return std::move(*result);
        fail(node, result.error().message);
        return T{};
    }

    // For what a program grows by that is no path; fails when it is too large with it.
    void add_parts(const Node& node, std::size_t count);

    void allow(const Node& node, Keys keys, Keys more = {});
    std::string word(const Node& node);
    bool truth(const Node& node);
    static std::vector<Node> list(const Node& node);
    std::vector<std::string> words(const Node& node);

    // The head of the file
    void read_head(const Node& root);
    void read_channel(const Node& root);
    void read_bodies(const Node* body);
    void read_defaults(const Node& node);

    // Settings
    Setting setting(const Node& node);
    Setting zone_setting(const Node& node);
    std::vector<Setting> formats(const Node& node);
    TimeReading reading(const Node& node);

    // Paths
    PathIndex path(const Node& node);
    std::vector<PathIndex> paths(const Node& node);
    PathIndex operand(const Node& node);
    PathIndex constant_or_path(const Node& node);
    Condition condition(const Node* node);

    // Rules
    void add_rule(const Node& node, Keys more);
    std::uint32_t add_variable(const Node& name, std::uint32_t level);
    void add_loops(const Node& node, Rule& rule);
    void add_lets(const Node& node, Rule& rule);
    TimeRule time_rule(const Node& node);
    std::vector<KeyPart> key_parts(const Node& node);
    std::vector<IdentityRule> identities(const Node& node);
    PathIndex system(const Node& item);
    Setting phone_country(const Node* node, bool is_phone);

    // Emits
    void add_emits(const Node& node, Rule& rule);
    void add_emit(const Node& node, Rule& rule);
    void read_type(const Node& node, Emit& emit);
    void read_type_otherwise(const Node* node, Emit& emit);
    void check_types(const Node& node, const Emit& emit);

    // Fields
    std::vector<FieldRule> field_rules(const Node& node);
    std::vector<FieldRule> copied_fields(const Node& node);
    static void append(std::vector<FieldRule> more, std::vector<FieldRule>& rules);
    FieldRule field_rule(Field field, const Node& node);
    Choice choice(FieldRule& rule, const Node& node);
    void read_conversion(Field field, const Node& node, Choice& choice);
    void only_for(bool fits, const Node& node, Keys keys, std::string_view what);
    void read_money_keys(const Node& node, Choice& choice);
    void read_sources(const Node& node, Choice& choice);
    void read_less(const Node& less, Choice& choice);
    std::string fixed(const Node& node, Convert as);
    void read_words(const Node& node, Choice& choice);
    void read_table(const Node& node, WordTable& table);
    void add_entry(const Node& from, const Node& to, WordTable::Part& part);

    std::string_view file_;
    MappingSize size_;
    std::size_t parts_ = 0;
    Program program_;
    Scope scope_;
    std::uint32_t slots_ = 0;
    std::vector<Setting> default_formats_{{"iso", false}};
    Setting default_zone_{"UTC", false};
    Setting default_country_{"country", true};
    std::optional<Node> default_currency_;
    std::optional<bus::Error> error_;
};

}  // namespace schemas::mapping
