#include "schemas/json/json.hpp"

#include <simdjson.h>

#include <array>
#include <bit>

namespace schemas::json {

namespace dom = simdjson::dom;

// A Value is the two words of simdjson's element: document and index on its tape. Rebuilding the
// element is a copy of these two words; the assertions notice a version that lays it out otherwise.
struct Access {
    struct Words {
        const void* document;
        std::size_t position;
    };
    static_assert(sizeof(dom::element) == sizeof(Words));
    static_assert(std::is_trivially_copyable_v<dom::element>);

    static dom::element element(const Value& value) {
        return std::bit_cast<dom::element>(Words{value.document_, value.position_});
    }
    static Value value(const dom::element& element) {
        const auto words = std::bit_cast<Words>(element);
        Value value;
        value.document_ = words.document;
        value.position_ = words.position;
        return value;
    }
};

namespace {

using dom::element_type;

// By element_type, whose values are characters; asked for every step of every path.
constexpr std::array<Kind, 256> kinds = [] {
    std::array<Kind, 256> table{};
    table[static_cast<std::uint8_t>(element_type::ARRAY)] = Kind::array;
    table[static_cast<std::uint8_t>(element_type::OBJECT)] = Kind::object;
    table[static_cast<std::uint8_t>(element_type::INT64)] = Kind::integer;
    table[static_cast<std::uint8_t>(element_type::UINT64)] = Kind::integer;
    table[static_cast<std::uint8_t>(element_type::DOUBLE)] = Kind::decimal;
    table[static_cast<std::uint8_t>(element_type::STRING)] = Kind::text;
    table[static_cast<std::uint8_t>(element_type::BOOL)] = Kind::boolean;
    table[static_cast<std::uint8_t>(element_type::NULL_VALUE)] = Kind::null;
    return table;
}();

void append_number(std::string& out, const dom::element& element) {
    fmt::memory_buffer buffer;
    switch (element.type()) {
        case element_type::INT64:
            fmt::format_to(std::back_inserter(buffer), "{}", std::int64_t(element));
            break;
        case element_type::UINT64:
            fmt::format_to(std::back_inserter(buffer), "{}", std::uint64_t(element));
            break;
        default:
            // Plus nothing: -0.0 would be written as -0, which is read back as the integer 0.
            fmt::format_to(std::back_inserter(buffer), "{}", double(element) + 0.0);
    }
    out.append(buffer.data(), buffer.size());
}

void append_node(std::string& out, const dom::element& element) {
    switch (element.type()) {
        case element_type::ARRAY: {
            char separator = '[';
            for (dom::element child : dom::array(element)) {
                out += std::exchange(separator, ',');
                append_node(out, child);
            }
            out += separator == '[' ? "[]" : "]";
            return;
        }
        case element_type::OBJECT: {
            char separator = '{';
            for (dom::key_value_pair member : dom::object(element)) {
                out += std::exchange(separator, ',');
                append_escaped(out, member.key);
                out += ':';
                append_node(out, member.value);
            }
            out += separator == '{' ? "{}" : "}";
            return;
        }
        case element_type::STRING:
            return append_escaped(out, std::string_view(element));
        case element_type::BOOL:
            out += bool(element) ? "true" : "false";
            return;
        case element_type::NULL_VALUE:
            out += "null";
            return;
        default:
            append_number(out, element);
    }
}

std::size_t count_keys(const dom::element& element) {
    std::size_t keys = 0;
    if (element.is_object()) {
        for (dom::key_value_pair member : dom::object(element))
            keys += 1 + count_keys(member.value);
    } else if (element.is_array()) {
        for (dom::element child : dom::array(element)) keys += count_keys(child);
    }
    return keys;
}

// The shortest member with its separator is `"":0,`: a short text cannot hold too many.
bool may_exceed_keys(std::size_t bytes, const Limits& limits) {
    return bytes / 5 >= limits.keys_max;
}

bus::Error parse_error(simdjson::error_code code, const Limits& limits) {
    if (code == simdjson::DEPTH_ERROR) {
        return bus::fail(bus::ErrorCode::invalid_input, "JSON is nested deeper than {}",
                         limits.depth_max);
    }
    return bus::fail(bus::ErrorCode::invalid_input, "not JSON: {}", simdjson::error_message(code));
}

}  // namespace

Kind Value::kind() const {
    if (!document_) return Kind::absent;
    return kinds[static_cast<std::uint8_t>(Access::element(*this).type())];
}

std::string_view Value::text() const {
    std::string_view text;
    if (!document_ || Access::element(*this).get_string().get(text)) return {};
    return text;
}

std::optional<std::int64_t> Value::integer() const {
    std::int64_t number = 0;
    if (kind() != Kind::integer || Access::element(*this).get_int64().get(number)) return {};
    return number;
}

std::optional<double> Value::number() const {
    double number = 0;
    if (!document_ || Access::element(*this).get_double().get(number)) return {};
    return number;
}

std::optional<bool> Value::boolean() const {
    bool truth = false;
    if (!document_ || Access::element(*this).get_bool().get(truth)) return {};
    return truth;
}

std::string Value::scalar_text() const {
    std::string out;
    switch (kind()) {
        case Kind::text:
            out = text();
            break;
        case Kind::boolean:
            out = *boolean() ? "true" : "false";
            break;
        case Kind::integer:
        case Kind::decimal:
            append_number(out, Access::element(*this));
            break;
        default:
            break;
    }
    return out;
}

Value Value::operator[](std::string_view key) const {
    std::size_t keys_passed = 0;
    return member(key, keys_passed);
}

Value Value::member(std::string_view key, std::size_t& keys_passed) const {
    dom::object object;
    if (!document_ || Access::element(*this).get_object().get(object)) return {};
    if (!key.data()) key = "";  // simdjson compares with memcmp, which takes no null
    const auto end = object.end();
    for (auto field = object.begin(); field != end; ++field) {
        ++keys_passed;
        if (field.key_equals(key)) return Access::value(field.value());
    }
    return {};
}

Value Value::at(std::size_t index) const {
    dom::array array;
    if (!document_ || Access::element(*this).get_array().get(array)) return {};
    dom::element child;
    return array.at(index).get(child) ? Value{} : Access::value(child);
}

// Counted by walking: simdjson's own count saturates at 2^24.
std::size_t Value::size() const {
    std::size_t count = 0;
    if (kind() == Kind::array) {
        for ([[maybe_unused]] dom::element child : dom::array(Access::element(*this))) ++count;
    } else if (kind() == Kind::object) {
        for ([[maybe_unused]] dom::key_value_pair member : dom::object(Access::element(*this))) {
            ++count;
        }
    }
    return count;
}

void Value::each_element(const std::function<void(Value)>& visit) const {
    if (kind() != Kind::array) return;
    for (dom::element child : dom::array(Access::element(*this))) visit(Access::value(child));
}

void Value::each_member(const std::function<void(std::string_view, Value)>& visit) const {
    if (kind() != Kind::object) return;
    for (dom::key_value_pair member : dom::object(Access::element(*this))) {
        visit(member.key, Access::value(member.value));
    }
}

Value Value::first_element(const std::function<bool(Value)>& fits) const {
    if (kind() != Kind::array) return {};
    for (dom::element child : dom::array(Access::element(*this))) {
        if (fits(Access::value(child))) return Access::value(child);
    }
    return {};
}

void Value::append_to(std::string& out) const {
    if (document_) append_node(out, Access::element(*this));
}

struct Parser::State {
    dom::parser parser;
    std::size_t depth_max = 0;

