#include "schemas/providers/provider_file.hpp"

#include "bus/text.hpp"
#include "schemas/yaml/yaml.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace schemas {
namespace {

using yaml::Node;

// The two documents of a file, and on which line the second begins.
struct Documents {
    std::string_view source;
    std::string_view mapping;
    std::size_t mapping_line = 0;  // lines before it
};

Documents split(std::string_view text) {
    std::size_t lines = 0;
    bool has_content = false;
    for (std::size_t at = 0; at < text.size(); ++lines) {
        const auto end = std::min(text.find('\n', at), text.size() - 1) + 1;
        const std::string_view line = bus::trim(text.substr(at, end - at));
        if (line == "---" && has_content) return {text.substr(0, at), text.substr(end), lines + 1};
        has_content = has_content || (!line.empty() && line[0] != '#' && line != "---");
        at = end;
    }
    return {text, {}, 0};
}

// Reads the members of one map; keeps the first problem, with its place.
class MapReader {
public:
    MapReader(const Node& node, std::string_view file,
              std::initializer_list<std::string_view> known)
        : node_(node), file_(file) {
        if (!node.is_map()) note(node, "a map is expected");
        for (const auto& [key, value] : node.members) {
            if (std::find(known.begin(), known.end(), key.text) == known.end())
                note(key, fmt::format("'{}' is not known here; known are {}", key.text,
                                      fmt::join(known, ", ")));
        }
    }

    const Node* find(std::string_view name) const { return node_.find(name); }

    std::string text(std::string_view name, std::string_view fallback = "") {
        const Node* value = find(name);
        if (!value) return std::string(fallback);
        if (!value->is_scalar()) note(*value, fmt::format("'{}' must be a word", name));
        return value->text;
    }
    std::string required_text(std::string_view name) {
        if (!find(name)) note(node_, fmt::format("'{}' is missing", name));
        return text(name);
    }
    std::vector<std::string> list(std::string_view name) {
        const Node* value = find(name);
        if (!value) return {};
        if (value->is_scalar()) return {value->text};
        std::vector<std::string> out;
        for (const Node& item : value->items) {
            if (!item.is_scalar()) note(item, fmt::format("'{}' is a list of words", name));
            out.push_back(item.text);
        }
        if (!value->is_list()) note(*value, fmt::format("'{}' is a list of words", name));
        return out;
    }
    std::int64_t integer(std::string_view name, std::int64_t fallback) {
        const Node* value = find(name);
        if (!value) return fallback;
        std::int64_t number = 0;
        const char* end = value->text.data() + value->text.size();
        if (std::from_chars(value->text.data(), end, number).ptr != end || value->text.empty())
            note(*value, fmt::format("'{}' must be a whole number", name));
        return number;
    }
    bool flag(std::string_view name) {
        const Node* value = find(name);
        if (value && value->text != "true" && value->text != "false")
            note(*value, fmt::format("'{}' must be true or false", name));
        return value && value->text == "true";
    }
    // `word` must be one of `allowed`.
    std::string choice(std::string_view name, std::initializer_list<std::string_view> allowed,
                       std::string_view fallback) {
        const Node* value = find(name);
        std::string word = text(name, fallback);
        if (value && std::find(allowed.begin(), allowed.end(), word) == allowed.end())
            note(*value, fmt::format("'{}' is not one of {}", word, fmt::join(allowed, ", ")));
        return word;
    }

