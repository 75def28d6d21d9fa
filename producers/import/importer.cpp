#include "producers/import/importer.hpp"

#include "bus/crash_point.hpp"
#include "bus/envelope.hpp"
#include "producers/body_form.hpp"
#include "producers/import/import_line.hpp"
#include "producers/raw_record.hpp"

#include <condition_variable>
#include <mutex>

namespace producers::import {

using bus::Done;
using bus::ErrorCode;
using bus::Result;
using schemas::json::Value;

namespace header = bus::header;

namespace {

// What became of the appended records of a chunk. shared_ptr: an answer may come after the wait for
// it was given up.
class Appends {
public:
    explicit Appends(std::size_t lines) : results_(lines) {}

    bus::AppendDone expect(std::size_t line, const std::shared_ptr<Appends>& self) {
        std::lock_guard lock(mutex_);
        ++outstanding_;
        return
            [self, line](Result<bus::Appended> result) { self->settle(line, std::move(result)); };
    }
    bool wait(bus::milliseconds wait_max) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, wait_max, [this] { return outstanding_ == 0; });
    }
    // After wait() gave true.
    const std::optional<Result<bus::Appended>>& of(std::size_t line) const {
        return results_[line];
    }

private:
    void settle(std::size_t line, Result<bus::Appended> result) {
        std::lock_guard lock(mutex_);
        results_[line] = std::move(result);
        if (--outstanding_ == 0) changed_.notify_all();
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::optional<Result<bus::Appended>>> results_;
    std::size_t outstanding_ = 0;
};

bus::Headers with_times(const bus::Headers& headers, bus::Timestamp ingest_time,
                        const bus::EventId& id) {
    bus::Headers out;
    headers.view().for_each([&](std::string_view name, std::string_view value) {
        if (name == header::ingest_time)
            out.add(name, bus::to_iso(ingest_time));
        else if (name == header::id)
            out.add(name, to_string(id));
        else
            out.add(name, value);
    });
    return out;
}

LineOutcome refusal(std::string code, std::string reason, std::string path = {}) {
    return {.result = LineResult::refused,
            .code = std::move(code),
            .path = std::move(path),
            .reason = std::move(reason)};
}

std::string name_of_unfit(const bus::Error& error) {
    return error.code == ErrorCode::not_found ? "unknown_source" : "unknown_mapping";
}

// A source's gate for one mapping stamp.
struct BoundGate {
    std::shared_ptr<const schemas::Source> source;
    const schemas::ProviderKind* kind = nullptr;
    std::unique_ptr<SourceGate> gate;
    std::string stamp;
};

class ChunkImport {
public:
    ChunkImport(const ImportPorts& ports, const ImportWish& wish)
        : ports_(ports),
          wish_(wish),
          dedup_key_(bus::crypto::Hash::sha256, bus::crypto::view(ports.installation_key)),
          scratch_(ports.mail_reader) {}

    Result<ChunkOutcome> run(std::string_view chunk) {
        if (!wish_.source.empty())
            if (auto bound = bind(wish_.source, {}); !bound) return bound.error();
        const auto lines = split(chunk);
        if (!lines) return lines.error();
        appends_ = std::make_shared<Appends>(lines->size());
        for (const auto& [number, text] : *lines) take(number, text);
        append_all();
        bus::crash_point("import.chunk_appended");
        return settle();
    }

private:
    struct NumberedLine {
        std::size_t number;
        std::string_view text;
    };
    // What the dry mapping of a record found.
    struct Told {
        std::vector<const std::string*> types;  // keys of type_counts_
        std::optional<bus::Timestamp> first, last;
        bool has_time = false;
    };

