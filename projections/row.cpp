#include "projections/row.hpp"

#include <algorithm>
#include <cstring>

namespace projections {

namespace {

constexpr char text_end = '\0';
constexpr char escape = '\x01';  // before '\x01' for a zero byte, before '\x02' for itself
constexpr std::uint64_t sign_bit = std::uint64_t{1} << 63;

bool needs_escape(char c) {
    return c == text_end || c == escape;
}

std::uint64_t ascending(bus::Timestamp time) {
    return static_cast<std::uint64_t>(time.time_since_epoch().count()) ^ sign_bit;
}

bus::Timestamp from_ascending(std::uint64_t bits) {
    return bus::Timestamp{bus::microseconds{static_cast<std::int64_t>(bits ^ sign_bit)}};
}

}  // namespace

KeyWriter& KeyWriter::byte(std::uint8_t value) {
    bytes_.push_back(static_cast<char>(value));
    return *this;
}

KeyWriter& KeyWriter::number(std::uint64_t value) {
    const std::uint64_t big_endian = __builtin_bswap64(value);
    char bytes[sizeof big_endian];
    std::memcpy(bytes, &big_endian, sizeof bytes);
    bytes_.append(bytes, sizeof bytes);
    return *this;
}

KeyWriter& KeyWriter::time(bus::Timestamp value) {
    return number(ascending(value));
}

KeyWriter& KeyWriter::time_descending(bus::Timestamp value) {
    return number(~ascending(value));
}

KeyWriter& KeyWriter::text(std::string_view value) {
    while (true) {
        const auto special = std::find_if(value.begin(), value.end(), needs_escape);
        bytes_.append(value.begin(), special);
        if (special == value.end()) break;
        bytes_.push_back(escape);
        bytes_.push_back(*special == text_end ? '\x01' : '\x02');
        value.remove_prefix(static_cast<std::size_t>(special - value.begin()) + 1);
    }
    bytes_.push_back(text_end);
    return *this;
}

KeyWriter& KeyWriter::id(bus::EventId value) {
    bytes_.append(value.view());
    return *this;
}

KeyWriter& KeyWriter::raw(std::string_view bytes) {
    bytes_.append(bytes);
    return *this;
}

std::uint8_t KeyReader::byte() {
    if (rest_.empty()) {
        ok_ = false;
        return 0;
    }
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
}

std::uint64_t KeyReader::number() {
    std::uint64_t big_endian = 0;
    if (rest_.size() < sizeof big_endian) {
        ok_ = false;
        rest_ = {};
        return 0;
    }
    std::memcpy(&big_endian, rest_.data(), sizeof big_endian);
    rest_.remove_prefix(sizeof big_endian);
    return __builtin_bswap64(big_endian);
}

bus::Timestamp KeyReader::time() {
    const std::uint64_t bits = number();
    return ok_ ? from_ascending(bits) : bus::Timestamp{};
}

bus::Timestamp KeyReader::time_descending() {
    const std::uint64_t bits = number();
    return ok_ ? from_ascending(~bits) : bus::Timestamp{};
}

std::string KeyReader::text() {
    std::string value;
    for (std::size_t i = 0; i < rest_.size(); ++i) {
        const char c = rest_[i];
        if (c == text_end) {
            rest_.remove_prefix(i + 1);
            return value;
        }
        if (c != escape) {
            value.push_back(c);
            continue;
        }
        const char escaped = ++i < rest_.size() ? rest_[i] : '\0';
        if (escaped != '\x01' && escaped != '\x02') break;
        value.push_back(escaped == '\x01' ? '\0' : escape);
    }
    ok_ = false;
    rest_ = {};
    return {};
}

bus::EventId KeyReader::id() {
    bus::EventId value;
    if (rest_.size() < value.bytes.size()) {
        ok_ = false;
        rest_ = {};
        return value;
    }
    std::memcpy(value.bytes.data(), rest_.data(), value.bytes.size());
    rest_.remove_prefix(value.bytes.size());
    return value;
}

std::string prefix_end(std::string_view prefix) {
    std::string end{prefix};
    while (!end.empty() && end.back() == '\xff') end.pop_back();
    if (!end.empty()) end.back() = static_cast<char>(end.back() + 1);
    return end;
}

}  // namespace projections
