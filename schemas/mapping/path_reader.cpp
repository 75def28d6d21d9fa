#include "schemas/mapping/path_reader.hpp"

#include <algorithm>
#include <charconv>

namespace schemas::mapping {

namespace {

constexpr std::size_t parsers_max = 256;  // of one record

// What things cost of its budget.
constexpr std::size_t find_work = 2;
constexpr std::size_t header_work = 8;
constexpr std::size_t element_work = 20;  // passed by an index or a selector
constexpr std::size_t scanned_bytes_per_work = 4;
constexpr std::size_t name_bytes_per_work = 64;
constexpr std::size_t word_bytes_per_work = 16;
constexpr std::size_t fields_per_work = 8;

bool is_container(json::Kind kind) {
    return kind == json::Kind::array || kind == json::Kind::object;
}

bool is_of_name(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("{}_.- ").find(c) != std::string_view::npos;
}

// "{caller}", "{{caller}}", "${caller}": a template's place that nobody filled.
bool is_placeholder(std::string_view text) {
    if (text.starts_with('$')) text.remove_prefix(1);
    if (text.size() < 3 || text.front() != '{' || text.back() != '}') return false;
    return std::all_of(text.begin(), text.end(), is_of_name);
}

bool is_word_among(const std::vector<std::string>& words, std::string_view text) {
    return std::find(words.begin(), words.end(), text) != words.end();
}

}  // namespace

bus::Result<bus::Done> PathReader::open(std::string_view content_type) {
    auto document = state_.body.read(record_, content_type, program_);
    if (!document) return document.error();
    document_ = *document;
    words_mean_absent_ = document_.is_flat || program_.empty_words_in_json;
    return bus::Done{};
}

bool PathReader::is_among(const std::vector<std::string>& words, std::string_view text) {
    spend(words.size());
    if (is_word_among(words, text)) return true;
    if (!text.ends_with('}') || !is_word_among(words, "{}")) return false;
    spend(text.size() / scanned_bytes_per_work);
    return is_placeholder(text);
}

Found PathReader::value_of(const Let& let) {
    const Found found = first(let.from, {});
    if (!let.parse_json || found.kind == Found::Kind::nothing) return found;
    const bool is_text = found.kind != Found::Kind::node || found.node_kind == json::Kind::text;
    return is_text ? parsed(text_of(found)) : found;
}

Found PathReader::parsed(std::string_view text) {
    if (state_.parsers_used == parsers_max) return {};
    state_.parsed_bytes += text.size();
    state_.budget.bytes(text.size());
    if (is_exhausted()) return {};
    if (state_.parsers_used == state_.parsers.size()) state_.parsers.emplace_back();
    auto root = state_.parsers[state_.parsers_used++].parse(text, body_limits);
    return root ? node(*root) : Found{};
}

Found PathReader::node(json::Value value) {
    Found found;
    const json::Kind kind = value.kind();
    if (kind == json::Kind::absent || kind == json::Kind::null) return found;
    found.kind = Found::Kind::node;
    found.node_kind = kind;
    found.node = value;
    return found;
}

Found PathReader::text(std::string_view word) {
    Found found;
    found.kind = Found::Kind::text;
    found.text = word;
    return found;
}

Found PathReader::find(PathIndex index) {
    spend(find_work);
    if (is_exhausted()) return {};
    const Path& path = program_.paths[index];
    switch (path.root) {
        case Path::Root::body:
            return find_inside(document_.root, document_.is_flat, path);
        case Path::Root::query:
            return find_inside(query(), true, path);
        case Path::Root::variable:
            return find_in_variable(path);
        case Path::Root::field:
            return find_field(path.field);
        case Path::Root::header:
            return find_header(path.name);
        case Path::Root::source:
            return text(source_slug_);
        case Path::Root::constant:
            return text(path.name);
        default:
            return {};
    }
}

Found PathReader::find_inside(json::Value root, bool is_flat, const Path& path) {
    if (is_flat && path.steps.size() > 1) {
        if (Found flat = node(member(root, path.written)); flat.kind != Found::Kind::nothing)
            return flat;
    }
    return node(walk(root, path));
}

Found PathReader::find_in_variable(const Path& path) {
    const Found& variable = state_.slots[path.slot];
    if (path.steps.empty()) return variable;
    if (variable.kind != Found::Kind::node) return {};
    return node(walk(variable.node, path));
}

Found PathReader::find_field(Field field) {
    spend(current_->fields.size() / fields_per_work);
    const FieldValue value = current_->get(field);
    Found found;
    switch (value.kind) {
        case FieldValue::Kind::absent:
            break;
        case FieldValue::Kind::text:
            return text(value.text);
        case FieldValue::Kind::integer:
            return text(decimal(value.number));
        case FieldValue::Kind::boolean:
            return text(value.number ? "true" : "false");
        case FieldValue::Kind::time:
            found.kind = Found::Kind::time;
            found.micros = value.number;
    }
    return found;
}

// Headers are bytes. Rows are found again by their words, so these must be what a row gives back.
Found PathReader::find_header(std::string_view name) {
    spend(header_work);
    state_.text = bus::header::http_prefix;
    state_.text += name;
    const auto value = record_.headers.find(state_.text);
    if (!value) return {};
    return text(json::is_utf8(*value) ? *value : state_.arena.store(json::repaired(*value)));
}

json::Value PathReader::query() {
    if (record_.headers.get(bus::header::value_is) == "query") return document_.root;
    if (!query_) {
        auto parsed = state_.query.read_parameters(record_.headers.get(bus::header::query));
        query_ = parsed ? *parsed : json::Value{};
    }
    return *query_;
}

json::Value PathReader::walk(json::Value value, const Path& path) {
    for (const Step& step : path.steps) {
        if (!value) return {};
        switch (step.kind) {
            case Step::Kind::member:
                value = member(value, step.name);
                break;
            case Step::Kind::element:
                value = element(value, step.index);
                break;
            case Step::Kind::named_by:
                value = named(value, text_of(find(step.path)));
                break;
            case Step::Kind::select:
                value = selected(value, step);
                break;
        }
    }
    return value;
}

json::Value PathReader::member(json::Value object, std::string_view name) {
    std::size_t keys = 0;
    const json::Value value = object.member(name, keys);
    spend(keys);
    return value;
}

// A name out of the body may be long, and so may be the keys that it is compared with.
json::Value PathReader::named(json::Value object, std::string_view name) {
    if (name.empty()) return {};
    std::size_t keys = 0;
    const json::Value value = object.member(name, keys);
    spend(keys + keys * name.size() / name_bytes_per_work);
    return value;
}

json::Value PathReader::element(json::Value list, std::int64_t index) {
    if (list.kind() != json::Kind::array) return {};
    const std::size_t size = list.size();
    spend(size * element_work);
    if (index < 0) index += static_cast<std::int64_t>(size);
    return index < 0 ? json::Value{} : list.at(static_cast<std::size_t>(index));
}

json::Value PathReader::selected(json::Value list, const Step& step) {
    struct Wanted {
        PathReader& reader;
        const Step& step;
        std::string_view word;
    } wanted{*this, step, text_of(find(step.path))};
    if (wanted.word.empty() || is_exhausted()) return {};
    return list.first_element([&wanted](json::Value value) {
        wanted.reader.spend(element_work);
        for (const auto& name : wanted.step.names) value = wanted.reader.member(value, name);
        return value && wanted.reader.text_of(node(value)) == wanted.word;
    });
}

std::string_view PathReader::decimal(std::int64_t number) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    return state_.arena.store({digits, static_cast<std::size_t>(end - digits)});
}

