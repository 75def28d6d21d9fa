#include "tools/import/import_export.hpp"

#include "bus/clock.hpp"
#include "bus/text.hpp"
#include "tools/backup/durable_files.hpp"
#include "tools/export/export_folder.hpp"

#include <algorithm>
#include <fstream>

namespace tools::import {

using bus::Done;
using bus::ErrorCode;
using bus::Result;
using schemas::json::Value;
using schemas::json::Writer;

namespace fs = std::filesystem;

namespace {

constexpr std::string_view own_programs_kind = "cloudevents";  // comes with the tenant
constexpr std::string_view kept_members[] = {
    "id",          "kind",          "slug",          "label",          "verification",
    "account_ids", "default_paths", "field_mapping", "status_mapping", "time_format",
    "time_zone",   "country",       "address",       "team",           "department",
    "mapping",     "dedup"};

std::string random_secret(std::string_view verification) {
    bus::IdSource& ids = bus::random_ids();
    const std::string words = bus::crockford(ids.next_id64()) + bus::crockford(ids.next_id64());
    if (verification == "standard_webhooks") return "whsec_" + bus::to_base64(words);
    return verification == "basic" ? "imported:" + words : words;
}

Result<Done> each_line(const fs::path& file,
                       const std::function<Result<Done>(Value, const std::string&)>& visit) {
    std::ifstream in(file, std::ios::binary);
    schemas::json::Parser parser;
    for (std::string line; std::getline(in, line);) {
        const auto json = parser.parse(line, {.bytes_max = line.size() + 1, .keys_max = 1'000'000});
        if (!json)
            return bus::fail(ErrorCode::corrupt, "{}: {}", file.string(), json.error().message);
        if (auto done = visit(*json, line); !done) return done;
    }
    return Done{};
}

class ExportImport {
public:
    ExportImport(RunningInstance& instance, fs::path folder, const ImportOptions& options)
        : instance_(instance), folder_(std::move(folder)), options_(options) {}

    Result<Done> set_up() {
        for (const auto step : {&ExportImport::make_tenant, &ExportImport::make_named_mappings,
                                &ExportImport::make_sources, &ExportImport::bind_mappings}) {
            if (auto done = (this->*step)(); !done) return done;
        }
        return Done{};
    }

    void write(Writer& json) const {
        json.member("tenant_made", tenant_made_).member("ids_kept", ids_kept_);
        json.key("sources_made").begin_array();
        for (const std::string& slug : sources_made_) json.text(slug);
        json.end_array().key("secrets_needed").begin_array();
        for (const std::string& slug : secrets_needed_) json.text(slug);
        json.end_array();
    }

private:
    Result<bool> is_there(const std::string& target) {
        const auto found = instance_.get(target, options_.tenant);
        if (found) return true;
        if (found.error().code == ErrorCode::not_found) return false;
        return found.error();
    }

    Result<Done> make_tenant() {
        return each_line(folder_ / "tenant.json",
                         [&](Value tenant, const std::string&) { return make_tenant(tenant); });
    }

    Result<Done> make_tenant(Value tenant) {
        const auto there = instance_.get("/api/clients/" + bus::percent_encode(options_.tenant));
        if (there) {
            ids_kept_ = there->find(tenant["id"].text()) != std::string::npos;
            return Done{};
        }
        if (there.error().code != ErrorCode::not_found) return there.error();
        std::string body;
        Writer json(body);
        json.begin_object().member("code", options_.tenant);
        for (const char* name : {"id", "name", "country", "time_zone"})
            json.member(name, tenant[name].text());
        auto found = each_line(folder_ / "sources.ndjson", [&](Value source, const std::string&) {
            if (source["kind"].text() == own_programs_kind)
                json.member("events_source_id", source["id"].text());
            return Result<Done>(Done{});
        });
        if (!found) return found;
        json.end_object();
        auto made = instance_.call("POST", "/api/clients", body);
        if (!made) return made.error();
        tenant_made_ = ids_kept_ = true;
        return Done{};
    }

