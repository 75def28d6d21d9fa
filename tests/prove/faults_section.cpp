// Faults of disk, files, clock and limits, each tried for real on the program under load: what it
// answers, that it goes on without a hand, and that nothing told is lost (tests/prove/README.md).
#include "tests/prove/answers_judge.hpp"
#include "tests/prove/damage.hpp"
#include "tests/prove/fault_world.hpp"
#include "tests/prove/folder_files.hpp"
#include "tests/prove/memory_limit.hpp"
#include "tests/prove/nth_call.hpp"
#include "tests/prove/section.hpp"
#include "tests/prove/world_jobs.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/local_broker.hpp"
#include "tests/support/program_run.hpp"
#include "tests/support/wire.hpp"

#include <fmt/format.h>

#include <sys/mount.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <deque>
#include <fstream>

using namespace tests;
using namespace tests::prove;
using namespace std::chrono_literals;
using tests::checker::Proof;
namespace fs = std::filesystem;

namespace {

constexpr auto load_time = 500ms;
constexpr auto resume_patience = 30s, felt_patience = 60s;
constexpr auto disk_delay = 30ms;
constexpr std::size_t files_max = 256, idle_connections = 300;
constexpr std::uint64_t memory_bytes = 200 << 20;
constexpr std::int64_t year_s = 365 * 86'400;

std::string after_plain_restart(FaultWorld& world) {
    world.kill();
    world.must_start();
    return world.checked();
}

// --- the disk

class SmallDisk {
public:
    explicit SmallDisk(const std::string& size) {
        const std::string options = "size=" + size;
        if (::mount("none", folder_.path().c_str(), "tmpfs", 0, options.c_str()) != 0)
            throw std::runtime_error("mounting a small disk needs root");
    }
    ~SmallDisk() { ::umount2(folder_.path().c_str(), MNT_DETACH); }
    fs::path path() const { return folder_.path(); }
    void fill() const {
        const auto free = fs::space(path()).available;
        std::ofstream ballast(path() / "ballast", std::ios::binary);
        const std::string piece(1 << 20, 'x');
        for (std::uintmax_t bytes = 0; bytes < free; bytes += piece.size()) ballast << piece;
    }
    void empty() const { fs::remove(path() / "ballast"); }

private:
    TempDirectory folder_;
};

// What a failing disk shows: once it is noticed nothing is taken, and reads go on.
std::string while_nothing_can_be_stored(FaultWorld& world) {
    std::string seen = world.answer_to_one();
    world.load().begin_outage();
    world.load_for(load_time);
    world.load().end_outage();
    const std::string problem = all_refused_problem(world.load().answers_of_outage());
    seen += problem.empty() ? " to all" : ", " + problem;
    return seen + (world.reads() ? ", reads go on" : ", reads fail");
}

std::string disk_full() {
    SmallDisk disk("3g");
    FaultWorld world({.data = disk.path() / "data"});
    world.must_start();
    world.load_for(load_time);
    disk.fill();
    world.load_for(1s);  // the keeper looks now and then
    std::string seen = while_nothing_can_be_stored(world);
    disk.empty();
    seen += ", then " + world.taking(resume_patience) + ", " + world.checked();
    return seen + ", restarted " + after_plain_restart(world);
}

void make_empty(const fs::path& file) {
    const std::ofstream made(file);
}

std::string sync_fails_for_a_while() {
    TempDirectory folder;
    const fs::path broken = folder.path() / "broken";
    FaultWorld world;
    world.must_start({{"CALLS", "sync"}, {"ERRNO", std::to_string(EIO)}, {"WHILE", broken}});
    world.load_for(load_time);
    make_empty(broken);
    world.load_for(load_time);
    std::string seen = while_nothing_can_be_stored(world);
    fs::remove(broken);
    seen += ", then " + world.taking(resume_patience) + ", " + world.checked();
    return seen + ", restarted " + after_plain_restart(world);
}

std::string slow_disk() {
    FaultWorld world;
    const auto delay_us = std::chrono::microseconds{disk_delay}.count();
    world.must_start({{"SLOW_US", std::to_string(delay_us)}});
    world.load_for(2s);
    std::string seen = world.taking(resume_patience) + ", " + world.checked(Proof::log);
    seen += world.load().quickest_stored() < disk_delay ? ", the delay was not felt" : "";
    return seen + ", restarted " + after_plain_restart(world);
}

// How a replay ends, asked for with this body.
std::string replayed(FaultWorld& world, const std::string& body) {
    const Answer started = ask_as_admin(world, "POST", "/v1/replays", body);
    if (started.status != 202) return started.body;
    const auto job = ended(world, started);
    if (!job) return "never ends";
    return job->text("state") + (job->text("error").empty() ? "" : " with a reason");
}

// Only where the next generation is built: the live side does not notice.
std::string disk_full_during_replay() {
    TempDirectory folder;
    const fs::path full = folder.path() / "full";
    FaultWorld world;
    world.must_start({{"CALLS", "write"},
                      {"ERRNO", std::to_string(ENOSPC)},
                      {"WHILE", full},
                      {"UNDER", world.data() / "stores" / "partition-0.building"}});
    world.load_for(load_time);
    make_empty(full);
    std::string seen = replayed(world, R"({"projections":["calls"]})");
    world.load_for(load_time);
    seen += ", " + world.taking(resume_patience) + ", " + world.checked(Proof::log);
    fs::remove(full);
    seen += ", resumed " + replayed(world, R"({"projections":["calls"],"resume":true})");
    return seen + ", restarted " + after_plain_restart(world);
}

// --- files

std::string with_journal_damaged(const std::function<void(const fs::path&)>& damage,
                                 const std::function<void(const fs::path&)>& mend) {
    FaultWorld world;
    world.must_start();
    world.load_for(load_time);
    world.kill();
    damage(world.data());
    const FolderFiles files = files_of(world.data());
    const std::string refused = world.start();
    std::string seen = refused.empty() ? "serves" : "refuses to start";
    const bool is_named = refused.find(".segment") != refused.npos ||
                          refused.find("/journal is gone") != refused.npos;
    seen += is_named ? ", names the file" : "";
    const std::string change = change_of(files, files_of(world.data()));
    seen += change.empty() ? ", changes nothing" : ", " + change;
    world.kill();
    mend(world.data());
    return seen + ", mended " + after_plain_restart(world);
}

std::string flipped_in_journal(std::uint64_t seed) {
    const auto flip = [seed](const fs::path& data) { flip_journal_byte(data, seed); };
    return with_journal_damaged(flip, flip);
}

std::string missing_segment() {
    return with_journal_damaged(
        [](const fs::path& data) { fs::rename(first_segment(data), data / "aside"); },
        [](const fs::path& data) {
            fs::rename(data / "aside", data / "journal" / "000000000001.segment");
        });
}

std::string missing_journal() {
    return with_journal_damaged(
        [](const fs::path& data) { fs::rename(data / "journal", data / "aside"); },
        [](const fs::path& data) { fs::rename(data / "aside", data / "journal"); });
}

void damage_store(FaultWorld& world, const std::function<void(const fs::path&)>& damage) {
    world.must_start();
    world.load_for(load_time);
    world.stop();
    TempDirectory backups;  // making one moves rows from memory into table files
    const auto backup = run_program({TRIBUTARY_PROGRAM, "backup", "--data", world.data(), "--to",
                                     backups.path() / "made", "--with-keys"});
    if (backup.exit_code != 0) throw std::runtime_error("backup: " + backup.error);
    world.must_start();
    world.load_for(load_time);
    world.kill();  // what was told since stands in the stores' own logs
    damage(world.data() / "stores");
}

std::string after_damaged_start(FaultWorld& world) {
    if (std::string refused = world.start(); !refused.empty()) return refused;
    return world.taking(resume_patience) + ", " + world.checked() + ", restarted " +
           after_plain_restart(world);
}

std::string with_store_damaged(const std::function<void(const fs::path&)>& damage) {
    FaultWorld world;
    damage_store(world, damage);
    return after_damaged_start(world);
}

bool is_set_aside(const fs::directory_entry& store) {
    return store.path().filename().string().find(".corrupt-") != std::string::npos;
}

// A store that lost its newest writes catches up; that it is made anew would hide that it cannot.
std::string power_cut_of_stores(std::uint64_t seed) {
    FaultWorld world;
    damage_store(world, [seed](const fs::path& stores) { cut_store_logs(stores, seed); });
    const std::string seen = after_damaged_start(world);
    const fs::directory_iterator stores(world.data() / "stores");
    const bool any = std::any_of(begin(stores), end(stores), is_set_aside);
    return (any ? "a store is set aside, " : "") + seen;
}

// The key that is made in its place opens no source's secret; in the end it is brought back.
std::string missing_master_key() {
    FaultWorld world;
    world.must_start();
    world.load_for(load_time);
    world.stop();
    const fs::path key = world.data() / "master.key", aside = world.data() / "aside";
    fs::rename(key, aside);
    world.must_start();
    std::string seen = while_nothing_can_be_stored(world);
    world.kill();
    fs::rename(aside, key);
    world.must_start();
    seen += ", then " + world.taking(resume_patience) + ", " + world.checked();
    return seen + ", restarted " + after_plain_restart(world);
}

std::string wrong_permissions() {
    FaultWorld world;
    world.must_start();
    world.load_for(load_time);
    world.stop();
    const std::string refused = world.start({{"UID", "65534"}});
    std::string seen = refused.empty() ? "serves" : "refuses to start";
    seen += refused.find(world.data().string()) != refused.npos ? ", names the folder" : "";
    return seen + ", then " + after_plain_restart(world);
}

// --- clock and limits

// Bodies of all that the load tells are kept for a time that the clock's fault is far beyond.
void keep_for_a_month(FaultWorld& world) {
    for (const std::string topic : {"chat", "voice", "email", "billing"}) {
        const Answer kept = ask_as_admin(world, "PUT", "/v1/retention",
                                         fmt::format(R"({{"topic":"{}","keep":"30d"}})", topic));
        if (kept.status != 200) throw std::runtime_error(kept.body);
    }
}

// What comes of it when all that has expired is to go now.
std::string expiring(FaultWorld& world) {
    const Answer started = ask_as_admin(world, "POST", "/v1/retention", R"({"commit":true})");
    if (started.status == 409 && started.body.find("the wall clock says") != std::string::npos)
        return "expiry waits";
    if (started.status != 202) return started.body;
    const auto job = ended(world, started);
    if (!job) return "expiry never ends";
    const std::string records = (*job)["report"]["records"].scalar_text();
    return records == "0" ? "nothing expires" : records + " records expire";
}

std::string clock_off_by(std::int64_t seconds) {
    FaultWorld world;
    world.must_start();
    keep_for_a_month(world);
    world.load_for(load_time);
    world.kill();
    world.must_start({{"CLOCK_S", std::to_string(seconds)}});
    std::string seen = expiring(world) + ", ";
    seen += world.taking(resume_patience) + ", " + world.checked();
    world.kill();
    world.must_start();  // and as far in the other direction
    seen += ", back " + expiring(world) + ", " + world.taking(resume_patience);
    return seen + ", " + world.checked();
}

// Set while it serves: ahead or back, and right again.
std::string clock_steps_by(std::int64_t seconds) {
    TempDirectory folder;
    const fs::path moved = folder.path() / "moved";
    FaultWorld world;
    world.must_start({{"CLOCK_S", std::to_string(seconds)}, {"WHILE", moved}});
    keep_for_a_month(world);
    world.load_for(load_time);
    make_empty(moved);
    world.load_for(load_time);
    std::string seen = expiring(world) + ", ";
    seen += world.taking(resume_patience) + ", " + world.checked();
    fs::remove(moved);
    world.load_for(load_time);
    seen += ", back " + expiring(world) + ", " + world.taking(resume_patience);
    return seen + ", " + world.checked();
}

std::size_t open_files(FaultWorld& world) {
    const fs::path all = fmt::format("/proc/{}/fd", world.child().process());
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(all), fs::directory_iterator()));
}

