#include "producers/decision.hpp"

#include "schemas/json/json.hpp"

#include <algorithm>

namespace producers {

using bus::http::Response;

namespace {

// What is kept aside has no position: it is safe, and not in the log yet.
bool has_position(const bus::Appended& appended) {
    return appended.durability != bus::Durability::local;
}

bool have_positions(const std::vector<EventOutcome>& outcomes) {
    return std::all_of(outcomes.begin(), outcomes.end(), [](const EventOutcome& outcome) {
        return !outcome.appended || has_position(*outcome.appended);
    });
}

void append_outcome(std::string& out, const EventOutcome& outcome) {
    schemas::json::Writer writer(out);
    writer.begin_object()
        .member("ce_id", outcome.sender_id)
        .member("status", std::int64_t{outcome.status});
    if (outcome.appended) {
        const bus::Appended& appended = *outcome.appended;
        writer.member("id", to_string(appended.id));
        if (has_position(appended)) writer.member("position", to_token(appended.position));
        writer.member("duplicate", appended.duplicate)
            .member("durability", name(appended.durability));
    } else {
        writer.member("detail", outcome.detail);
    }
    writer.end_object();
}

// Covers everything that was stored for this request, all of it in one partition; nothing if
// nothing was.
bus::Position joined_position(const std::vector<EventOutcome>& outcomes,
                              bus::PartitionId partition) {
    bus::Position joined{.partition = partition};
    for (const EventOutcome& outcome : outcomes) {
        if (!outcome.appended) continue;
        const bus::Position& one = outcome.appended->position;
        for (std::size_t i = 0; i < joined.next.size(); ++i)
            joined.next[i] = std::max(joined.next[i], one.next[i]);
    }
    return joined;
}

Response batch_answer(const std::vector<EventOutcome>& outcomes) {
    Response response{.status = 202, .headers = {}, .body = "{\"results\":["};
    for (const EventOutcome& outcome : outcomes) {
        if (&outcome != &outcomes.front()) response.body += ',';
        append_outcome(response.body, outcome);
        if (outcome.status >= 500) response.status = 503;
    }
    response.body += "]}";
    // Sending the whole batch again is safe: what is stored answers as a duplicate.
    if (response.status == 503) response.headers.emplace_back("Retry-After", "2");
    return response;
}

}  // namespace

void PartsOutcome::settle(std::size_t part, const bus::Result<bus::Appended>& appended) {
    --left;
    if (!appended) {
        // What a repetition can mend is said rather than what it cannot.
        if (!error || error->code == bus::ErrorCode::too_large) error = appended.error();
        return;
    }
    all_duplicates = all_duplicates && appended->duplicate;
    is_kept_aside = is_kept_aside || appended->durability == bus::Durability::local;
    if (part == 0) first = *appended;
}

bus::Result<bus::Appended> PartsOutcome::result() const {
    if (error) return *error;
    bus::Appended all = *first;
    all.duplicate = all_duplicates;
    if (is_kept_aside) all.durability = bus::Durability::local;
    return all;
}

void append_acceptance(std::string& out, const bus::Appended& appended) {
    out += R"({"accepted":true,"event_id":")";
    out += to_string(appended.id);
    out += appended.duplicate ? R"(","duplicate":true,"durability":")"
                              : R"(","duplicate":false,"durability":")";
    out += name(appended.durability);
    out += "\"}";
}

Response acceptance(const schemas::ProviderKind* kind, const bus::Appended& appended) {
    Response response;
    if (has_position(appended))
        response.headers.emplace_back("X-Position", to_token(appended.position));
    else
        response.status = 202;
    if (kind && !kind->response_body.empty()) {
        response.content_type = kind->response_content_type;
        response.body = kind->response_body;
    } else {
        append_acceptance(response.body, appended);
    }
    return response;
}

Response events_answer(const std::vector<EventOutcome>& outcomes, bus::PartitionId partition,
                       bool batch) {
    Response response;
    if (batch) {
        response = batch_answer(outcomes);
    } else {
        const EventOutcome& only = outcomes.front();
        if (!only.appended) {
            return bus::http::problem(only.status, only.status >= 500 ? "unavailable" : "bad_event",
                                      only.detail);
        }
        response.status = 202;
        append_acceptance(response.body, *only.appended);
        response.body.pop_back();
        response.body += R"(,"id":")" + to_string(only.appended->id);
        if (has_position(*only.appended))
            response.body += R"(","position":")" + to_token(only.appended->position);
        response.body += "\"}";
    }
    if (response.status < 300 && have_positions(outcomes))
        response.headers.emplace_back("X-Position", to_token(joined_position(outcomes, partition)));
    return response;
}

Response append_refusal(const bus::Error& error) {
    if (error.code == bus::ErrorCode::too_large)
        return bus::http::problem(413, "too_large", error.message);
    return bus::http::problem(503, name(error.code),
                              "it could not be stored; send it again: " + error.message);
}

}  // namespace producers
