// What the door decided about a request, and how to answer once the log has spoken.
#pragma once

#include "bus/http/http.hpp"
#include "bus/log.hpp"
#include "schemas/registry.hpp"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace producers {

// Answered at once: nothing is to be stored.
struct Answered {
    bus::http::Response response;
    std::optional<bus::PartitionId> partition;  // whose position a 2xx carries
};

// Refused, and a record of it is kept in `.rejected`. The answer leaves after the append.
struct Rejected {
    bus::http::Response response;
    bus::NewRecord record;
    bool must_keep = false;  // its sender proved who it is: not durable = 503 instead of `response`
};

// Answered when the record is durable.
struct Accepted {
    bus::NewRecord record;
    const schemas::ProviderKind* kind = nullptr;  // whose answer; null = the standard one
};

// A record for each source that a body of several tenants is for, each whole for itself. Answered
// when all of them are durable; a repetition stores what is missing and answers as a duplicate.
struct AcceptedParts {
    // First that of the source which the request was admitted by, if there is one: the answer names
    // its event and its position.
    std::vector<bus::NewRecord> records;
    const schemas::ProviderKind* kind = nullptr;  // of the source that it was admitted by
};

// One event of POST /v1/events[/batch].
struct EventItem {
    std::optional<bus::NewRecord> record;  // none = refused here
    std::string sender_id;                 // the CloudEvents id
    int status = 202;
    std::string detail;
};
struct AcceptedEvents {
    std::vector<EventItem> items;
    bus::PartitionId partition = 0;  // of their tenant
    bool batch = false;
};

using Decision = std::variant<Answered, Rejected, Accepted, AcceptedParts, AcceptedEvents>;

// What became of AcceptedParts so far.
struct PartsOutcome {
    std::size_t left = 0;
    std::optional<bus::Appended> first = {};
    std::optional<bus::Error> error = {};  // of one that the log did not take
    bool all_duplicates = true;
    bool is_kept_aside = false;

    void settle(std::size_t part, const bus::Result<bus::Appended>& appended);
    // Once none is left: the first part's, a duplicate if all are, local if any is.
    bus::Result<bus::Appended> result() const;
};

// What became of one EventItem's record.
struct EventOutcome {
    std::string sender_id;
    int status = 202;
    std::string detail;
    std::optional<bus::Appended> appended;
};

// {"accepted":true,"event_id":...,"duplicate":...,"durability":...}, appended to `out`.
void append_acceptance(std::string& out, const bus::Appended& appended);

// The answer to a durable record of a kind that has words of its own (or the standard ones).
bus::http::Response acceptance(const schemas::ProviderKind* kind, const bus::Appended& appended);
bus::http::Response events_answer(const std::vector<EventOutcome>& outcomes,
                                  bus::PartitionId partition, bool batch);
// A fault of ours, or a body the log cannot take.
bus::http::Response append_refusal(const bus::Error& error);

}  // namespace producers
