#include "bus/headers.hpp"

namespace bus {

bool HeadersView::take(std::string_view& rest, std::string_view& name, std::string_view& value) {
    const std::size_t name_bytes = static_cast<unsigned char>(rest[0]);
    if (rest.size() < 1 + name_bytes + 2) return false;
    name = rest.substr(1, name_bytes);
    const auto* length = reinterpret_cast<const unsigned char*>(rest.data() + 1 + name_bytes);
    const std::size_t value_bytes = length[0] | std::size_t{length[1]} << 8;
    rest.remove_prefix(1 + name_bytes + 2);
    if (rest.size() < value_bytes) return false;
    value = rest.substr(0, value_bytes);
    rest.remove_prefix(value_bytes);
    return true;
}

std::optional<std::string_view> HeadersView::find(std::string_view wanted) const {
    std::string_view rest = bytes_, name, value;
    while (!rest.empty() && take(rest, name, value)) {
        if (name == wanted) return value;
    }
    return std::nullopt;
}

void Headers::add(std::string_view name, std::string_view value) {
    BUS_ASSERT(name.size() <= 255 && value.size() <= 65535,
               "a header is bounded before it is added");
    bytes_ += static_cast<char>(name.size());
    bytes_ += name;
    bytes_ += static_cast<char>(value.size() & 255);
    bytes_ += static_cast<char>(value.size() >> 8);
    bytes_ += value;
}

Headers Headers::from_bytes(std::string bytes) {
    Headers headers;
    headers.bytes_ = std::move(bytes);
    return headers;
}

}  // namespace bus
