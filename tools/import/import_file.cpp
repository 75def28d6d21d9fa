#include "tools/import/import_file.hpp"

#include "bus/crash_point.hpp"
#include "bus/crypto/digest.hpp"
#include "bus/text.hpp"
#include "tools/import/chunk_queue.hpp"
#include "tools/import/import_state.hpp"
#include "tools/installation.hpp"

#include <chrono>
#include <thread>

namespace tools::import {

using bus::Done;
using bus::ErrorCode;
using bus::Result;
using schemas::import_formats::OpenedFile;
using schemas::json::Value;

namespace {

constexpr bus::milliseconds retry_pause{500};

class FileImport {
public:
    FileImport(std::filesystem::path file, const ImportOptions& options, jobs::JobRun& run)
        : file_(std::move(file)),
          beside_(options.beside.empty() ? file_ : options.beside),
          options_(options),
          run_(run) {}

    Result<FileReport> run() {
        auto opened = schemas::import_formats::open_file(file_, options_.open);
        if (!opened) return opened.error();
        report_.file = file_.string();
        report_.format = opened->format;
        if (auto begun = begin(*opened); !begun) return begun.error();
        run_.phase("import " + file_.filename().string(), opened->bytes, "bytes");
        ChunkQueue chunks(*opened->reader, state_.items);
        std::uint64_t bytes_read = 0;
        for (;;) {
            auto chunk = chunks.next();
            if (!chunk) return chunk.error();
            if (!*chunk) break;
            if (!run_.go_on()) return stopped();
            if (auto done = take(**chunk); !done) return done.error();
            run_.advance((*chunk)->bytes_read - bytes_read);
            bytes_read = (*chunk)->bytes_read;
        }
        if (!options_.dry_run) remove_state(beside_);
        report_.counts = state_.counts;
        if (refused_.bytes() > 0) report_.refused_file = refused_.path();
        return report_;
    }

private:
    Result<Done> begin(const OpenedFile& opened) {
        if (options_.dry_run) return Done{};
        const auto fingerprint = fingerprint_of(opened);
        if (!fingerprint) return fingerprint.error();
        if (auto state = load_state(beside_, *fingerprint)) {
            state_ = *std::move(state);
            report_.continued_at = state_.items;
            auto refused = RefusedFile::resume(beside_, state_.refused_file, state_.refused_bytes);
            if (!refused) return refused.error();
            refused_ = *std::move(refused);
            return Done{};
        }
        refused_ = RefusedFile::beside(beside_);
        state_.fingerprint = *fingerprint;
        state_.refused_file = refused_.path();
        return save_state(beside_, state_);
    }

    // Another installation may have a client of the same code, and knows nothing of this file; one
    // that was restored may have the same client, and lack what an earlier run brought in.
    Result<std::string> fingerprint_of(const OpenedFile& opened) {
        const auto shown =
            ask("GET", "/api/clients/" + bus::percent_encode(options_.tenant), std::string{});
        if (!shown) return shown.error();
        const auto client = parser_.parse(*shown);
        if (!client) return client.error();
        const auto installation = read_description(options_.data);
        if (!installation) return installation.error();
        const std::string known =
            fmt::format("{}\n{}\n{}\n{}\n{}\n", installation->id, (*client)["id"].text(),
                        options_.source, opened.format, options_.keep_all);
        return bus::to_hex(bus::crypto::view(bus::crypto::sha256({known, opened.identity})));
    }

    bus::Error stopped() const {
        return bus::fail(ErrorCode::cancelled,
                         "stopped after {} records; run it again to go on from there",
                         state_.items);
    }

    // After it the state covers the whole chunk: refusals are on disk before the state says so.
    Result<Done> take(const Chunk& chunk) {
        std::string answer;
        if (!chunk.text.empty()) {
            auto answered = send(chunk.text);
            if (!answered) return answered.error();
            answer = *std::move(answered);
            bus::crash_point("import.chunk_answered");
        }
        if (auto counted = count(chunk, answer); !counted) return counted;
        state_.items += chunk.items.size();
        if (options_.dry_run) return Done{};
        if (auto flushed = refused_.flush(); !flushed) return flushed;
        state_.refused_file = refused_.path();
        state_.refused_bytes = refused_.bytes();
        bus::crash_point("import.refusals_written");
        auto saved = save_state(beside_, state_);
        bus::crash_point("import.state_saved");
        return saved;
    }

    Result<std::string> send(const std::string& text) {
        std::string target = "/v1/imports/records?dry_run=";
        target += options_.dry_run ? "true" : "false";
        if (!options_.source.empty()) target += "&source=" + bus::percent_encode(options_.source);
        if (options_.keep_all) target += "&keep=all";
        return ask("POST", target, text);
    }

