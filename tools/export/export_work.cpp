#include "tools/export/export_work.hpp"

#include "bus/crash_point.hpp"
#include "projections/api/customer_text.hpp"
#include "projections/identity/customer_keys.hpp"
#include "projections/identity/identity_reads.hpp"
#include "projections/stored_documents.hpp"
#include "schemas/json/json.hpp"
#include "schemas/record_stamps.hpp"
#include "tools/export/csv_table.hpp"
#include "tools/export/export_folder.hpp"
#include "tools/export/record_json.hpp"
#include "tools/export/shown_rows.hpp"
#include "tools/version.hpp"

#include <algorithm>
#include <set>

namespace tools::exports {

using bus::Done;
using bus::ErrorCode;
using bus::Result;
using projections::ReadView;
using projections::Table;
using schemas::json::Writer;

namespace {

constexpr std::size_t poll_records = 512;
constexpr std::size_t poll_bytes = 4 << 20;
constexpr bus::milliseconds rows_wait_max{60'000};
constexpr std::size_t rows_between_looks = 1'000;  // at whether to go on

class Export {
public:
    Export(const ExportPorts& ports, const ExportWish& wish, jobs::JobRun& run)
        : ports_(ports), wish_(wish), run_(run), scratch_(ports.mail_reader) {}

    Result<std::string> run() {
        tenant_ = ports_.registry.tenant(wish_.tenant);
        if (!tenant_) return bus::fail(ErrorCode::not_found, "there is no such tenant");
        // Its erasure removes exports, and must not be followed by another.
        if (schemas::TenantErasures(ports_.registry, tenant_->id).all())
            return bus::fail(ErrorCode::not_found, "client '{}' was erased", tenant_->code);
        auto folder = ExportFolder::begin(wish_.out, wish_.restart);
        if (!folder) return folder.error();
        folder_ = &*folder;
        const auto partition = bus::partition_of(to_string(wish_.tenant), ports_.log.partitions());
        auto end = ports_.log.end_position(partition);
        if (!end) return end.error();
        end_ = *end;
        auto done = write_all();
        if (done) return report();
        folder->give_up();
        return done.error();
    }

private:
    Result<Done> write_all() {
        for (const auto step : {&Export::find_customer, &Export::write_log, &Export::write_setup,
                                &Export::write_rows, &Export::write_tables}) {
            if (auto done = (this->*step)(); !done) return done;
        }
        bus::crash_point("export.files_written");
        return folder_->finish(head());
    }

    // --- whom it is about

    Result<Done> find_customer() {
        if (wish_.customer.empty()) return Done{};
        auto identity = ports_.reads.view(wish_.tenant, "identity");
        if (!identity) return identity.error();
        const std::string key =
            projections::api::customer_key_of_text(wish_.customer, tenant_->country);
        customer_ = projections::resolve_customer(**identity, key);
        readings_.emplace(ports_.registry, wish_.tenant, ports_.projections, ports_.mail_reader);
        return Done{};
    }

    bool is_of_customer(const std::vector<std::string>& keys) const {
        return std::any_of(keys.begin(), keys.end(), [&](const std::string& key) {
            return std::find(customer_.keys.begin(), customer_.keys.end(), key) !=
                   customer_.keys.end();
        });
    }

    // A row that names one of the customer's keys as a text of its own.
    bool names_customer(std::string_view json) const {
        return std::any_of(customer_.keys.begin(), customer_.keys.end(),
                           [&](const std::string& key) {
                               std::string quoted;
                               schemas::json::append_escaped(quoted, key.substr(key.find(':') + 1));
                               return json.find(quoted) != std::string_view::npos;
                           });
    }

    // --- the log

    Result<Done> write_log() {
        for (auto* file : {&records_, &events_, &others_}) {
            const char* name = file == &records_  ? "records.ndjson"
                               : file == &events_ ? "events.ndjson"
                                                  : "others.ndjson";
            auto made = folder_->file(name);
            if (!made) return made.error();
            *file = *std::move(made);
        }
        if (auto read = read_log(); !read) return read;
        for (auto* file : {&records_, &events_, &others_})
            if (auto closed = close(**file); !closed) return closed;
        return Done{};
    }

    Result<Done> read_log() {
        bus::Signal more;
        bus::ReaderOptions options{.partition = end_.partition, .signal = &more};
        std::uint64_t total = 0;
        for (std::size_t i = 0; i < bus::position_topics; ++i) {
            const auto start = ports_.log.start_offset({bus::topic_at(i), end_.partition});
            if (!start) return start.error();
            options.topics.set(i);
            options.from[i] = *start;
            total += end_.next[i] - std::min(end_.next[i], *start);
        }
        auto reader = ports_.log.open_reader(options);
        if (!reader) return reader.error();
        run_.phase("records", total, "records");
        bus::ReadWait waiting(ports_.log, {.silence_max = ports_.silence_max,
                                           .go_on = [this] { return run_.go_on(); }});
        for (std::uint64_t seen = 0; seen < total;) {
            const auto count = more.count();
            const auto batch = (*reader)->poll(poll_records, poll_bytes);
            if (!batch) return batch.error();
            std::uint64_t taken = 0;
            for (const bus::RecordView& record : batch->records) {
                if (record.address.offset >= end_[record.address.topic]) continue;
                ++taken;
                if (auto written = take(record); !written) return written;
            }
            if (taken == 0) {
                if (auto waited = waiting.wait(more, count); !waited) return waited;
                continue;
            }
            seen += taken;
            run_.advance(taken);
            if (!run_.go_on()) return bus::fail(ErrorCode::cancelled, "the export was stopped");
            waiting.came();
        }
        return Done{};
    }

    Result<Done> take(const bus::RecordView& record) {
        if (record.key != to_string(wish_.tenant)) return Done{};
        const auto envelope = bus::read_envelope(record.headers);
        if (!envelope) return envelope.error();
        if (wish_.from && envelope->ingest_time < *wish_.from) return Done{};
        if (wish_.to && envelope->ingest_time >= *wish_.to) return Done{};
        const bool is_raw = envelope->type == bus::raw_event_type;
        if (is_raw && record.expired) ++expired_;
        // Of an erased record nothing is left to be given away.
        if (schemas::is_erased(ports_.registry, envelope->tenant, record)) return Done{};
        if (is_raw) return take_raw(record, *envelope);
        if (!wish_.customer.empty()) return Done{};
        return others_->line(other_line(record));
    }

    Result<Done> take_raw(const bus::RecordView& record, const bus::Envelope& envelope) {
        const auto source = ports_.registry.source(envelope.source);
        const std::string_view slug = source ? std::string_view(source->slug) : "";
        const auto mapping = ports_.registry.bound_mapping(envelope.mapping);
        if (!mapping)
            return bus::fail(ErrorCode::unavailable, "record {}: its mapping is not known here yet",
                             to_string(record.address));
        std::vector<std::string> events;
        if (wish_.customer.empty()) {
            for (const schemas::Event& event :
                 mapping->map(record, envelope, slug, scratch_).events)
                events.push_back(event_line(event));
        } else {
            auto customers = customers_events(record, envelope, slug);
            if (!customers) return customers.error();
            events = *std::move(customers);
            if (events.empty()) return Done{};
        }
        for (const std::string& event : events)
            if (auto written = events_->line(event); !written) return written;
        sources_.insert(envelope.source);
        stamps_.emplace(envelope.mapping);
        return records_->line(record_line(record, envelope, slug));
    }

    // Each event once, as the rows show it where they do.
    Result<std::vector<std::string>> customers_events(const bus::RecordView& record,
                                                      const bus::Envelope& envelope,
                                                      std::string_view slug) {
        std::vector<std::string> lines;
        std::set<bus::EventId> seen;
        auto read = readings_->visit(record, envelope, slug, [&](const auto& reading) {
            for (const schemas::Event& event : reading.mapped.events)
                if (is_of_customer(projections::customer_keys(event)) &&
                    seen.insert(event.id).second)
                    lines.push_back(event_line(event));
        });
        if (!read) return read.error();
        return lines;
    }

    // --- what is needed to set it up again

    Result<Done> write_setup() {
        if (auto written = write_file("tenant.json", {tenant_json()}); !written) return written;
        std::vector<std::string> sources, mappings;
        for (const auto& source : ports_.registry.sources(wish_.tenant))
            sources.push_back(without_url(ports_.show_source(*source)));
        for (const std::string& stamp : stamps_)
            mappings.push_back(mapping_json(stamp, *ports_.registry.bound_mapping(stamp)));
        if (auto written = write_file("sources.ndjson", sources); !written) return written;
        std::vector<std::string> named;
        for (const auto& mapping : ports_.registry.named_mappings(wish_.tenant)) {
            Writer(named.emplace_back())
                .begin_object()
                .member("name", mapping->name)
                .member("text", *mapping->text)
                .end_object();
        }
        if (auto written = write_file("named_mappings.ndjson", named); !written) return written;
        return write_file("mappings.ndjson", mappings);
    }

    // The address of a source may hold the token that opens it.
    std::string without_url(const std::string& source) {
        const auto shown = parser_.parse(source);
        std::string text;
        Writer json(text);
        json.begin_object();
        if (shown) {
            shown->each_member([&](std::string_view name, schemas::json::Value value) {
                if (name == "url") return;
                std::string member;
                value.append_to(member);
                json.key(name).raw(member);
            });
        }
        json.end_object();
        return text;
    }

    std::string tenant_json() const {
        std::string text;
        Writer(text)
            .begin_object()
            .member("id", to_string(tenant_->id))
            .member("code", tenant_->code)
            .member("name", tenant_->name)
            .member("country", tenant_->country)
            .member("time_zone", tenant_->time_zone)
            .end_object();
        return text;
    }

    static std::string mapping_json(std::string_view stamp, const schemas::BoundMapping& bound) {
        const schemas::SourceSettings& settings = bound.settings();
        std::string text;
        Writer json(text);
        json.begin_object().member("stamp", stamp).member("name", bound.mapping().name());
        json.member("text", bound.mapping().text());
        const auto words = [&](std::string_view name,
                               const std::map<std::string, std::string>& map) {
            json.key(name).begin_object();
            for (const auto& [key, value] : map) json.member(key, std::string_view(value));
            json.end_object();
        };
        json.key("settings").begin_object();
        words("field_mapping", settings.field_mapping);
        words("status_mapping", settings.status_mapping);
        json.member("time_format", settings.time_format).member("time_zone", settings.time_zone);
        json.member("country", settings.country);
        words("extra", settings.extra);
        json.end_object().end_object();
        return text;
    }

    // --- rows

    Result<Done> write_rows() {
        auto reached = ports_.reads.wait_for(wish_.tenant, end_, rows_wait_max);
        if (!reached) return reached.error();
        if (!*reached)
            return bus::fail(ErrorCode::unavailable,
                             "the rows are behind the log for more than {} s; export again later",
                             rows_wait_max.count() / 1000);
        rows_position_ = ports_.reads.position(wish_.tenant);
        run_.phase("rows", 0, "rows");
        for (const std::string& projection : ports_.projections) {
            auto view = ports_.reads.view(wish_.tenant, projection);
            if (!view) return view.error();
            for (const Table table : {Table::rows, Table::entries})
                if (auto written = write_table(**view, projection, table); !written) return written;
            if (const auto failure = (*view)->failure()) return *failure;
        }
        return Done{};
    }

    // A projection keeps several kinds of rows; each gets a file.
    using RowFiles = std::map<std::string_view, ExportFile>;

    Result<Done> write_table(const ReadView& view, const std::string& projection, Table table) {
        RowFiles files;
        Result<Done> done = Done{};
        std::size_t rows = 0;
        const std::string name =
            fmt::format("rows/{}{}", projection, table == Table::rows ? "" : ".entries");
        view.scan(table, "", "", false, [&](std::string_view key, std::string_view value) {
            if (++rows % rows_between_looks == 0 && !run_.go_on())
                done = bus::fail(ErrorCode::cancelled, "the export was stopped");
            const ShownRows& shown = shown_rows(projection, table, key);
            if (done && shown.show && is_wanted(shown, view, key, value))
                done = add_row(files, name, shown, key, value);
            return static_cast<bool>(done);
        });
        if (!done) return done;
        for (auto& [kind, file] : files)
            if (auto closed = close(file); !closed) return closed;
        return Done{};
    }

    bool is_wanted(const ShownRows& rows, const ReadView& view, std::string_view key,
                   std::string_view value) const {
        if (wish_.customer.empty()) return true;
        return rows.customers ? is_of_customer(rows.customers(view, key, value))
                              : names_customer(projections::shown_part(value));
    }

    Result<Done> add_row(RowFiles& files, const std::string& name, const ShownRows& rows,
                         std::string_view key, std::string_view value) {
        auto json = shown_row(rows, key, value);
        if (!json)
            return bus::fail(ErrorCode::corrupt, "a row of {}: {}", name, json.error().message);
        auto known = files.find(rows.kind);
        if (known == files.end()) {
            auto made = folder_->file(
                fmt::format("{}{}{}.ndjson", name, rows.kind.empty() ? "" : ".", rows.kind));
            if (!made) return made.error();
            known = files.emplace(rows.kind, *std::move(made)).first;
        }
        run_.advance(1);
        return known->second.line(*json);
    }

    Result<std::string> shown_row(const ShownRows& rows, std::string_view key,
                                  std::string_view value) {
        const std::string_view json = projections::shown_part(value);
        const auto row = parser_.parse(json, {.bytes_max = json.size() + 1, .keys_max = 1'000'000});
        if (!row) return row.error();
        return rows.show(key, value);
    }

    // --- CSV

    Result<Done> write_tables() {
        if (wish_.format != ExportFormat::csv) return Done{};
        const std::vector<ExportedFile> files = folder_->files();
        for (const ExportedFile& file : files) {
            const bool table = file.name == "events.ndjson" || file.name.starts_with("rows/");
            if (!table) continue;
            if (!run_.go_on()) return bus::fail(ErrorCode::cancelled, "the export was stopped");
            auto csv = folder_->file(
                file.name.substr(0, file.name.size() - std::string_view(".ndjson").size()) +
                ".csv");
            if (!csv) return csv.error();
            if (auto written = write_csv(folder_->part() / file.name, *csv); !written)
                return written;
            if (auto closed = close(*csv); !closed) return closed;
        }
        return Done{};
    }

    // --- files and what is told of them

    Result<Done> write_file(const std::string& name, const std::vector<std::string>& lines) {
        auto file = folder_->file(name);
        if (!file) return file.error();
        for (const std::string& line : lines)
            if (auto written = file->line(line); !written) return written;
        return close(*file);
    }

    Result<Done> close(ExportFile& file) {
        auto closed = file.close();
        if (!closed) return closed.error();
        folder_->add(*std::move(closed));
        return Done{};
    }

    void write_head(Writer& json) const {
        json.member("kind", wish_.customer.empty() ? "tenant" : "customer");
        json.member("created_at", ports_.clock.now()).member("program", version);
        json.member("tenant", tenant_->code).member("tenant_id", to_string(tenant_->id));
        if (!wish_.customer.empty()) json.key("customer").raw(projections::to_json(customer_));
        if (wish_.from) json.member("from", *wish_.from);
        if (wish_.to) json.member("to", *wish_.to);
        json.key("partition").unsigned_integer(end_.partition);
        json.member("position", bus::to_token(end_));
        json.member("rows_position", bus::to_token(rows_position_));
    }

    std::string head() const {
        std::string text;
        Writer json(text);
        json.begin_object();
        write_head(json);
        return text.substr(1);
    }

    std::string report() const {
        std::string text;
        Writer json(text);
        json.begin_object();
        write_head(json);
        json.member("folder", wish_.out.string());
        std::uint64_t bytes = 0;
        for (const ExportedFile& file : folder_->files()) bytes += file.bytes;
        json.key("files").unsigned_integer(folder_->files().size());
        json.key("bytes").unsigned_integer(bytes);
        json.key("records").unsigned_integer(records_->so_far().records);
        json.key("events").unsigned_integer(events_->so_far().records);
        json.key("expired").unsigned_integer(expired_);
        json.end_object();
        return text;
    }

    const ExportPorts& ports_;
    const ExportWish& wish_;
    jobs::JobRun& run_;
    schemas::Scratch scratch_;
    schemas::json::Parser parser_;
    std::shared_ptr<const schemas::Tenant> tenant_;
    projections::Customer customer_;
    std::optional<schemas::TenantReadings> readings_;  // of a customer's export
    ExportFolder* folder_ = nullptr;
    bus::Position end_, rows_position_;
    std::optional<ExportFile> records_, events_, others_;
    std::uint64_t expired_ = 0;  // records without a body: only their rows are here
    std::set<bus::SourceId> sources_;
    std::set<std::string, std::less<>> stamps_;
};

}  // namespace

Result<std::string> run_export(const ExportPorts& ports, const ExportWish& wish,
                               jobs::JobRun& run) {
    return Export(ports, wish, run).run();
}

}  // namespace tools::exports
