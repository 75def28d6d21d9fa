// Events a second and a core of a rebuild: from the embedded log on disk to rows that are handed
// over to the live store, beside which nothing else is done.
//
//   bench_rebuild [--records 500000] [--projections calls] [--threads 1] [--directory DIR]
//
// The live rows are folded first and are not counted. Then the same program comes with other
// versions of the chosen projections, so that exactly these are built anew. The checker wants the
// same number of rows from both.
#include "bus/embedded/journal.hpp"
#include "consumers/generation_builder.hpp"
#include "schemas/mail/mail_reader.hpp"
#include "tools/bench/fold_events.hpp"
#include "tools/bench/process_use.hpp"
#include "tools/projection_list.hpp"

#include <unistd.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <filesystem>
#include <set>

namespace {

namespace fs = std::filesystem;

struct Settings {
    std::size_t records = 500'000;
    std::vector<std::string> projections;
    std::size_t threads = 1;
    bus::PartitionId partitions = 8;
    std::string directory = fmt::format("/tmp/bench_rebuild.{}", ::getpid());
};

// The same fold, as a later program would bring it.
class LaterVersion final : public projections::Projection {
public:
    explicit LaterVersion(const projections::Projection& fold) : fold_(fold) {}
    std::string_view name() const override { return fold_.name(); }
    std::uint32_t version() const override { return fold_.version() + 1; }
    std::span<const std::string_view> type_prefixes() const override {
        return fold_.type_prefixes();
    }
    void fold(const schemas::Event& event, projections::Rows& rows) const override {
        fold_.fold(event, rows);
    }
    void seen(const projections::SeenRecord& record, projections::Rows& rows) const override {
        fold_.seen(record, rows);
    }
    void failed(const projections::FailedRecord& record, projections::Rows& rows) const override {
        fold_.failed(record, rows);
    }

private:
    const projections::Projection& fold_;
};

class Watch final : public consumers::BuildWatch {
public:
    void advance(std::uint64_t records) override { done += records; }
    bool go_on() override { return true; }
    std::atomic<std::uint64_t> done{0};
};

// What the store still does for the rows that were folded before is not the rebuild's.
void wait_until_idle() {
    constexpr bus::milliseconds look{300};
    constexpr double idle_cpu_s = 0.01;
    for (double before = -1, now = bench::cpu_seconds(); now - before > idle_cpu_s;
         now = bench::cpu_seconds()) {
        before = now;
        std::this_thread::sleep_for(look);
    }
}

void fill(bus::Log& log, const bench::FoldWorld& world, const Settings& settings) {
    constexpr std::size_t outstanding = 4'096;
    for (std::size_t i = 0; i < settings.records; ++i) {
        auto record = world.record(world.first() + i, settings.partitions);
        if (i % outstanding == 0 || i + 1 == settings.records)
            BUS_ASSERT(bus::append_and_wait(log, std::move(record), bus::seconds{60}).has_value(),
                       "the disk takes it");
        else
            log.append(std::move(record), [](const bus::Result<bus::Appended>&) {});
    }
}

void wait_until_folded(consumers::ProjectorPool& pool) {
    while (!pool.near_end(0)) std::this_thread::sleep_for(bus::milliseconds{100});
}

std::uint64_t rows_of(const consumers::ProjectorPool& pool, std::string_view projection) {
    std::uint64_t rows = 0;
    for (bus::PartitionId id = 0; id < pool.setup().log.partitions(); ++id) {
        const auto all = pool.all_rows(id);
        BUS_ASSERT(all.has_value(), "the stores are open");
        const auto* shown = all->catalogue.shown(projection, {});
        const std::string prefix = consumers::instance_prefix(shown->instance);
        for (std::uint8_t table = 0; table < projections::table_count; ++table)
            all->rows->scan(table, prefix, projections::prefix_end(prefix), false,
                            [&](std::string_view, std::string_view) { return ++rows > 0; });
    }
    return rows;
}

std::uint64_t rows_of(const consumers::ProjectorPool& pool, const std::set<std::string>& names) {
    std::uint64_t rows = 0;
    for (const std::string& name : names) rows += rows_of(pool, name);
    return rows;
}

int run(const Settings& settings) {
    const bench::FoldWorld world;
    const fs::path folder = settings.directory;
    auto log = bus::embedded::Journal::open(
        {.directory = folder / "journal", .partitions = settings.partitions});
    if (!log) return fmt::print(stderr, "error: {}\n", log.error().message), 1;
    fill(**log, world, settings);
    const auto measures = projections::MeasureSet::compile(projections::built_in_measure_files());
    consumers::ProjectorSetup setup{
        .log = **log,
        .registry = world.registry(),
        .projections = tools::all_projections(),
        .measures = measures->get(),
        .stores = folder / "stores",
        .shared = projections::store::make_shared_resources(64 << 20, 80 << 20)};
    setup.mail_reader = &schemas::mail::read_mail;

    std::set<std::string> wanted(settings.projections.begin(), settings.projections.end());
    if (wanted.empty())
        for (const auto* one : setup.projections) wanted.emplace(one->name());
    std::uint64_t before = 0;
    {
        consumers::ProjectorPool pool(setup, 2);
        wait_until_folded(pool);
        before = rows_of(pool, wanted);
    }
    std::vector<std::unique_ptr<LaterVersion>> later;
    for (const auto*& one : setup.projections) {
        if (!wanted.contains(std::string{one->name()})) continue;
        later.push_back(std::make_unique<LaterVersion>(*one));
        one = later.back().get();
    }
    consumers::ProjectorPool pool(setup, 2);
    BUS_ASSERT(pool.wait_opened(bus::seconds{60}), "the stores open");
    if (auto erased = pool.erase_dropped(); !erased)
        return fmt::print(stderr, "error: {}\n", erased.error().message), 1;
    wait_until_idle();
    fmt::print(stderr, "building\n");
    const double cpu_before = bench::cpu_seconds();
    const auto start = std::chrono::steady_clock::now();
    Watch watch;
    const auto built = consumers::GenerationBuilds(pool, consumers::BuildScope::live, {})
                           .build(watch, settings.threads);
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const double cpu = bench::cpu_seconds() - cpu_before;
    if (!built) return fmt::print(stderr, "error: {}\n", built.error().message), 1;
    const auto records = static_cast<double>(settings.records);
    const bool same = watch.done == settings.records && rows_of(pool, wanted) == before;
    fmt::print(
        "records={} projections={} threads={} checker={} rows={} seconds={:.2f} "
        "events_per_s={:.0f} "
        "cpu_us_per_event={:.2f} events_per_s_per_core={:.0f} rss_mib={}\n",
        settings.records, wanted.size(), settings.threads, same ? "passed" : "FAILED", before,
        seconds, records / seconds, cpu * 1e6 / records, records / cpu, bench::rss_mib_max());
    pool.stop();
    return same ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    Settings settings;
    CLI::App app{"Events a second of a rebuild from the embedded log"};
    app.add_option("--records", settings.records);
    app.add_option("--projections", settings.projections, "only these")->delimiter(',');
    app.add_option("--threads", settings.threads, "that build");
    app.add_option("--directory", settings.directory, "for journal and stores; removed afterwards");
    CLI11_PARSE(app, argc, argv);
    const int code = run(settings);
    fs::remove_all(settings.directory);
    return code;
}
