// Next offsets over the topics of one partition.
#pragma once

#include "bus/topic.hpp"

namespace bus {

// As a checkpoint: up to where a store has applied. As callers see it (X-Position): an opaque token
// to wait for; there `.rejected` is left out, so that a flood of refusals moves nobody's position.
struct Position {
    PartitionId partition = 0;
    std::array<Offset, partitioned_topics> next{};

    Offset& operator[](Topic topic) { return next[index(topic)]; }
    Offset operator[](Topic topic) const { return next[index(topic)]; }

    // True when everything that `other` promises has been reached here, `.rejected` apart.
    bool covers(const Position& other) const;
    void advance(const Address& address);  // to just past it, never back

    bool operator==(const Position&) const = default;
};

std::string to_token(const Position& position);           // base64url
Result<Position> parse_position(std::string_view token);  // invalid_input

// A checkpoint in a store: complete and checked by length.
std::string encode_checkpoint(const Position& position);
Result<Position> decode_checkpoint(std::string_view bytes);  // corrupt

}  // namespace bus
