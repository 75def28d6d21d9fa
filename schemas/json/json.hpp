// Reading and writing JSON. Hides simdjson: DOM parse, so every byte is validated (UTF-8, grammar).
#pragma once

#include "bus/ids.hpp"
#include "bus/result.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace schemas::json {

struct Limits {
    std::size_t bytes_max = 1 << 20;
    std::size_t depth_max = 64;
    std::size_t keys_max = 10'000;
};

enum class Kind : std::uint8_t { absent, null, boolean, integer, decimal, text, array, object };

// A node of a parsed document. Cheap to copy; dies with the parser's next parse. A default Value is
// absent, and every look-up in an absent one is absent again, so that paths can be walked blindly.
class Value {
public:
    Value() = default;
    Kind kind() const;
    explicit operator bool() const { return document_ != nullptr; }

    std::string_view text() const;                // "" unless text
    std::optional<std::int64_t> integer() const;  // integers that fit; none for decimals
    std::optional<double> number() const;
    std::optional<bool> boolean() const;
    // Text as it is; numbers, booleans as their shortest JSON spelling; "" for null, absent,
    // containers.
    std::string scalar_text() const;

    Value operator[](std::string_view key) const;  // first of that name in an object
    // The same; adds the number of keys that were compared, one after the other.
    Value member(std::string_view key, std::size_t& keys_passed) const;
    Value at(std::size_t index) const;  // in an array
    std::size_t size() const;           // members or elements
    void each_element(const std::function<void(Value)>& visit) const;
    void each_member(const std::function<void(std::string_view, Value)>& visit) const;
    // The first element for which `fits` holds; absent if there is none.
    Value first_element(const std::function<bool(Value)>& fits) const;
    void append_to(std::string& out) const;  // compact JSON of this node

private:
    friend class Parser;
    friend struct Access;
    const void* document_ = nullptr;
    std::size_t position_ = 0;
};

// One per thread; reuses its buffers.
class Parser {
public:
    Parser();
    ~Parser();
    Parser(Parser&&) noexcept;
    Parser& operator=(Parser&&) noexcept;

    // invalid_input with what is wrong (grammar, UTF-8, depth, keys), too_large for size; a NUL or
    // trailing text is an error. `padded` promises 64 readable bytes after the text
    // (bus::RecordView values), saving a copy.
    bus::Result<Value> parse(std::string_view text, const Limits& limits = {}, bool padded = false);

private:
    struct State;
    std::unique_ptr<State> state_;
};

// Appends to a string it does not own. Commas and nesting are kept by the writer.
class Writer {
public:
    explicit Writer(std::string& out) : out_(out) {}

    Writer& begin_object();
    Writer& end_object();
    Writer& begin_array();
    Writer& end_array();
    Writer& key(std::string_view name);
    Writer& text(std::string_view value);  // escaped; must be UTF-8, else bad bytes become U+FFFD
    Writer& integer(std::int64_t value);
    Writer& unsigned_integer(std::uint64_t value);
    Writer& decimal(double value);
    Writer& boolean(bool value);
    Writer& null();
    Writer& time(bus::Timestamp value);  // ISO 8601, Z
    Writer& raw(std::string_view json);  // must be one valid JSON value

    // key and value in one call
    Writer& member(std::string_view name, std::string_view value) { return key(name).text(value); }
    Writer& member(std::string_view name, const char* value) { return key(name).text(value); }
    Writer& member(std::string_view name, std::int64_t value) { return key(name).integer(value); }
    Writer& member(std::string_view name, bool value) { return key(name).boolean(value); }
    Writer& member(std::string_view name, bus::Timestamp value) { return key(name).time(value); }

private:
    void comma();
    std::string& out_;
    bool needs_comma_ = false;
};

void append_escaped(std::string& out, std::string_view text);  // with the quotes
bool is_utf8(std::string_view text);
std::string repaired(std::string_view text);  // bad bytes become U+FFFD

}  // namespace schemas::json
