#include "bus/position.hpp"

#include "bus/text.hpp"

namespace bus {
namespace {

void put_varint(std::string& out, std::uint64_t value) {
    for (; value >= 128; value >>= 7) out += static_cast<char>(value | 128);
    out += static_cast<char>(value);
}

bool take_varint(std::string_view& in, std::uint64_t& value) {
    value = 0;
    for (int shift = 0; shift < 64 && !in.empty(); shift += 7) {
        const auto byte = static_cast<unsigned char>(in[0]);
        in.remove_prefix(1);
        value |= static_cast<std::uint64_t>(byte & 127) << shift;
        if (byte < 128) return true;
    }
    return false;
}

std::string encode(const Position& position, std::size_t topics) {
    std::string out;
    put_varint(out, position.partition);
    for (std::size_t i = 0; i < topics; ++i) put_varint(out, position.next[i]);
    return out;
}

bool decode(std::string_view in, std::size_t topics, Position& position) {
    std::uint64_t partition = 0;
    if (!take_varint(in, partition) || partition > 0xFFFF) return false;
    position.partition = static_cast<PartitionId>(partition);
    for (std::size_t i = 0; i < topics; ++i) {
        if (!take_varint(in, position.next[i])) return false;
    }
    return in.empty();
}

}  // namespace

bool Position::covers(const Position& other) const {
    if (partition != other.partition) return false;
    for (std::size_t i = 0; i < position_topics; ++i) {
        if (next[i] < other.next[i]) return false;
    }
    return true;
}

void Position::advance(const Address& address) {
    auto& mine = next[index(address.topic)];
    if (mine <= address.offset) mine = address.offset + 1;
}

std::string to_token(const Position& position) {
    return to_base64url(encode(position, position_topics));
}

Result<Position> parse_position(std::string_view token) {
    Position position;
    auto bytes = from_base64(token);
    if (!bytes || !decode(*bytes, position_topics, position)) {
        return fail(ErrorCode::invalid_input,
                    "'{}' is not a position; use the X-Position of an answer as it came", token);
    }
    return position;
}

std::string encode_checkpoint(const Position& position) {
    return encode(position, partitioned_topics);
}

Result<Position> decode_checkpoint(std::string_view bytes) {
    Position position;
    if (!decode(bytes, partitioned_topics, position)) {
        return fail(ErrorCode::corrupt, "a checkpoint of {} bytes is malformed", bytes.size());
    }
    return position;
}

}  // namespace bus
