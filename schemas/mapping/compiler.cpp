#include "schemas/mapping/compiler.hpp"

#include "schemas/mapping/compiler_class.hpp"
#include "schemas/mapping/scalars.hpp"

#include <algorithm>

namespace schemas::mapping {

namespace {

constexpr std::size_t formats_max = 16;    // in one list
constexpr std::size_t parts_max = 20'000;  // paths, their steps, and what add_parts() counts

}  // namespace

bool is_name(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
}

bus::Result<Program> Compiler::compile(const Node& root) {
    read_head(root);
    if (const Node* rules = root.find("rules")) {
        for (const Node& rule : list(*rules)) add_rule(rule, {});
    } else if (!error_) {
        add_rule(root,
                 {"mapping", "version", "channel", "body", "defaults", "empty", "uses_record"});
    }
    if (error_) return *error_;
    return std::move(program_);
}

void Compiler::fail(const Node& node, std::string_view reason) {
    if (!error_) error_ = yaml::error_at(file_, node.mark, reason);
}

void Compiler::add_parts(const Node& node, std::size_t count) {
    parts_ += count;
    const std::size_t parts = parts_ + program_.paths.size() + program_.steps;
    if (size_ == MappingSize::bounded && parts > parts_max) {
        fail(node,
             fmt::format("too large: more than {} paths, steps, fields and formats", parts_max));
    }
}

void Compiler::allow(const Node& node, Keys keys, Keys more) {
    if (!node.is_map()) return fail(node, "a map is expected here");
    for (const auto& [key, value] : node.members) {
        const auto is_key = [&name = key.text](std::string_view k) { return k == name; };
        if (std::none_of(keys.begin(), keys.end(), is_key) &&
            std::none_of(more.begin(), more.end(), is_key)) {
            return fail(key, fmt::format("unknown key '{}'", key.text));
        }
    }
}

std::string Compiler::word(const Node& node) {
    if (!node.is_scalar()) fail(node, "a word is expected here");
    return node.text;
}

bool Compiler::truth(const Node& node) {
    if (node.text != "true" && node.text != "false") fail(node, "true or false is expected here");
    return node.text == "true";
}

// A list, or one item in place of it.
std::vector<Node> Compiler::list(const Node& node) {
    if (node.is_list()) return node.items;
    return {node};
}

std::vector<std::string> Compiler::words(const Node& node) {
    std::vector<std::string> out;
    for (const Node& item : list(node)) out.push_back(item.is_null() ? "null" : word(item));
    return out;
}

void Compiler::read_head(const Node& root) {
    if (!root.is_map()) return fail(root, "a mapping file is a map");
    if (root.find("rules")) {
        allow(root, {"mapping", "version", "channel", "body", "defaults", "empty", "uses_record",
                     "rules"});
    }
    const Node* name = root.find("mapping");
    if (!name) return fail(root, "'mapping: <name>' is missing");
    program_.name = word(*name);
    if (!is_name(program_.name)) fail(*name, "a name of a-z, 0-9, '_' and '-' is expected");
    if (const Node* version = root.find("version")) {
        const auto number = read_integer(word(*version));
        if (!number || *number < 1) fail(*version, "version is a positive number");
        program_.version = number.value_or(1);
    }
    read_channel(root);
    read_bodies(root.find("body"));
    if (const Node* empty = root.find("empty")) {
        program_.empty_words = words(*empty);
        program_.empty_words_in_json = true;
    }
    if (const Node* defaults = root.find("defaults")) read_defaults(*defaults);
}

void Compiler::read_channel(const Node& root) {
    const Node* channel = root.find("channel");
    if (!channel) return fail(root, "'channel: <topic>' is missing");
    const auto topic = bus::parse_topic(word(*channel));
    if (!topic || bus::index(*topic) >= bus::index(bus::Topic::facts)) {
        return fail(*channel, fmt::format("'{}' is no channel", channel->text));
    }
    program_.channel = *topic;
}

void Compiler::read_bodies(const Node* body) {
    constexpr std::array<std::string_view, 4> names{"json", "form", "query", "mail"};
    if (!body) {
        program_.reads[0] = true;
        return;
    }
    for (const Node& item : list(*body)) {
        const auto found = std::find(names.begin(), names.end(), word(item));
        if (found == names.end()) return fail(item, "body is json, form, query or mail");
        program_.reads[found - names.begin()] = true;
    }
}

void Compiler::read_defaults(const Node& node) {
    allow(node, {"zone", "format", "country", "currency"});
    if (const Node* zone = node.find("zone")) default_zone_ = zone_setting(*zone);
    if (const Node* format = node.find("format")) default_formats_ = formats(*format);
    if (const Node* country = node.find("country")) default_country_ = setting(*country);
    if (const Node* currency = node.find("currency")) default_currency_ = *currency;
}

Setting Compiler::setting(const Node& node) {
    constexpr std::string_view record = "$record.";
    const std::string text = word(node);
    if (!text.starts_with('$')) return {text, false};
    if (!text.starts_with(record)) fail(node, "a word or $record.<name> is expected here");
    return {text.substr(std::min(record.size(), text.size())), true};
}

Setting Compiler::zone_setting(const Node& node) {
    Setting zone = setting(node);
    if (!zone.from_record) value_or_fail(time::Zone::find(zone.text), node);
    return zone;
}

std::vector<Setting> Compiler::formats(const Node& node) {
    std::vector<Setting> out;
    if (size_ == MappingSize::bounded && node.items.size() > formats_max) {
        return fail(node, fmt::format("too large: more than {} formats", formats_max)), out;
    }
    for (const Node& item : list(node)) {
        out.push_back(setting(item));
        if (!out.back().from_record) value_or_fail(time::TimeFormat::parse(out.back().text), item);
    }
    return out;
}

TimeReading Compiler::reading(const Node& node) {
    TimeReading reading;
    reading.formats = default_formats_;
    reading.zone = default_zone_;
    if (const Node* format = node.find("format")) reading.formats = formats(*format);
    if (const Node* zone = node.find("zone")) reading.zone = zone_setting(*zone);
    add_parts(node, reading.formats.size());
    return reading;
}

PathIndex Compiler::path(const Node& node) {
    const std::string text = word(node);
    if (error_) return 0;
    const auto index = value_or_fail(add_path(text, scope_, program_), node);
    add_parts(node, 0);
    if (!error_ && program_.paths[index].every) fail(node, "[] is for for_each only");
    return index;
}

std::vector<PathIndex> Compiler::paths(const Node& node) {
    std::vector<PathIndex> out;
    for (const Node& item : list(node)) out.push_back(path(item));
    return out;
}

PathIndex Compiler::operand(const Node& node) {
    const std::string text = word(node);
    if (error_) return 0;
    const auto index = value_or_fail(add_operand(text, scope_, program_), node);
    add_parts(node, 0);
    if (!error_ && program_.paths[index].every) fail(node, "[] is for for_each only");
    return index;
}

PathIndex Compiler::constant_or_path(const Node& node) {
    if (node.text.starts_with('$')) return path(node);
    return value_or_fail(add_constant(word(node), program_), node);
}

Condition Compiler::condition(const Node* node) {
    if (!node) return {};
    const std::string text = word(*node);
    if (error_) return {};
    Condition parsed = value_or_fail(parse_condition(text, scope_, program_), *node);
    add_parts(*node, 0);
    return parsed;
}

bus::Result<Program> compile(std::string_view yaml, std::string_view file, MappingSize size) {
    yaml::Limits limits;
    if (size == MappingSize::any) limits.text_bytes_max = std::string::npos;
    auto root = yaml::parse(yaml, file, limits);
    if (!root) return root.error();
    return Compiler(file, size).compile(*root);
}

}  // namespace schemas::mapping