    // simdjson refuses at max_depth open containers, so one more than we allow. An empty container
    // at the bottom is never opened and does not count.
    simdjson::error_code reserve(std::size_t bytes, std::size_t depth) {
        if (depth == depth_max && bytes <= parser.capacity()) return simdjson::SUCCESS;
        depth_max = depth;
        return parser.allocate(std::max<std::size_t>(bytes, 4096), depth + 1);
    }
};

Parser::Parser() : state_(std::make_unique<State>()) {}
Parser::~Parser() = default;
Parser::Parser(Parser&&) noexcept = default;
Parser& Parser::operator=(Parser&&) noexcept = default;

bus::Result<Value> Parser::parse(std::string_view text, const Limits& limits, bool padded) {
    if (text.size() > limits.bytes_max) {
        return bus::fail(bus::ErrorCode::too_large, "JSON of {} bytes, at most {}", text.size(),
                         limits.bytes_max);
    }
    if (auto code = state_->reserve(text.size(), limits.depth_max))
        return parse_error(code, limits);
    dom::element root;
    if (auto code = state_->parser.parse(text.data(), text.size(), !padded).get(root)) {
        return parse_error(code, limits);
    }
    if (may_exceed_keys(text.size(), limits) && count_keys(root) > limits.keys_max) {
        return bus::fail(bus::ErrorCode::invalid_input, "JSON has more than {} keys",
                         limits.keys_max);
    }
    return Access::value(root);
}

bool is_utf8(std::string_view text) {
    return simdjson::validate_utf8(text.data(), text.size());
}

}  // namespace schemas::json