    // Records of another installation may bring a stamp of their own; "" = the source's.
    Result<const BoundGate*> bind(std::string_view slug, std::string_view stamp) {
        auto key = std::pair{std::string(slug), std::string(stamp)};
        if (const auto known = gates_.find(key); known != gates_.end()) return &known->second;
        BoundGate bound;
        bound.source = ports_.registry.source_by_slug(slug);
        if (!bound.source || bound.source->deleted || bound.source->tenant != wish_.tenant)
            return bus::fail(ErrorCode::not_found, "no source '{}' of this client", slug);
        bound.kind = ports_.registry.provider(bound.source->kind);
        auto source = std::make_shared<schemas::Source>(*bound.source);
        if (!stamp.empty()) source->stamp = stamp;
        bound.stamp = source->stamp;
        if (!ports_.registry.has_mapping(bound.stamp)) {
            return bus::fail(ErrorCode::conflict,
                             "mapping '{}' of source '{}' is not known here; give the source a "
                             "mapping, or bring it with POST /v1/imports/mappings",
                             source->stamp, slug);
        }
        bound.gate = make_gate(std::move(source), bound.kind, ports_.secrets, ports_.partitions,
                               ports_.limits);
        if (!bound.gate->fault.empty())
            return bus::fail(ErrorCode::conflict, "source '{}' cannot take records: {}", slug,
                             bound.gate->fault);
        return &gates_.emplace(std::move(key), std::move(bound)).first->second;
    }

    static Result<std::vector<NumberedLine>> split(std::string_view chunk) {
        std::vector<NumberedLine> lines;
        for (std::size_t number = 1; !chunk.empty(); ++number) {
            const auto end = std::min(chunk.find('\n'), chunk.size());
            std::string_view text = chunk.substr(0, end);
            chunk.remove_prefix(std::min(chunk.size(), end + 1));
            if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
            if (text.find_first_not_of(" \t") == std::string_view::npos) continue;
            lines.push_back({number, text});
        }
        if (lines.size() > chunk_records_max)
            return bus::fail(ErrorCode::too_large, "{} records in one request, at most {}",
                             lines.size(), chunk_records_max);
        return lines;
    }

    void take(std::size_t number, std::string_view text) {
        told_.emplace_back();
        LineOutcome outcome = import_line(text);
        outcome.line = number;
        outcome_.lines.push_back(std::move(outcome));
    }

    // Together: few large commit groups, where one record at a time would make many small ones.
    void append_all() {
        for (auto& [line, record] : records_)
            ports_.log.append(std::move(record), appends_->expect(line, appends_));
        records_.clear();
    }