    Result<Done> make_named_mappings() {
        return each_line(folder_ / "named_mappings.ndjson",
                         [&](Value mapping, const std::string&) -> Result<Done> {
                             const std::string target =
                                 "/v1/mappings/" + bus::percent_encode(mapping["name"].text());
                             const auto there = is_there(target);
                             if (!there) return there.error();
                             if (*there) return Done{};
                             auto put =
                                 instance_.call("PUT", target, std::string(mapping["text"].text()),
                                                options_.tenant);
                             if (!put) return put.error();
                             return Done{};
                         });
    }

    Result<Done> make_sources() {
        return each_line(folder_ / "sources.ndjson",
                         [&](Value source, const std::string&) { return make_source(source); });
    }

    Result<Done> make_source(Value source) {
        const std::string slug(source["slug"].text());
        const auto there = is_there("/v1/sources/" + bus::percent_encode(slug));
        if (!there) return there.error();
        if (*there) return Done{};
        if (source["kind"].text() == own_programs_kind)
            return bus::fail(ErrorCode::conflict,
                             "client '{}' is here already with other ids, and its own programs' "
                             "events ({}) cannot be brought to it",
                             options_.tenant, slug);
        auto made = instance_.call("POST", "/v1/sources", source_body(source), options_.tenant);
        if (!made) return made.error();
        sources_made_.push_back(slug);
        if (source["secret"]["set"].boolean().value_or(false)) secrets_needed_.push_back(slug);
        return Done{};
    }

    static std::string source_body(Value source) {
        std::string body;
        Writer json(body);
        json.begin_object();
        source.each_member([&](std::string_view name, Value value) {
            const auto end = std::end(kept_members);
            if (std::find(std::begin(kept_members), end, name) == end) return;
            std::string text;
            value.append_to(text);
            json.key(name).raw(text);
        });
        if (source["secret"]["set"].boolean().value_or(false))
            json.member("secret", random_secret(source["verification"]["kind"].text()));
        json.end_object();
        return body;
    }

    Result<Done> bind_mappings() {
        return each_line(
            folder_ / "mappings.ndjson",
            [&](Value mapping, const std::string& line) -> Result<Done> {
                auto bound = instance_.call("POST", "/v1/imports/mappings", line, options_.tenant);
                if (!bound) return bound.error();
                const std::string stamp(mapping["stamp"].text());
                if (bound->find(stamp) == std::string::npos)
                    return bus::fail(ErrorCode::corrupt,
                                     "this program binds mapping '{}' to another stamp than {}",
                                     mapping["name"].text(), stamp);
                return Done{};
            });
    }

    RunningInstance& instance_;
    const fs::path folder_;
    const ImportOptions& options_;
    bool tenant_made_ = false;
    bool ids_kept_ = false;
    std::vector<std::string> sources_made_, secrets_needed_;
};

}  // namespace

bool is_export_folder(const fs::path& folder) {
    std::error_code none;
    return fs::exists(folder / "manifest.json", none) &&
           fs::exists(folder / "records.ndjson", none);
}

Result<std::string> import_export(const fs::path& folder, const ImportOptions& options,
                                  jobs::JobRun& run) {
    run.phase("check " + folder.filename().string(), 0, "files");
    if (auto checked = exports::check_export(folder); !checked) return checked.error();
    auto instance = RunningInstance::find(options.data);
    if (!instance) return instance.error();
    ExportImport import(*instance, folder, options);
    if (!options.dry_run)
        if (auto ready = import.set_up(); !ready) return ready.error();
    ImportOptions records = options;
    records.source.clear();
    records.open.format = "records";
    records.keep_all = true;  // what became a dead letter there is one here
    records.beside = folder.has_filename() ? folder : folder.parent_path();
    std::error_code none;
    std::string report;
    Writer json(report);
    json.begin_object();
    if (fs::file_size(folder / "records.ndjson", none) > 0) {
        auto imported = import_file(folder / "records.ndjson", records, run);
        if (!imported) return imported.error();
        json.key("records").raw(to_json(*imported));
    }
    import.write(json);
    json.end_object();
    return report;
}

}  // namespace tools::import