    void note(const Node& at, std::string_view reason) {
        if (!problem_) problem_ = yaml::error_at(file_, at.mark, reason);
    }
    const std::optional<bus::Error>& problem() const { return problem_; }
    void take(const MapReader& part) {
        if (!problem_) problem_ = part.problem_;
    }

private:
    const Node& node_;
    std::string_view file_;
    std::optional<bus::Error> problem_;
};

Verification read_verification(const Node& node, std::string_view file, MapReader& owner) {
    MapReader in(node, file,
                 {"kind", "algorithm", "header", "encoding", "prefix", "signed_text",
                  "timestamp_header", "timestamp_unit", "id_header", "key_value_list",
                  "signature_name", "tolerance_s", "parameter", "user"});
    const Verification defaults;
    Verification out;
    out.kind = in.required_text("kind");
    in.choice("kind",
              {"hmac", "header", "query", "basic", "meta", "standard_webhooks", "api_key", "none"},
              "");
    out.algorithm = in.choice("algorithm", {"sha1", "sha256"}, defaults.algorithm);
    out.header = bus::to_lower_ascii(in.text("header"));
    out.encoding = in.choice("encoding", {"hex", "base64"}, defaults.encoding);
    out.prefix = in.text("prefix");
    out.signed_text = in.text("signed_text", defaults.signed_text);
    out.timestamp_header = bus::to_lower_ascii(in.text("timestamp_header"));
    out.timestamp_unit = in.choice("timestamp_unit", {"s", "ms", "iso"}, defaults.timestamp_unit);
    out.id_header = bus::to_lower_ascii(in.text("id_header"));
    out.key_value_list = in.flag("key_value_list");
    out.signature_name = in.text("signature_name", defaults.signature_name);
    out.tolerance_s = in.integer("tolerance_s", 0);
    out.parameter = in.text("parameter");
    out.user = in.text("user");
    owner.take(in);
    return out;
}

void read_response(const Node& node, std::string_view file, MapReader& owner, ProviderKind& kind) {
    MapReader in(node, file, {"content_type", "body"});
    kind.response_content_type = in.text("content_type", kind.response_content_type);
    kind.response_body = in.text("body");
    owner.take(in);
}

void read_exports(const Node& node, std::string_view file, MapReader& owner, ProviderKind& kind) {
    if (!node.is_list()) owner.note(node, "'exports' is a list");
    for (const Node& item : node.items) {
        MapReader in(item, file, {"name", "list", "item", "wrap"});
        ExportLayout layout{.name = in.required_text("name"),
                            .list = in.text("list"),
                            .item = in.text("item"),
                            .wrap = in.text("wrap")};
        if (!layout.wrap.empty() && layout.wrap.find("{item}") == std::string::npos)
            in.note(item, "'wrap' must have {item} in it");
        kind.exports.push_back(std::move(layout));
        owner.take(in);
    }
}

bool is_kind_name(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
}

void read_topic(MapReader& in, const Node& document, ProviderKind& kind) {
    const auto topic = bus::parse_topic(in.required_text("channel"));
    const Node* at = in.find("channel");
    if (!topic || bus::index(*topic) > bus::index(bus::Topic::identity))
        in.note(at ? *at : document, "'channel' is not a topic of raw events");
    kind.topic = topic.value_or(bus::Topic::web);
}

bus::Result<ProviderKind> read_source(const Node& document, std::string_view file) {
    MapReader in(
        document, file,
        {"source", "label", "channel", "paths", "url", "methods", "verification", "kept_headers",
         "dedup", "account_ids", "handshake", "value", "response", "exports", "mapping"});
    ProviderKind kind;
    kind.kind = in.required_text("source");
    if (!is_kind_name(kind.kind)) in.note(document, "'source' is a name of a-z, 0-9 and _");
    kind.label = in.text("label", kind.kind);
    read_topic(in, document, kind);
    kind.paths = in.list("paths");
    kind.url_path = in.required_text("url");
    if (in.find("methods")) kind.methods = in.list("methods");
    if (const Node* node = in.find("verification"))
        kind.verification = read_verification(*node, file, in);
    for (const auto& header : in.list("kept_headers"))
        kind.kept_headers.push_back(bus::to_lower_ascii(header));
    if (const Node* node = in.find("dedup")) {
        MapReader dedup(*node, file, {"paths"});
        kind.dedup_paths = dedup.list("paths");
        in.take(dedup);
    }
    kind.account_id_paths = in.list("account_ids");
    kind.handshake_meta = in.choice("handshake", {"meta"}, "") == "meta";
    kind.body_is_query = in.choice("value", {"body", "query"}, "body") == "query";
    if (const Node* node = in.find("exports")) read_exports(*node, file, in, kind);
    if (const Node* node = in.find("response")) read_response(*node, file, in, kind);
    kind.mapping_required = in.choice("mapping", {"required"}, "") == "required";
    if (in.problem()) return *in.problem();
    return kind;
}

// Compiled twice: once behind as many empty lines as stand before it in the file, so that a message
// names the right line, and once alone, so that the stamp depends on nothing but the mapping.
bus::Result<bus::Done> compile_mapping(const Documents& documents, std::string_view file,
                                       ProviderKind& kind) {
    const std::string placed =
        std::string(documents.mapping_line, '\n') + std::string(documents.mapping);
    if (auto checked = Mapping::compile(placed, file); !checked) return checked.error();
    auto mapping = Mapping::compile(documents.mapping, file);
    if (!mapping) return mapping.error();
    kind.mapping_text = documents.mapping;
    kind.mapping = *std::move(mapping);
    return bus::Done{};
}

}  // namespace

bus::Result<ProviderKind> parse_provider_file(std::string_view text, std::string_view file) {
    const Documents documents = split(text);
    auto document = yaml::parse(documents.source, file);
    if (!document) return document.error();
    auto kind = read_source(*document, file);
    if (!kind) return kind.error();
    const bool has_mapping = !bus::trim(documents.mapping).empty();
    if (has_mapping == kind->mapping_required) {
        return yaml::error_at(file, document->mark,
                              has_mapping ? "'mapping: required' and a mapping exclude each other"
                                          : "the mapping is missing after '---'");
    }
    if (!has_mapping) return kind;
    if (auto compiled = compile_mapping(documents, file, *kind); !compiled) return compiled.error();
    return kind;
}

}  // namespace schemas
