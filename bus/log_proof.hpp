// What a log proves of itself: that every record is there once, in order, and as it was written.
#pragma once

#include "bus/headers.hpp"
#include "bus/topic.hpp"

#include <functional>
#include <string>
#include <vector>

namespace bus {

// One thing that is not as it should be. What is not known stays empty.
struct LogDamage {
    std::string where;     // addresses: "chat/3/4711", or "chat/3/4711..4715"
    std::string file;      // of the journal
    std::uint64_t at = 0;  // byte in that file
    std::string what;

    bool operator==(const LogDamage&) const = default;
};

struct LogProof {
    static constexpr std::size_t listed_max = 1000;

    std::uint64_t records = 0;   // seen, those without a body included
    std::uint64_t bytes = 0;     // of keys, headers and bodies
    std::uint64_t bodies = 0;    // compared with their hash
    std::uint64_t erased = 0;    // bodies that were erased for good
    std::uint64_t expired = 0;   // bodies that retention took out
    std::uint64_t unhashed = 0;  // records written before bodies had a hash (Kafka)
    // Records of a part of a body. Who signed that cannot be computed again: the log holds no
    // whole.
    std::uint64_t parts = 0;
    std::uint64_t groups = 0;       // commit groups, and their chain (journal)
    std::uint64_t segments = 0;     // files (journal)
    std::vector<LogDamage> damage;  // the first listed_max
    std::uint64_t damage_count = 0;
    std::vector<std::string> remarks;  // odd, but nothing is lost

    bool proven() const { return damage_count == 0; }
    // Counts a part; one that does not say of what is damage.
    void look_at(HeadersView headers, const Address& where);
    void add(LogDamage one) {
        damage_count += 1;
        if (damage.size() < listed_max) damage.push_back(std::move(one));
    }
};

struct VerifyOptions {
    // Bodies of one record in this many are compared with their hash; 1 = all. Order, chain and
    // headers are always proved whole.
    std::uint64_t one_body_in = 1;
    // Called between small steps with the records seen since the last call; false = cancelled.
    std::function<bool(std::uint64_t records)> go_on = [](std::uint64_t) { return true; };
};

class Log;
// Reads every topic partition from its start to where it ends now: offsets without gaps, and
// whatever the engine's readers check. For engines that keep nothing more to prove.
Result<LogProof> verify_by_reading(Log& log, const VerifyOptions& options);

}  // namespace bus