// What is done with a word costs by its length.
std::string_view PathReader::word(std::string_view text) {
    spend(text.size() / word_bytes_per_work);
    return text;
}

std::string_view PathReader::text_of(const Found& found) {
    switch (found.kind) {
        case Found::Kind::nothing:
            return {};
        case Found::Kind::text:
            return word(found.text);
        case Found::Kind::time:
            return decimal(found.micros);
        case Found::Kind::node:
            break;
    }
    switch (found.node_kind) {
        case json::Kind::text:
            return word(found.node.text());
        case json::Kind::boolean:
            return *found.node.boolean() ? "true" : "false";
        case json::Kind::array:
        case json::Kind::object:
            if (is_exhausted()) return {};
            state_.text.clear();
            found.node.append_to(state_.text);
            return word(state_.arena.store(state_.text));
        default:
            break;
    }
    if (const auto number = found.node.integer()) return decimal(*number);
    return state_.arena.store(found.node.scalar_text());
}

bool PathReader::means_absent(const Found& found, const std::vector<std::string>& more) {
    if (found.kind == Found::Kind::nothing) return true;
    if (found.kind == Found::Kind::time || is_container(found.node_kind)) return false;
    // Only words can say that they mean nothing; spelling out a number is wasted otherwise.
    const bool is_word = found.kind == Found::Kind::text || found.node_kind == json::Kind::text;
    if (!is_word && !words_mean_absent_ && more.empty()) return false;
    const std::string_view word = text_of(found);
    return word.empty() || (words_mean_absent_ && is_among(program_.empty_words, word)) ||
           (!more.empty() && is_among(more, word));
}

Found PathReader::first(const std::vector<PathIndex>& from,
                        const std::vector<std::string>& empty_words) {
    for (PathIndex index : from) {
        const Found found = find(index);
        if (!means_absent(found, empty_words)) return found;
    }
    return {};
}

bool PathReader::holds(const Condition& condition) {
    const auto part_holds = [this](const Condition& part) { return holds(part); };
    switch (condition.kind) {
        case Condition::Kind::always:
            return true;
        case Condition::Kind::exists:
            return !means_absent(find(condition.left), {});
        case Condition::Kind::equals:
        case Condition::Kind::in:
            return equals_any(condition);
        case Condition::Kind::all:
            return std::all_of(condition.parts.begin(), condition.parts.end(), part_holds);
        case Condition::Kind::any:
            return std::any_of(condition.parts.begin(), condition.parts.end(), part_holds);
        case Condition::Kind::negation:
            return !holds(condition.parts.front());
    }
    return false;
}

bool PathReader::equals_any(const Condition& condition) {
    const Found left = find(condition.left);
    if (means_absent(left, {})) return false;
    const std::string_view word = text_of(left);
    return std::any_of(condition.right.begin(), condition.right.end(), [&](PathIndex index) {
        const Found right = find(index);
        return right.kind != Found::Kind::nothing && text_of(right) == word;
    });
}

}  // namespace schemas::mapping
