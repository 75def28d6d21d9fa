// Every bound of the door, by name.
#pragma once

#include "producers/token_bucket.hpp"
#include "schemas/json/json.hpp"

namespace producers {

// Well below what the folds of one partition bear: whoever floods is told to slow down before the
// other tenants of its partition wait for it. At once only as much as is folded in a tenth of a
// second.
inline constexpr std::uint32_t source_rate_default = 5'000;  // requests a second
inline constexpr double source_burst_s = 0.1;

constexpr Rate source_rate_of(std::uint32_t per_second) {
    return {.per_second = static_cast<double>(per_second), .burst = per_second * source_burst_s};
}

struct DoorLimits {
    // One record of the log holds the body, so mail has the same bound as JSON until bodies can
    // stand in a blob store.
    std::size_t body_bytes_max = 1 << 20;
    std::size_t mail_bytes_max = 1 << 20;
    schemas::json::Limits json;
    std::size_t form_pairs_max = 10'000;
    std::size_t batch_items_max = 1'000;
    // A body is hashed once for each source that holds an account named in it, and no more than
    // this in all: 16 times when it is as large as may be.
    std::size_t account_proof_bytes_max = 16 << 20;
    // What a body of several clients is split into; of more it is refused and kept. With the bound
    // above its parts take 17 MiB together at most.
    std::size_t body_parts_max = 64;
    std::size_t split_elements_max = 10'000;
    std::size_t dedup_values_max = 10'000;  // of more of them a request is keyed by its hash
    std::size_t rejected_body_bytes_max = 4 * 1024;  // of senders that did not prove who they are
    std::size_t challenge_bytes_max = 256;
    std::size_t kept_header_bytes_max = 8 * 1024;

    Rate source_rate = source_rate_of(source_rate_default);
    Rate rejected_rate{.per_second = 10, .burst = 20};  // records of refusals, per source
    bus::milliseconds catch_up_interval{1'000};         // with .control, before a 404
    bus::milliseconds secret_retry_interval{1'000};  // while a source's secret cannot be opened yet
};

}  // namespace producers
