#include "bus/topic.hpp"

#include <charconv>

namespace bus {
namespace {

constexpr std::string_view prefix = "tributary.";
constexpr std::array<std::string_view, topic_count> names = {
    "tributary.email",     "tributary.chat",     "tributary.voice",   "tributary.billing",
    "tributary.ticketing", "tributary.web",      "tributary.course",  "tributary.identity",
    "tributary.facts",     "tributary.rejected", "tributary.control", "tributary.keys",
    "tributary.nodes"};

std::uint32_t little_endian(const unsigned char* p) {
    return std::uint32_t{p[0]} | std::uint32_t{p[1]} << 8 | std::uint32_t{p[2]} << 16 |
           std::uint32_t{p[3]} << 24;
}

template <class Number>
bool parse_number(std::string_view text, Number& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::string_view name(Topic topic) {
    return names[index(topic)];
}
std::string_view short_name(Topic topic) {
    return name(topic).substr(prefix.size());
}

std::optional<Topic> parse_topic(std::string_view text) {
    for (std::size_t i = 0; i < topic_count; ++i) {
        if (names[i] == text || names[i].substr(prefix.size()) == text) return topic_at(i);
    }
    return std::nullopt;
}

std::uint32_t murmur2(std::string_view key) {
    constexpr std::uint32_t m = 0x5bd1e995;
    const auto* p = reinterpret_cast<const unsigned char*>(key.data());
    std::size_t left = key.size();
    std::uint32_t h = 0x9747b28cu ^ static_cast<std::uint32_t>(left);
    for (; left >= 4; left -= 4, p += 4) {
        std::uint32_t k = little_endian(p) * m;
        k = (k ^ k >> 24) * m;
        h = h * m ^ k;
    }
    if (left > 2) h ^= std::uint32_t{p[2]} << 16;
    if (left > 1) h ^= std::uint32_t{p[1]} << 8;
    if (left > 0) h = (h ^ p[0]) * m;
    h = (h ^ h >> 13) * m;
    return h ^ h >> 15;
}

PartitionId partition_of(std::string_view key, PartitionId partitions) {
    return (murmur2(key) & 0x7fffffffu) % partitions;
}

std::string to_string(const Address& address) {
    return fmt::format("{}/{}/{}", short_name(address.topic), address.partition, address.offset);
}

Result<Address> parse_address(std::string_view text) {
    const auto first = text.find('/');
    const auto last = text.rfind('/');
    Address address;
    const auto topic = parse_topic(text.substr(0, first));
    if (first == last || !topic ||
        !parse_number(text.substr(first + 1, last - first - 1), address.partition) ||
        !parse_number(text.substr(last + 1), address.offset)) {
        return fail(ErrorCode::invalid_input, "'{}' is not an address such as chat/3/4711", text);
    }
    address.topic = *topic;
    return address;
}

}  // namespace bus