    // Accepted stands for: appended, the log will say what became of it.
    LineOutcome import_line(std::string_view text) {
        const auto json = line_parser_.parse(
            text, {.bytes_max = line_bytes_max, .depth_max = 8, .keys_max = 10'000});
        if (!json) return refusal("invalid_line", json.error().message);
        auto line = read_import_line(*json);
        if (!line) return refusal("invalid_line", line.error().message);
        const auto found =
            bind(wish_.source.empty() ? line->kept.source : wish_.source, line->kept.stamp);
        if (!found) return refusal(name_of_unfit(found.error()), found.error().message);
        const BoundGate& bound = **found;
        if (bound.kind->body_is_query && line->query.empty()) make_query_of_body(*line);
        std::vector<FieldView> fields;
        for (const auto& [name, value] : line->headers) fields.push_back({name, value});
        const PathEntry path = path_entry(*line, bound);
        const std::string address = line->path.empty() ? path.pattern : line->path;
        const RequestView request{line->method, address, line->query, fields, line->body};
        return import_request(request, path, *line, bound);
    }

    static void make_query_of_body(ImportLine& line) {
        line.query.swap(line.body);
        line.method = "GET";
    }

    // Where the door would have met it; a path that ends in a token stands as its pattern.
    static PathEntry path_entry(const ImportLine& line, const BoundGate& bound) {
        const std::vector<std::string>& paths = bound.kind->paths;
        PathEntry entry;
        entry.pattern = bound.kind->url_path;
        const auto slug = entry.pattern.find("{slug}");
        if (slug != std::string::npos) entry.pattern.replace(slug, 6, bound.source->slug);
        const bool fixed = std::find(paths.begin(), paths.end(), line.path) != paths.end();
        const bool has_token = entry.pattern.find("{token}") != std::string::npos;
        entry.end = has_token && !fixed ? PathEnd::token : PathEnd::fixed;
        return entry;
    }

    LineOutcome import_request(const RequestView& request, const PathEntry& path,
                               const ImportLine& line, const BoundGate& bound) {
        const BodyForm form = body_form(request, bound.gate->source->topic);
        if (auto refused = check_form_and_size(form, request)) return *std::move(refused);
        const auto document = read_document(form, request);
        if (!document) return refusal("unparsable", document.error().message);
        if (is_here_already(line, *bound.gate)) return {.result = LineResult::duplicate};

        const bus::Timestamp now = ports_.clock.now();
        const std::string kept_key = line.kept.id ? "record:" + to_string(*line.kept.id) : "";
        const ImportMarks marks{wish_.by, kept_key.empty() ? line.key : kept_key};
        bus::NewRecord record = raw_record({.request = request,
                                            .gate = *bound.gate,
                                            .path = path,
                                            .secret_id = "imported",
                                            .document = *document,
                                            .imported = &marks},
                                           {line.kept.time.value_or(now), {}}, dedup_key_);
        if (auto refused = map_once(record, request, bound, now)) return *std::move(refused);
        set_times(record, line, now);
        if (!wish_.dry_run) records_.emplace_back(outcome_.lines.size(), std::move(record));
        return {.result = LineResult::accepted};
    }

    std::optional<LineOutcome> check_form_and_size(BodyForm form,
                                                   const RequestView& request) const {
        if (form == BodyForm::unsupported)
            return refusal("type_not_supported",
                           "the content type is none of JSON, a form or, for mail, message/rfc822");
        const std::size_t bytes_max =
            form == BodyForm::mail ? ports_.limits.mail_bytes_max : ports_.limits.body_bytes_max;
        if (request.body.size() > bytes_max)
            return refusal("too_large", fmt::format("a body of {} bytes, {} are allowed",
                                                    request.body.size(), bytes_max));
        return std::nullopt;
    }

    // As at the door: absent unless the body is JSON.
    Result<Value> read_document(BodyForm form, const RequestView& request) {
        if (form == BodyForm::json)
            return body_parser_.parse(request.body, ports_.limits.json, true);
        if (form == BodyForm::form) return check_form(request.body, ports_.limits.form_pairs_max);
        if (form == BodyForm::query) return check_form(request.query, ports_.limits.form_pairs_max);
        if (request.body.empty()) return bus::fail(ErrorCode::invalid_input, "the body is empty");
        return Value{};
    }

    // The very record that an export of this client shows, at the place where it was exported from.
    // One of another client, even at that place, is new to this one.
    bool is_here_already(const ImportLine& line, const SourceGate& gate) const {
        if (!line.kept.id || !line.kept.address) return false;
        const auto found = ports_.log.read_at(*line.kept.address);
        return found && found->key == gate.tenant_text &&
               found->headers.view().get(header::id) == to_string(*line.kept.id);
    }

    std::optional<LineOutcome> map_once(bus::NewRecord& record, const RequestView& request,
                                        const BoundGate& bound, bus::Timestamp now) {
        // The line's own body is padded for the parser; a query is short and is copied.
        const bool is_query = record.headers.view().get(header::value_is) == "query";
        if (is_query) record.value.reserve(record.value.size() + parser_padding_bytes);
        const bus::RecordView view{
            .address = {record.topic, record.partition, 0},
            .key = record.key,
            .headers = record.headers,
            .value = is_query ? std::string_view(record.value) : request.body};
        bus::Envelope envelope;
        envelope.tenant = bound.source->tenant;
        envelope.source = bound.source->id;
        envelope.type = bus::raw_event_type;
        envelope.time = envelope.ingest_time = now;
        envelope.content_type = record.headers.view().get(header::content_type);
        envelope.mapping = bound.stamp;
        if (!mapping_ || mapping_->stamp() != bound.stamp)
            mapping_ = ports_.registry.bound_mapping(bound.stamp);
        const schemas::Mapped& mapped = mapping_->map(view, envelope, bound.source->slug, scratch_);
        if (!mapped.failures.empty() && !wish_.keep_all) {
            const schemas::MapFailure& first = mapped.failures.front();
            return refusal("unmappable", first.reason, first.path);
        }
        note(mapped);
        return std::nullopt;
    }

    void note(const schemas::Mapped& mapped) {
        Told& told = told_.back();
        for (const schemas::Event& event : mapped.events) {
            told.types.push_back(
                &type_names_.try_emplace(std::string(event.type_name)).first->first);
            if (event.time_is_ingest) continue;
            told.first = std::min(told.first.value_or(event.time), event.time);
            told.last = std::max(told.last.value_or(event.time), event.time);
        }
    }

    // A body that tells of several events was sent after the last of them. Lists of requests go by
    // the time in the id.
    void set_times(bus::NewRecord& record, const ImportLine& line, bus::Timestamp now) const {
        const bus::Timestamp known =
            line.kept.received_at.value_or(told_.back().last.value_or(now));
        record.ingest_time = std::min(known, now);
        const bus::Timestamp id_time = std::max(record.ingest_time, bus::Timestamp{});
        const bus::EventId id = line.kept.id ? *line.kept.id : ports_.ids.next_event_id(id_time);
        record.headers = with_times(record.headers, record.ingest_time, id);
    }

    Result<ChunkOutcome> settle() {
        if (!appends_->wait(append_wait_max))
            return bus::fail(ErrorCode::unavailable, "the log did not answer within {} s",
                             append_wait_max.count() / 1000);
        for (std::size_t i = 0; i < outcome_.lines.size(); ++i) {
            LineOutcome& line = outcome_.lines[i];
            if (const auto& appended = appends_->of(i)) {
                if (auto settled = settle_line(*appended, line); !settled) return settled.error();
            }
            if (line.result == LineResult::accepted) count(told_[i]);
        }
        bus::crash_point("import.chunk_durable");
        return std::move(outcome_);
    }

    Result<Done> settle_line(const Result<bus::Appended>& appended, LineOutcome& line) {
        if (appended) {
            if (appended->duplicate) line.result = LineResult::duplicate;
            outcome_.position.partition = appended->address.partition;
            outcome_.position.advance(appended->address);
            return Done{};
        }
        const bus::Error& error = appended.error();
        if (error.code != ErrorCode::too_large) return error;
        const std::size_t number = line.line;
        line = refusal("too_large", error.message);
        line.line = number;
        return Done{};
    }

    void count(const Told& told) {
        for (const std::string* type : told.types) ++outcome_.event_types[*type];
        if (!told.first) return;
        outcome_.from = std::min(outcome_.from.value_or(*told.first), *told.first);
        outcome_.to = std::max(outcome_.to.value_or(*told.last), *told.last);
    }

    const ImportPorts& ports_;
    const ImportWish& wish_;
    const bus::crypto::HmacKey dedup_key_;
    std::map<std::pair<std::string, std::string>, BoundGate> gates_;  // by slug and stamp
    std::shared_ptr<const schemas::BoundMapping> mapping_;            // of the last line
    schemas::json::Parser line_parser_, body_parser_;
    schemas::Scratch scratch_;
    std::vector<std::pair<std::size_t, bus::NewRecord>> records_;  // by line, to be appended
    std::shared_ptr<Appends> appends_;
    std::map<std::string, bool> type_names_;
    std::vector<Told> told_;  // as outcome_.lines
    ChunkOutcome outcome_;
};

}  // namespace

std::string_view name(LineResult result) {
    switch (result) {
        case LineResult::accepted:
            return "accepted";
        case LineResult::duplicate:
            return "duplicate";
        case LineResult::refused:
            return "refused";
    }
    return "";
}

Result<ChunkOutcome> import_chunk(const ImportPorts& ports, const ImportWish& wish,
                                  std::string_view chunk) {
    return ChunkImport(ports, wish).run(chunk);
}

}  // namespace producers::import
