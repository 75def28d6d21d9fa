#include "projections/measures/measure_definition.hpp"

#include "schemas/yaml/yaml.hpp"

#include <map>

namespace projections {
namespace {

using schemas::yaml::Node;
using Value = MeasureValueDefinition;

class FileReader {
public:
    FileReader(const Node& root, std::string_view file) : root_(root), file_(file) {}

    bus::Result<MeasureDefinition> run() {
        check_keys();
        out_.name = word("measure", true);
        out_.description = word("description", false);
        out_.unit = word("unit", false);
        const std::string kind = word("on", true);
        out_.kind = find_row_kind(kind);
        if (!problem_ && !out_.kind)
            complain(*root_.find("on"), fmt::format("there is no row kind '{}'", kind));
        if (!problem_) fields();
        if (problem_) return *problem_;
        return std::move(out_);
    }

private:
    void complain(const Node& node, std::string_view reason) {
        if (!problem_) problem_ = schemas::yaml::error_at(file_, node.mark, reason);
    }

    void check_keys() {
        if (!root_.is_map()) return complain(root_, "a measure file is a map");
        for (const auto& [key, value] : root_.members) {
            constexpr std::string_view known =
                " measure description unit on where time dimensions values ";
            if (known.find(" " + key.text + " ") == std::string_view::npos) {
                complain(key, fmt::format("unknown key '{}'; known:{}", key.text, known));
            }
        }
    }

    std::string word(std::string_view name, bool required) {
        const Node* node = root_.find(name);
        if (!node && required) complain(root_, fmt::format("'{}:' is missing", name));
        return node ? node->text : std::string{};
    }

    std::size_t field(const Node& node, std::string_view name) {
        const auto number = field_number(*out_.kind, name);
        if (!number)
            complain(node,
                     fmt::format("rows of kind '{}' have no field '{}'", out_.kind->name, name));
        return number.value_or(0);
    }

    std::optional<MeasureFilter> filter(const Node& node, std::string_view text) {
        auto compiled = MeasureFilter::compile(text, *out_.kind);
        if (compiled) return *std::move(compiled);
        complain(node, compiled.error().message);
        return std::nullopt;
    }

    void fields() {
        const Node* time = root_.find("time");
        out_.time_field = field(time ? *time : root_, time ? time->text : "at");
        if (const Node* where = root_.find("where")) out_.where = filter(*where, where->text);
        if (const Node* dimensions = root_.find("dimensions")) {
            for (const Node& dimension : dimensions->items) {
                out_.dimensions.push_back(dimension.text);
                out_.dimension_fields.push_back(field(dimension, dimension.text));
            }
        }
        const Node* values = root_.find("values");
        if (!values || !values->is_map()) return complain(root_, "'values:' is missing");
        for (const auto& [name, formula] : values->members) value(name, formula);
    }

    // count, count(condition), sum(field), histogram(field), distinct(field)
    void value(const Node& name, const Node& formula) {
        const std::string_view text = formula.text;
        const auto open = text.find('(');
        const auto function = text.substr(0, open);
        std::string_view argument;
        if (open != std::string_view::npos && text.ends_with(')')) {
            argument = text.substr(open + 1, text.size() - open - 2);
        }
        static const std::map<std::string_view, Value::Kind> functions = {
            {"count", Value::Kind::count},
            {"sum", Value::Kind::sum},
            {"histogram", Value::Kind::histogram},
            {"distinct", Value::Kind::distinct}};
        const auto found = functions.find(function);
        if (found == functions.end() || (found->second != Value::Kind::count && argument.empty())) {
            return complain(formula,
                            "expected count, count(condition), sum(field), histogram(field) or "
                            "distinct(field)");
        }
        Value definition{
            .name = name.text, .kind = found->second, .field = 0, .only_if = {}, .slot = 0};
        if (definition.kind != Value::Kind::count)
            definition.field = field(formula, argument);
        else if (!argument.empty())
            definition.only_if = filter(formula, argument);
        if (definition.kind == Value::Kind::histogram)
            definition.slot = out_.histograms++;
        else if (definition.kind == Value::Kind::distinct)
            definition.slot = out_.values.size();
        else
            definition.slot = out_.totals++;
        out_.values.push_back(std::move(definition));
    }

    const Node& root_;
    std::string_view file_;
    MeasureDefinition out_;
    std::optional<bus::Error> problem_;
};

}  // namespace

bus::Result<MeasureDefinition> parse_measure(std::string_view text, std::string_view file) {
    auto root = schemas::yaml::parse(text, file);
    if (!root) return root.error();
    return FileReader(*root, file).run();
}

std::string aggregate_prefix(const MeasureDefinition& measure, Resolution resolution) {
    return KeyWriter()
        .byte('a')
        .text(measure.name)
        .byte(static_cast<std::uint8_t>(resolution))
        .take();
}

std::string references_prefix(const MeasureDefinition& measure, Resolution resolution,
                              std::size_t value) {
    return KeyWriter()
        .byte('r')
        .text(measure.name)
        .byte(static_cast<std::uint8_t>(value))
        .byte(static_cast<std::uint8_t>(resolution))
        .take();
}

}  // namespace projections
