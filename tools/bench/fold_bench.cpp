// CPU microseconds per event from the log to committed rows, everything after the ingress.
//
//   bench_fold [--records 300000] [--stage 0] [--tenants 200] [--hot 0] [--projections a,b]
//              [--cache-mib 64]
//
// The records are made while they are read, which is not counted; one projector a partition folds
// them on the calling thread. --stage N prints a line every N records: what an event costs with so
// many behind it. The checker compares what went in with the checkpoints and with what the
// conversations have counted.
#include "consumers/partition_store.hpp"
#include "consumers/projector.hpp"
#include "projections/batch.hpp"
#include "projections/conversations/conversation_row.hpp"
#include "schemas/mail/mail_reader.hpp"
#include "tools/bench/endless_log.hpp"
#include "tools/bench/process_use.hpp"
#include "tools/open_log.hpp"
#include "tools/options.hpp"
#include "tools/projection_list.hpp"
#include "tools/serving_memory.hpp"

#include <unistd.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <chrono>
#include <filesystem>
#include <set>

namespace {

namespace fs = std::filesystem;

struct Settings {
    std::size_t records = 300'000;
    std::size_t stage = 0;  // 0 = all at once
    std::size_t cache_mib = tools::ServeOptions{}.cache_mib;
    bench::FoldMix mix;
    std::vector<std::string> projections;
    fs::path directory = fmt::format("/tmp/bench_fold.{}", ::getpid());
    bus::PartitionId partitions = 8;
};

std::vector<const projections::Projection*> chosen(const Settings& settings) {
    auto all = tools::all_projections();
    if (settings.projections.empty()) return all;
    const std::set<std::string_view> wanted(settings.projections.begin(),
                                            settings.projections.end());
    std::erase_if(all,
                  [&](const auto* projection) { return !wanted.contains(projection->name()); });
    return all;
}

// Compactions remove files meanwhile.
std::uint64_t bytes_below(const fs::path& folder) {
    std::uint64_t bytes = 0;
    std::error_code gone;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        const std::uint64_t size = entry.is_regular_file(gone) ? entry.file_size(gone) : 0;
        if (!gone) bytes += size;
    }
    return bytes;
}

struct Use {
    double cpu_us = bench::cpu_us();
    std::uint64_t written = bench::bytes_written();
    std::chrono::steady_clock::time_point at = std::chrono::steady_clock::now();
};

// All partitions of one log on the calling thread.
class Folding {
public:
    Folding(const Settings& settings, const bench::FoldWorld& world)
        : log_(world, settings.partitions),
          measures_(*projections::MeasureSet::compile(projections::built_in_measure_files())),
          setup_{.log = log_,
                 .registry = world.registry(),
                 .projections = chosen(settings),
                 .measures = measures_.get(),
                 .stores = settings.directory,
                 .shared = projections::store::make_shared_resources(
                     settings.cache_mib << 20, tools::memtable_budget_bytes)} {
        setup_.cached_rows_max = tools::cached_rows_max / settings.partitions;
        setup_.mail_reader = &schemas::mail::read_mail;
    }

    bus::Result<bus::Done> open() {
        for (bus::PartitionId partition = 0; partition < log_.partitions(); ++partition) {
            auto store = consumers::open_partition_store(setup_, partition);
            if (!store) return store.error();
            projectors_.push_back(std::make_unique<consumers::Projector>(setup_, partition,
                                                                         *std::move(store), more_));
        }
        return bus::Done{};
    }

    bus::Result<bus::Done> fold(std::size_t records) {
        log_.let_through(records);
        for (auto& projector : projectors_) {
            for (;;) {
                const auto count = projector->step();
                if (!count) return count.error();
                if (*count == 0) break;
                folded_ += *count;
            }
        }
        return bus::Done{};
    }

    void close() { projectors_.clear(); }

    const bench::EndlessLog& log() const { return log_; }
    std::size_t folded() const { return folded_; }
    std::uint64_t messages_counted() const {
        std::uint64_t messages = 0;
        for (const auto& projector : projectors_) messages += messages_counted(*projector);
        return messages;
    }
    bool counts_messages() const {
        return std::ranges::any_of(setup_.projections,
                                   [](const auto* one) { return one->name() == "conversations"; });
    }

private:
    static std::uint64_t messages_counted(consumers::Projector& projector) {
        const auto* shown = projector.catalogue().shown("conversations", {});
        const std::string prefix = consumers::instance_prefix(shown->instance);
        const std::size_t tag_at = projections::complete_key(shown->instance, {}, "").size();
        constexpr char tag = static_cast<char>(projections::chat::RowTag::conversation);
        std::uint64_t messages = 0;
        projector.store().snapshot()->scan(static_cast<std::uint8_t>(projections::Table::rows),
                                           prefix, projections::prefix_end(prefix), false,
                                           [&](std::string_view key, std::string_view value) {
                                               if (key[tag_at] != tag) return true;
                                               projections::chat::ConversationRow row;
                                               BUS_ASSERT(row.decode(value).has_value(),
                                                          "the fold wrote it");
                                               messages += row.message_count;
                                               return true;
                                           });
        return messages;
    }