    Result<std::string> ask(const std::string& method, const std::string& target,
                            const std::string& text) {
        const auto give_up = std::chrono::steady_clock::now() + retry_max;
        for (;;) {
            auto answer = call(method, target, text);
            if (answer || answer.error().code != ErrorCode::unavailable) return answer;
            if (std::chrono::steady_clock::now() >= give_up)
                return bus::fail(ErrorCode::unavailable,
                                 "{}; run the import again to go on after {} records",
                                 answer.error().message, state_.items);
            if (!run_.go_on()) return stopped();
            std::this_thread::sleep_for(retry_pause);
        }
    }

    // An instance that was started again may answer at another address.
    Result<std::string> call(const std::string& method, const std::string& target,
                             const std::string& text) {
        if (!instance_) {
            auto found = RunningInstance::find(options_.data);
            if (!found) return found.error();
            instance_.emplace(*std::move(found));
        }
        auto answer = instance_->call(method, target, text, options_.tenant);
        if (!answer && answer.error().code == ErrorCode::unavailable) instance_.reset();
        return answer;
    }

    Result<Done> count(const Chunk& chunk, const std::string& answer) {
        Value told;
        if (!answer.empty()) {
            auto json = parser_.parse(
                answer, {.bytes_max = answer.size() + 1, .depth_max = 16, .keys_max = 1'000'000});
            if (!json) return json.error();
            told = *json;
        }
        std::vector<Value> results;  // of the lines that were sent, in order
        told["results"].each_element([&](Value result) { results.push_back(result); });
        std::size_t sent = 0;
        for (const ChunkItem& item : chunk.items) {
            ++state_.counts.read;
            const Value result = item.damage || sent >= results.size() ? Value{} : results[sent++];
            if (!item.damage && !result)
                return bus::fail(ErrorCode::corrupt, "the instance did not answer every record");
            if (auto counted = count_item(chunk, item, result); !counted) return counted;
        }
        note_events(told);
        return Done{};
    }

    Result<Done> count_item(const Chunk& chunk, const ChunkItem& item, Value result) {
        const std::string_view word = result["result"].text();
        if (word == "accepted") ++state_.counts.accepted;
        if (word == "duplicate") ++state_.counts.duplicates;
        if (word == "accepted" || word == "duplicate") return Done{};
        Refusal refusal{.place = item.place,
                        .code = std::string(result["code"].text()),
                        .path = std::string(result["path"].text()),
                        .reason = std::string(result["reason"].text())};
        std::string_view record = std::string_view(chunk.text).substr(item.start, item.bytes);
        if (item.damage) {
            refusal.code = item.damage->code == ErrorCode::too_large ? "too_large" : "damaged";
            refusal.reason = item.damage->message;
            record = item.record;
        }
        ++state_.counts.refused[refusal.code];
        if (options_.dry_run) {
            fmt::print("refused place=\"{}\" code={} path=\"{}\" reason=\"{}\"\n", refusal.place,
                       refusal.code, refusal.path, refusal.reason);
            return Done{};
        }
        return refused_.add(refusal, record, item.original);
    }

    void note_events(Value told) {
        told["event_types"].each_member([&](std::string_view type, Value count) {
            state_.counts.event_types[std::string(type)] +=
                static_cast<std::uint64_t>(count.integer().value_or(0));
        });
        const auto from = bus::from_iso(told["from"].text());
        const auto to = bus::from_iso(told["to"].text());
        if (from && to) state_.counts.note_span(*from, *to);
    }

    std::optional<RunningInstance> instance_;
    const std::filesystem::path file_;
    const std::filesystem::path beside_;
    const ImportOptions& options_;
    jobs::JobRun& run_;
    schemas::json::Parser parser_;
    ImportState state_;
    RefusedFile refused_;
    FileReport report_;
};

}  // namespace

std::string to_json(const FileReport& report) {
    std::string text;
    schemas::json::Writer json(text);
    json.begin_object().member("file", report.file).member("format", report.format);
    write_counts(json, report.counts);
    if (!report.refused_file.empty()) json.member("refused_file", report.refused_file);
    if (report.continued_at > 0) json.key("continued_at").unsigned_integer(report.continued_at);
    json.end_object();
    return text;
}

Result<FileReport> import_file(const std::filesystem::path& file, const ImportOptions& options,
                               jobs::JobRun& run) {
    return FileImport(file, options, run).run();
}

}  // namespace tools::import