// Whether the program comes to have no descriptor left while the load goes on: idle connections
// take what files and the load's own connections leave.
bool runs_out_of_descriptors(FaultWorld& world) {
    world.load().start(world.child().addresses());
    std::this_thread::sleep_for(load_time);
    std::deque<Wire> idle;
    while (idle.size() < idle_connections)
        idle.emplace_back(port_of(world.child().addresses().ingress));
    const bool all_used = eventually([&] { return open_files(world) >= files_max; }, 10s);
    std::this_thread::sleep_for(load_time);
    world.load().stop();
    return all_used;
}

std::string few_open_files() {
    FaultWorld world;
    world.must_start({{"FILES", std::to_string(files_max)}});
    const bool was_felt = runs_out_of_descriptors(world);
    std::string seen = world.taking(resume_patience) + ", " + world.checked();
    seen += was_felt ? "" : ", the limit was not felt";
    return seen + ", restarted " + after_plain_restart(world);
}

void load_until_felt(FaultWorld& world, const MemoryLimit& limit) {
    const auto deadline = std::chrono::steady_clock::now() + felt_patience;
    do {
        world.load_for(1s);
    } while (!limit.was_felt() && std::chrono::steady_clock::now() < deadline);
}

std::string little_memory() {
    const MemoryLimit limit(memory_bytes);
    FaultWorld world;
    world.must_start({{"GROUP", limit.entry()}});
    if (!limit.holds(world.child().process())) throw std::runtime_error("it is under no limit");
    load_until_felt(world, limit);
    std::string seen = world.taking(resume_patience) + ", " + world.checked(Proof::log);
    seen += limit.was_felt() ? "" : ", the limit was not felt";
    seen += limit.has_killed() ? ", killed by the kernel" : "";
    return seen + ", restarted " + after_plain_restart(world);
}

}  // namespace

