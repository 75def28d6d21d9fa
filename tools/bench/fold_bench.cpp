// CPU microseconds per event from the log to committed rows, everything after the ingress.
//
//   bench_fold [--records 300000] [--messages] [--projections a,b]
//
// The records stand in a log in memory before the clock starts; one projector a partition runs them
// on the calling thread. The checker compares how many records went in with the checkpoints.
#include "bus/memory/memory_log.hpp"
#include "consumers/partition_store.hpp"
#include "consumers/projector.hpp"
#include "schemas/mail/mail_reader.hpp"
#include "tools/bench/fold_events.hpp"
#include "tools/projection_list.hpp"

#include <sys/resource.h>
#include <unistd.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <chrono>
#include <filesystem>
#include <set>

namespace {

struct Settings {
    std::size_t records = 300'000;
    bool messages = false;
    std::vector<std::string> projections;
    bus::PartitionId partitions = 8;
};

double cpu_us() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto us = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_usec);
    };
    return us(usage.ru_utime) + us(usage.ru_stime);
}

std::size_t fill(bus::memory::MemoryLog& log, const bench::FoldWorld& world,
                 const Settings& settings) {
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < settings.records; ++i) {
        const std::size_t number = bench::fold_tenants + i;
        auto record = settings.messages ? world.message(number, settings.partitions)
                                        : world.record(number, settings.partitions);
        bytes += record.value.size();
        const bool last = i + 1 == settings.records;
        if (last)
            BUS_ASSERT(bus::append_and_wait(log, std::move(record), bus::seconds{60}).has_value(),
                       "memory takes it");
        else
            log.append(std::move(record), [](bus::Result<bus::Appended>) {});
    }
    return bytes;
}

std::vector<const projections::Projection*> chosen(const Settings& settings) {
    auto all = tools::all_projections();
    if (settings.projections.empty()) return all;
    const std::set<std::string_view> wanted(settings.projections.begin(),
                                            settings.projections.end());
    std::erase_if(all,
                  [&](const auto* projection) { return !wanted.contains(projection->name()); });
    return all;
}

std::size_t drain(consumers::Projector& projector) {
    std::size_t total = 0;
    for (;;) {
        const auto count = projector.step();
        if (!count) {
            fmt::print(stderr, "error: {}\n", count.error().message);
            std::exit(1);
        }
        if (*count == 0) return total;
        total += *count;
    }
}

int run(const Settings& settings) {
    const bench::FoldWorld world;
    bus::memory::MemoryLog log({.partitions = settings.partitions});
    const std::size_t body_bytes = fill(log, world, settings);
    const auto measures = projections::MeasureSet::compile(projections::built_in_measure_files());
    const std::filesystem::path folder = fmt::format("/tmp/bench_fold.{}", ::getpid());
    consumers::ProjectorSetup setup{
        .log = log,
        .registry = world.registry(),
        .projections = chosen(settings),
        .measures = measures->get(),
        .stores = folder,
        .shared = projections::store::make_shared_resources(96 << 20, 96 << 20)};
    setup.mail_reader = &schemas::mail::read_mail;
    const double before = cpu_us();
    const auto start = std::chrono::steady_clock::now();
    std::size_t folded = 0;
    for (bus::PartitionId partition = 0; partition < settings.partitions; ++partition) {
        bus::Signal more;
        auto store = consumers::open_partition_store(setup, partition);
        if (!store) return fmt::print(stderr, "error: {}\n", store.error().message), 1;
        consumers::Projector projector(setup, partition, *std::move(store), more);
        folded += drain(projector);
    }
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const double us = (cpu_us() - before) / static_cast<double>(settings.records);
    std::uintmax_t stored = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (entry.is_regular_file()) stored += entry.file_size();
    }
    fmt::print(
        "records={} folded={} checker={} cpu_us_per_event={:.2f} events_per_s={:.0f} body_bytes={} "
        "bytes_on_disk={} "
        "bytes_on_disk_per_body={:.2f}\n",
        settings.records, folded, folded == settings.records ? "passed" : "FAILED", us,
        static_cast<double>(settings.records) / seconds, body_bytes, stored,
        static_cast<double>(stored) / static_cast<double>(body_bytes));
    std::filesystem::remove_all(folder);
    return folded == settings.records ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    Settings settings;
    CLI::App app{"CPU microseconds per folded event"};
    app.add_option("--records", settings.records);
    app.add_flag("--messages", settings.messages, "only messages, not the mix");
    app.add_option("--projections", settings.projections, "only these")->delimiter(',');
    CLI11_PARSE(app, argc, argv);
    return run(settings);
}