    bench::EndlessLog log_;
    std::shared_ptr<const projections::MeasureSet> measures_;
    consumers::ProjectorSetup setup_;
    bus::Signal more_;
    std::vector<std::unique_ptr<consumers::Projector>> projectors_;
    std::size_t folded_ = 0;
};

// Returns the CPU microseconds per event that it printed.
double show(std::string_view what, const Settings& settings, std::size_t records, std::size_t total,
            const Use& before, double making_us, std::string_view checker, std::string_view rest) {
    const Use now;
    const double seconds = std::chrono::duration<double>(now.at - before.at).count();
    const auto count = static_cast<double>(records);
    const double cpu_us = (now.cpu_us - before.cpu_us - making_us) / count;
    fmt::print(
        "what={} records={} tenants={} cpu_us_per_event={:.2f} events_per_s={:.0f} "
        "bytes_written_per_event={:.0f} rss_mib={} rss_mib_max={} disk_bytes_per_event={:.0f} "
        "checker={}{}\n",
        what, total, settings.mix.tenants, cpu_us, count / (seconds - making_us / 1e6),
        static_cast<double>(now.written - before.written) / count, bench::rss_mib(),
        bench::rss_mib_max(),
        static_cast<double>(bytes_below(settings.directory)) / static_cast<double>(total), checker,
        rest);
    std::fflush(stdout);
    return cpu_us;
}

// What an event of the last stage costs beside one of the first.
std::string growth_of(const std::vector<double>& stages_cpu_us) {
    if (stages_cpu_us.size() < 2) return {};
    return fmt::format(" growth_ratio={:.2f}", stages_cpu_us.back() / stages_cpu_us.front());
}

int run(const Settings& settings) {
    const bench::FoldWorld world(settings.mix);
    Folding folding(settings, world);
    const auto stop = [](const bus::Error& error) {
        return fmt::print(stderr, "error: {}\n", error.message), 1;
    };
    if (const auto opened = folding.open(); !opened) return stop(opened.error());
    const std::size_t stage = settings.stage > 0 ? settings.stage : settings.records;
    const Use start;
    std::vector<double> stages_cpu_us;
    bool right = true;
    for (std::size_t total = stage; total <= settings.records; total += stage) {
        const Use before;
        const double made_before = folding.log().making_cpu_us();
        if (const auto done = folding.fold(stage); !done) return stop(done.error());
        right = folding.folded() == total && folding.log().made() == total;
        if (settings.stage > 0)
            stages_cpu_us.push_back(show("stage", settings, stage, total, before,
                                         folding.log().making_cpu_us() - made_before,
                                         right ? "passed" : "FAILED", ""));
        if (!right) break;
    }
    const Use folded;
    const std::uint64_t messages = folding.counts_messages() ? folding.messages_counted() : 0;
    right = right && (!folding.counts_messages() || messages == folding.log().messages_made());
    const double checking_us = Use{}.cpu_us - folded.cpu_us;
    folding.close();  // what the stores still had to do counts too
    show("fold", settings, folding.folded(), folding.folded(), start,
         folding.log().making_cpu_us() + checking_us, right ? "passed" : "FAILED",
         fmt::format(" body_bytes_per_event={:.0f} messages={} hot_share={}{}",
                     static_cast<double>(folding.log().body_bytes()) /
                         static_cast<double>(folding.folded()),
                     messages, settings.mix.hot_share, growth_of(stages_cpu_us)));
    return right ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    Settings settings;
    CLI::App app{"CPU microseconds per folded event"};
    app.add_option("--records", settings.records);
    app.add_option("--stage", settings.stage, "a line every so many records");
    app.add_option("--tenants", settings.mix.tenants)->check(CLI::PositiveNumber);
    app.add_option("--hot", settings.mix.hot_share, "share of the records that is one tenant's")
        ->check(CLI::Range(0.0, 1.0));
    app.add_option("--projections", settings.projections, "only these")->delimiter(',');
    app.add_option("--cache-mib", settings.cache_mib, "as of tributary serve");
    app.add_option("--directory", settings.directory, "for the stores; removed afterwards");
    CLI11_PARSE(app, argc, argv);
    const int code = run(settings);
    fs::remove_all(settings.directory);
    return code;
}
