#include "tools/dead_letter_routes.hpp"

#include "projections/api/mapped_record.hpp"
#include "projections/dead_letters/dead_letter_id.hpp"
#include "projections/dead_letters/dead_letters_reads.hpp"
#include "schemas/json/json.hpp"
#include "tools/dead_letter_replay.hpp"
#include "tools/discard_record.hpp"

#include <map>

namespace tools {
namespace {

using bus::http::Call;
using bus::http::problem;
using bus::http::Response;
using projections::api::MappedRecord;
using schemas::json::Value;
using schemas::json::Writer;

constexpr std::string_view projection = "dead_letters";
constexpr bus::milliseconds append_max{10'000};
constexpr bus::milliseconds shown_max{2'000};  // after that the fact is durable, not yet shown
constexpr std::size_t page_size = projections::page_limit_max;
constexpr std::size_t shown_items_max = 100;  // of a bulk answer

// A body that is there is an object of known members; none is {}.
class Body {
public:
    static bus::Result<Body> parse(const Call& call,
                                   std::initializer_list<std::string_view> known) {
        Body body;
        if (call.request.body.empty()) return body;
        auto object = body.parser_->parse(call.request.body);
        if (!object) return object.error();
        if (object->kind() != schemas::json::Kind::object)
            return bus::fail(bus::ErrorCode::invalid_input, "the body is no JSON object");
        std::string unknown;
        object->each_member([&](std::string_view name, Value) {
            if (std::find(known.begin(), known.end(), name) == known.end()) unknown = name;
        });
        if (!unknown.empty())
            return bus::fail(bus::ErrorCode::invalid_input, "'{}' is not known here; known are {}",
                             unknown, fmt::join(known, ", "));
        body.root_ = *object;
        return body;
    }
    Value operator[](std::string_view name) const { return root_[name]; }

private:
    std::unique_ptr<schemas::json::Parser> parser_ = std::make_unique<schemas::json::Parser>();
    Value root_;
};

// What an operation needs of a dead letter's object.
struct Letter {
    std::string id;
    std::string source;
    std::string reason;
    std::string path;
    std::string status;
    std::string mapping;
    bus::Timestamp received{};
    bus::EventId raw_id;
    bus::Address address;
};

bus::Result<Letter> read_letter(Value object) {
    const auto raw_id = bus::parse_event_id(object["raw_id"].text());
    if (!raw_id) return raw_id.error();
    const auto address = bus::parse_address(object["address"].text());
    if (!address) return address.error();
    const auto received = bus::from_iso(object["at"].text());
    if (!received) return received.error();
    return Letter{.id = std::string(object["id"].text()),
                  .source = std::string(object["source"].text()),
                  .reason = std::string(object["reason"].text()),
                  .path = std::string(object["path"].text()),
                  .status = std::string(object["status"].text()),
                  .mapping = std::string(object["mapping"].text()),
                  .received = *received,
                  .raw_id = *raw_id,
                  .address = *address};
}

bus::Result<std::string> find_object(const DeadLetterPorts& ports, const Call& call) {
    const auto view = ports.reads.view(*call.caller.tenant, projection);
    if (!view) return view.error();
    auto object = projections::get_dead_letter(**view, call.parameter("id"));
    if (const auto failure = (*view)->failure()) return *failure;
    if (!object)
        return bus::fail(bus::ErrorCode::not_found,
                         "there is no such dead letter; it may be "
                         "mended: GET /v1/quarantine");
    return *std::move(object);
}

bus::Result<Letter> find_letter(const DeadLetterPorts& ports, const Call& call) {
    const auto object = find_object(ports, call);
    if (!object) return object.error();
    schemas::json::Parser parser;
    const auto parsed = parser.parse(*object);
    if (!parsed) return parsed.error();
    return read_letter(*parsed);
}

// --- discard

Response discard(const DeadLetterPorts& ports, const Call& call) {
    const auto body = Body::parse(call, {"reason"});
    if (!body) return problem(body.error());
    const std::string_view reason = (*body)["reason"].text();
    if (reason.size() > discard_reason_bytes_max)
        return problem(bus::fail(bus::ErrorCode::invalid_input, "'reason' has at most {} bytes",
                                 discard_reason_bytes_max));
    const auto letter = find_letter(ports, call);
    if (!letter) return problem(letter.error());
    const bus::Timestamp now = ports.clock.now();
    const auto appended = append_and_wait(
        ports.log,
        discard_record({.id = ports.ids.next_event_id(now),
                        .tenant = *call.caller.tenant,
                        .dead_letter = *projections::parse_dead_letter_id(letter->id),
                        .raw_id = letter->raw_id,
                        .reason = reason,
                        .now = now},
                       ports.log.partitions()),
        append_max);
    if (!appended) return problem(appended.error());
    // Shown at once where the rows are near; the fact is durable either way.
    (void)ports.reads.wait_for(*call.caller.tenant, appended->position, shown_max);
    auto object = find_object(ports, call);
    if (!object) return problem(object.error());
    Response response{.body = *std::move(object)};
    response.headers.emplace_back("X-Position", bus::to_token(appended->position));
    return response;
}

// --- replay

// The letter's record as the source's newest mapping reads it.
bus::Result<MappedRecord> map_newest(const DeadLetterPorts& ports, bus::TenantId tenant,
                                     const Letter& letter) {
    auto record = projections::api::read_record(ports.log, ports.registry, letter.address, tenant);
    if (!record) return record.error();
    const auto envelope = bus::read_envelope(record->headers);
    if (!envelope) return envelope.error();
    const auto source = ports.registry.source(envelope->source);
    if (!source || source->stamp.empty())
        return bus::fail(bus::ErrorCode::conflict,
                         "its source has no mapping any more; discard it, or give it one: PATCH "
                         "/v1/sources/:id");
    return MappedRecord::map(*std::move(record), ports.registry, source->stamp);
}

std::string newest_stamp(const DeadLetterPorts& ports, const MappedRecord& mapped) {
    const auto source = ports.registry.source(mapped.envelope().source);
    return source ? source->stamp : "";
}

void write_failures(Writer& writer, const schemas::Mapped& mapped) {
    writer.key("failures").begin_array();
    for (const schemas::MapFailure& failure : mapped.failures) {
        writer.begin_object().member("emit_index", std::int64_t{failure.emit_index});
        writer.member("path", failure.path).member("reason", failure.reason).end_object();
    }
    writer.end_array();
}

void write_events(Writer& writer, const schemas::Mapped& mapped) {
    writer.key("events").begin_array();
    for (const schemas::Event& event : mapped.events) {
        writer.begin_object().member("id", bus::to_string(event.id));
        writer.member("type", event.type_name).member("time", event.time);
        projections::api::write_event(writer, event);
        writer.end_object();
    }
    writer.end_array();
}

void write_trial(Writer& writer, const DeadLetterPorts& ports, const Letter& letter,
                 const bus::Result<MappedRecord>& mapped, bool with_events) {
    writer.begin_object()
        .member("dead_letter", letter.id)
        .member("address", bus::to_string(letter.address));
    if (!mapped) {
        writer.member("mended", false).member("problem", mapped.error().message).end_object();
        return;
    }
    const std::string newest = newest_stamp(ports, *mapped);
    writer.member("mended", mapped->mapped().failures.empty());
    writer.member("mapping", letter.mapping).member("newest_mapping", newest);
    writer.member("mapping_changed", letter.mapping != newest);
    if (with_events)
        write_events(writer, mapped->mapped());
    else
        writer.member("events", static_cast<std::int64_t>(mapped->mapped().events.size()));
    write_failures(writer, mapped->mapped());
    writer.end_object();
}

// What a replay is asked for beside the letters.
struct Mode {
    bool dry_run = false;
    bool switch_over = false;
    bool without_expired = false;
};

bus::Result<Mode> read_mode(const Body& body, const Call& call) {
    Mode mode;
    for (const auto& [name, flag] :
         {std::pair{"dry_run", &mode.dry_run}, std::pair{"switch", &mode.switch_over},
          std::pair{"without_expired", &mode.without_expired}}) {
        if (!body[name]) continue;
        const auto told = body[name].boolean();
        if (!told) return bus::fail(bus::ErrorCode::invalid_input, "'{}' is true or false", name);
        *flag = *told;
    }
    if (!mode.dry_run && !call.caller.admin)
        return bus::fail(bus::ErrorCode::forbidden,
                         "a replay is the operator's to start; {{\"dry_run\": true}} shows what it "
                         "would mend");
    return mode;
}

// The job, when some letter is mended.
Response start(const DeadLetterPorts& ports, bus::TenantId tenant, const Mode& mode,
               const std::vector<MendedLetter>& mended) {
    if (mended.empty())
        return problem(bus::fail(bus::ErrorCode::conflict,
                                 "the newest mapping mends none of them; a dry run says why"));
    auto request = mending_request(ports.registry, tenant, mended);
    if (!request) return problem(request.error());
    request->switch_over = mode.switch_over;
    request->without_expired = mode.without_expired;
    return replay::start_replay(ports.replays, *request);
}

Response replay_one(const DeadLetterPorts& ports, const Call& call) {
    const auto body = Body::parse(call, {"dry_run", "switch", "without_expired"});
    if (!body) return problem(body.error());
    const auto mode = read_mode(*body, call);
    if (!mode) return problem(mode.error());
    const auto letter = find_letter(ports, call);
    if (!letter) return problem(letter.error());
    const bus::TenantId tenant = *call.caller.tenant;
    const auto mapped = map_newest(ports, tenant, *letter);
    if (!mapped) return problem(mapped.error());
    if (!mode->dry_run) {
        std::vector<MendedLetter> mended;
        if (mapped->mapped().failures.empty())
            mended.push_back({mapped->envelope().source, letter->received});
        return start(ports, tenant, *mode, mended);
    }
    Response response;
    Writer writer{response.body};
    write_trial(writer, ports, *letter, mapped, true);
    return response;
}

bus::Result<projections::DeadLetterQuery> bulk_query(const Body& body) {
    projections::DeadLetterQuery query{.source = std::string(body["source"].text()),
                                       .limit = page_size};
    for (const auto& [name, time] : {std::pair{"from", &query.from}, std::pair{"to", &query.to}}) {
        if (!body[name]) continue;
        const auto parsed = bus::from_iso(body[name].text());
        if (!parsed) return bus::fail(bus::ErrorCode::invalid_input, "'{}' is no time", name);
        *time = *parsed;
    }
    return query;
}

// Open letters of the query, newest first, at most `most`; `more` when there are others.
struct Chosen {
    std::vector<Letter> letters;
    bool more = false;
};

bus::Result<Chosen> choose(const DeadLetterPorts& ports, bus::TenantId tenant,
                           projections::DeadLetterQuery query, std::size_t most) {
    const auto view = ports.reads.view(tenant, projection);
    if (!view) return view.error();
    Chosen chosen;
    schemas::json::Parser parser;
    do {
        const auto page = projections::list_dead_letters(**view, query);
        if (!page) return page.error();
        if (const auto failure = (*view)->failure()) return *failure;
        const auto data = parser.parse(
            page->data, {.bytes_max = page->data.size() + 1, .depth_max = 8, .keys_max = 100'000});
        if (!data) return data.error();
        std::optional<bus::Error> failed;
        data->each_element([&](Value object) {
            if (chosen.letters.size() >= most) return void(chosen.more = true);
            auto letter = read_letter(object);
            if (letter) return chosen.letters.push_back(*std::move(letter));
            failed = letter.error();
        });
        if (failed) return *failed;
        query.cursor = page->next_cursor;
    } while (!query.cursor.empty() && !chosen.more);
    return chosen;
}

// What the newest mappings make of many letters.
class BulkTrial {
public:
    BulkTrial(const DeadLetterPorts& ports, bus::TenantId tenant) : ports_(ports), tenant_(tenant) {
        item_writer_.begin_array();
    }

    void add(const Letter& letter) {
        const auto mapped = map_newest(ports_, tenant_, letter);
        if (mapped && mapped->mapped().failures.empty()) {
            mended_.push_back({mapped->envelope().source, letter.received});
            events_ += static_cast<std::int64_t>(mapped->mapped().events.size());
        } else if (mapped) {
            const schemas::MapFailure& first = mapped->mapped().failures.front();
            ++remaining_[first.path + ": " + first.reason];
        } else {
            ++remaining_[mapped.error().message];
        }
        if (examined_++ < shown_items_max) write_trial(item_writer_, ports_, letter, mapped, false);
    }
    const std::vector<MendedLetter>& mended() const { return mended_; }

    Response answer(bool more) {
        item_writer_.end_array();
        Response response;
        Writer writer{response.body};
        writer.begin_object().member("examined", static_cast<std::int64_t>(examined_));
        writer.member("more", more).member("mended", static_cast<std::int64_t>(mended_.size()));
        writer.member("events", events_).key("remaining").begin_array();
        for (const auto& [reason, count] : remaining_)
            writer.begin_object().member("reason", reason).member("count", count).end_object();
        writer.end_array().key("data").raw(items_).end_object();
        return response;
    }

private:
    const DeadLetterPorts& ports_;
    const bus::TenantId tenant_;
    std::string items_;
    Writer item_writer_{items_};
    std::size_t examined_ = 0;
    std::int64_t events_ = 0;
    std::vector<MendedLetter> mended_;
    std::map<std::string, std::int64_t> remaining_;  // by reason
};

Response replay_many(const DeadLetterPorts& ports, const Call& call) {
    const auto body = Body::parse(
        call, {"dry_run", "switch", "without_expired", "source", "from", "to", "limit"});
    if (!body) return problem(body.error());
    const auto mode = read_mode(*body, call);
    if (!mode) return problem(mode.error());
    const auto query = bulk_query(*body);
    if (!query) return problem(query.error());
    const std::int64_t limit = (*body)["limit"].integer().value_or(bulk_replay_max);
    if (limit < 1 || limit > static_cast<std::int64_t>(bulk_replay_max))
        return problem(bus::fail(bus::ErrorCode::invalid_input, "'limit' is between 1 and {}",
                                 bulk_replay_max));
    const bus::TenantId tenant = *call.caller.tenant;
    const auto chosen = choose(ports, tenant, *query, static_cast<std::size_t>(limit));
    if (!chosen) return problem(chosen.error());
    BulkTrial trial(ports, tenant);
    for (const Letter& letter : chosen->letters) trial.add(letter);
    return mode->dry_run ? trial.answer(chosen->more) : start(ports, tenant, *mode, trial.mended());
}

}  // namespace

std::vector<bus::http::Route> dead_letter_routes(const DeadLetterPorts& ports) {
    const auto route = [&](std::string pattern, std::string operation, std::string summary,
                           std::string schema, auto handler) {
        return bus::http::Route{
            .method = "POST",
            .pattern = "/v1/quarantine/" + pattern,
            .operation = std::move(operation),
            .summary = std::move(summary),
            .tag = "ingest",
            .response_schema = std::move(schema),
            .handle = [&ports, handler](const Call& call) { return handler(ports, call); }};
    };
    return {
        route(":id/discard", "discardDeadLetter", "Set a dead letter aside for good (S-05)",
              "DeadLetter", discard),
        route(":id/replay", "replayDeadLetter",
              "Mend it with the source's newest mapping; a job, or only a trial (S-05)", "",
              replay_one),
        route("bulk-replay", "replayDeadLetters",
              "The same for the newest dead letters of a query (S-05)", "", replay_many),
    };
}

}  // namespace tools