int main(int argc, char** argv) {
    Section section(argc, argv,
                    "Tries faults of disk, files, clock and limits on the program.\n"
                    "--only NAME tries one of the table; nth-call, which no run of the table\n"
                    "has: the n-th failing calls, with --log kafka of a program on Kafka;\n"
                    "--call sync-EIO: only these, --life replay: only in lives with one,\n"
                    "--nth N: only the N-th of each",
                    "faults_section --seed 7 --seconds 60");
    const std::string goes_on = "takes events, 0 faults, restarted 0 faults";
    const std::string away =
        "503 with Retry-After to all, reads go on, then takes events, 0 faults, restarted 0 faults";
    const std::string refuses =
        "refuses to start, names the file, changes nothing, mended 0 faults";
    const std::string only = section.flag("--only", "");
    const std::string log = section.flag("--log", "embedded") == "kafka"
                                ? "kafka:" + LocalBroker::instance().bootstrap()
                                : "embedded";
    const auto is_wanted = [&](const std::string& name) { return only.empty() || only == name; };
    const auto fault = [&](const std::string& name, const std::string& expected,
                           const std::function<std::string()>& run) {
        if (is_wanted(name)) section.fault(name, expected, run);
    };
    fault("disk-full", away, disk_full);
    fault("disk-full-during-replay",
          "failed with a reason, takes events, 0 faults, resumed done, restarted 0 faults",
          disk_full_during_replay);
    fault("sync-fails-for-a-while", away, sync_fails_for_a_while);
    fault("slow-disk", goes_on, slow_disk);
    fault("flipped-byte-in-journal", refuses, [&] { return flipped_in_journal(section.seed()); });
    fault("missing-segment", refuses, missing_segment);
    fault("missing-journal", refuses, missing_journal);
    for (const std::string kind : {".sst", ".log", "MANIFEST"})
        fault("flipped-byte-in-store-" + kind, goes_on, [&] {
            return with_store_damaged(
                [&](const fs::path& at) { flip_store_bytes(at, kind, section.seed()); });
        });
    fault("power-cut-of-stores", goes_on, [&] { return power_cut_of_stores(section.seed()); });
    fault("missing-store", goes_on, [] {
        return with_store_damaged([](const fs::path& at) { fs::remove_all(at / "partition-0"); });
    });
    fault("missing-stores", goes_on,
          [] { return with_store_damaged([](const fs::path& at) { fs::remove_all(at); }); });
    fault("missing-master-key", away, missing_master_key);
    fault("wrong-permissions", "refuses to start, names the folder, then 0 faults",
          wrong_permissions);
    const std::string set_back =
        "nothing expires, takes events, 0 faults, "
        "back expiry waits, takes events, 0 faults";
    const std::string set_ahead =
        "expiry waits, takes events, 0 faults, "
        "back nothing expires, takes events, 0 faults";
    fault("clock-a-year-back", set_back, [] { return clock_off_by(-year_s); });
    fault("clock-a-year-ahead", set_ahead, [] { return clock_off_by(year_s); });
    fault("clock-steps-back", set_back, [] { return clock_steps_by(-year_s); });
    fault("clock-steps-ahead", set_ahead, [] { return clock_steps_by(year_s); });
    fault("256-open-files", goes_on, few_open_files);
    if (is_wanted("200-MB-memory") && !MemoryLimit::can_be_set())
        section.untried("200-MB-memory", "no control group of memory can be made here");
    else
        fault("200-MB-memory", goes_on, little_memory);
    if (only == "nth-call") fail_every_call(section, log);
    return section.finish();
}
