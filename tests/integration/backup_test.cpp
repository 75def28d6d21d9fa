// backup, restore and compact of the real program: what comes back is what was there, what was
// altered is refused by name, and what is there already is not copied again.
#include "bus/clock.hpp"
#include "bus/embedded/journal.hpp"
#include "schemas/control_facts.hpp"
#include "tests/support/child_platform.hpp"
#include "tests/support/files_holding.hpp"
#include "tests/support/operator_jobs.hpp"
#include "tests/support/program_run.hpp"
#include "tests/support/told_shop.hpp"
#include "tools/backup/backup_list.hpp"
#include "tools/backup/compaction.hpp"
#include "tools/backup/make_backup.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <thread>

using namespace tests;

namespace {

namespace fs = std::filesystem;

const std::string program = TRIBUTARY_PROGRAM;

ProgramRun backup(const fs::path& data, const fs::path& to, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{program, "backup", "--data", data, "--to", to};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(arguments);
}

ProgramRun restore(const fs::path& from, const fs::path& data, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{program, "restore", "--from", from, "--data", data};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(arguments);
}

void check_done(const ProgramRun& run) {
    REQUIRE_MESSAGE(run.exit_code == 0, run.error);
}

// Refused, with this in the words.
void check_refused(const ProgramRun& run, const std::string& word) {
    CHECK(run.exit_code == 1);
    CHECK_MESSAGE(run.error.find(word) != std::string::npos, run.error);
}

struct ServedShop {
    ServedShop() : child(program, "embedded") {
        child.start();
        shop.emplace(child.addresses());
        shop->tell(0, 60);
    }
    ChildPlatform child;
    std::optional<ToldShop> shop;
    TempDirectory folder;
    fs::path to = folder.path() / "backups";
};

std::vector<fs::path> pool_files(const fs::path& folder) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder / "files"))
        if (entry.is_regular_file()) files.push_back(entry.path());
    std::sort(files.begin(), files.end(),
              [](const auto& a, const auto& b) { return fs::file_size(a) > fs::file_size(b); });
    return files;
}

fs::path newest_backup(const fs::path& folder) {
    fs::path newest;
    for (const auto& entry : fs::directory_iterator(folder))
        if (fs::exists(entry.path() / "manifest.json")) newest = std::max(newest, entry.path());
    REQUIRE(!newest.empty());
    return newest;
}

// A decision about one client that names the places of all.
void decide_to_erase_all_of_chat(const fs::path& data, bus::TenantId tenant) {
    constexpr bus::PartitionId partitions = 4;  // of ChildPlatform
    auto journal = bus::embedded::Journal::open(
        {.directory = data / "journal", .partitions = partitions, .reserve_bytes = 0});
    REQUIRE(journal);
    schemas::CustomerErased all{.erasure = "era_all", .records = {}};
    for (bus::PartitionId p = 0; p < partitions; ++p) {
        const auto end = (*journal)->end_offset({bus::Topic::chat, p});
        if (*end > 0) all.records.push_back({{bus::Topic::chat, p}, 0, *end});
    }
    const bus::Timestamp now = bus::system_clock().now();
    const schemas::ControlFact fact{.id = bus::random_ids().next_event_id(now),
                                    .tenant = tenant,
                                    .time = now,
                                    .command = {},
                                    .request_hash = {},
                                    .requirements = {},
                                    .body = all};
    REQUIRE(bus::append_and_wait(**journal, schemas::encode(fact), bus::milliseconds{10'000}));
}

// The backup's disk goes when the copying begins, and is a link to itself from then on.
class LosingDisk final : public tools::jobs::JobRun {
public:
    explicit LosingDisk(fs::path disk) : disk_(std::move(disk)) {}
    void phase(std::string_view, std::uint64_t, std::string_view) override {
        if (std::exchange(lost_, true)) return;
        fs::rename(disk_, disk_.string() + ".lost");
        fs::create_symlink(disk_, disk_);
    }
    void advance(std::uint64_t) override {}
    bool go_on() override { return !lost_; }

private:
    const fs::path disk_;
    bool lost_ = false;
};

}  // namespace

TEST_CASE("backup: a running installation comes back with all its answers") {
    ServedShop served;
    const auto before = served.shop->answers();
    CHECK(before.size() > 40);
    const auto made = backup(served.child.data(), served.to, {"--with-keys"});
    check_done(made);
    const std::string position = served.shop->position();
    served.shop->tell(60, 80);  // not in the backup
    const fs::path restored = served.folder.path() / "restored";
    check_done(restore(served.to, restored));
    served.child.kill();

    ChildPlatform again(program, "", {}, restored);
    again.start();
    CHECK(again.said().find("store_rebuild") == std::string::npos);  // the rows came along
    CHECK(again.said().find("quarantined") == std::string::npos);
    ToldShop& shop = *served.shop;
    shop.moved_to(again.addresses(), position);
    auto after = shop.answers();
    REQUIRE(after.size() == before.size());
    for (const auto& one : before) {
        CAPTURE(one.first);
        CHECK_MESSAGE((after[one.first] == one.second), "answers differ");
    }
    shop.tell(60, 80);  // it goes on
    CHECK(again.stop() == 0);
}

TEST_CASE("backup: what is there already is not copied again, and takes under a second") {
    ServedShop served;
    check_done(backup(served.child.data(), served.to));
    std::this_thread::sleep_for(std::chrono::milliseconds{2'100});  // its files have settled
    check_done(backup(served.child.data(), served.to));
    const auto unchanged = backup(served.child.data(), served.to);
    check_done(unchanged);
    CHECK(unchanged.value("copied_files") == "0");
    CHECK(std::stoi(unchanged.value("took_ms")) < 1'000);
    served.shop->tell(60, 70);
    const auto more = backup(served.child.data(), served.to);
    check_done(more);
    CHECK(std::stoi(more.value("copied_files")) > 0);
    CHECK(std::stoll(more.value("records")) > std::stoll(unchanged.value("records")));
    const auto sound = run_program({program, "backup", "verify", served.to});
    check_done(sound);
    CHECK(sound.value("sound") == "true");

    const auto kept = backup(served.child.data(), served.to, {"--keep", "2"});
    check_done(kept);
    const auto listed = run_program({program, "backup", "list", served.to});
    CHECK(std::count(listed.out.begin(), listed.out.end(), '\n') == 2);
    check_done(run_program({program, "backup", "verify", served.to}));
    std::ifstream list(served.child.data() / "backups.json");
    const std::string text(std::istreambuf_iterator<char>(list), {});
    CHECK(text.find(kept.value("backup").substr(kept.value("backup").rfind('/') + 1)) !=
          std::string::npos);
}

TEST_CASE("backup: what an older one needs stays where nobody can look whether that is there") {
    ServedShop served;
    check_done(backup(served.child.data(), served.to));
    const fs::path manifest = newest_backup(served.to) / "manifest.json";
    fs::remove(manifest);
    fs::create_symlink(manifest, manifest);
    const auto needed = pool_files(served.to);
    served.shop->tell(60, 80);
    const ProgramRun made = backup(served.child.data(), served.to, {"--keep", "2"});
    check_done(made);
    CHECK_MESSAGE(made.out.find(manifest.string()) != std::string::npos, made.out);
    for (const fs::path& file : needed) CHECK(fs::exists(file));
}

TEST_CASE("backup: beside one that nobody can look at another is made, and brought back") {
    ServedShop served;
    check_done(backup(served.child.data(), served.to));
    const fs::path sound = newest_backup(served.to);
    const fs::path newer = served.to / "29990101T000000.000Z" / "manifest.json";
    fs::create_directory(newer.parent_path());
    fs::create_symlink(newer, newer);
    check_done(restore(sound, served.folder.path() / "restored"));
    check_refused(restore(served.to, served.folder.path() / "other"), newer.string());
    check_done(backup(served.child.data(), served.to));
    CHECK(served.child.said().find("backup_not_built_on") != std::string::npos);
}

TEST_CASE("backup: what is no base among the bases is not backed up, and stops no backup") {
    ServedShop served;
    const fs::path bases = served.child.data() / "bases";
    fs::create_directories(bases / "partition-0-1-copy");
    for (const char* name : {"notes", ".DS_Store", "partition-0-1-copy/notes"})
        std::ofstream(bases / name) << "of somebody";
    check_done(backup(served.child.data(), served.to));
    const fs::path restored = served.folder.path() / "restored";
    check_done(restore(served.to, restored));
    CHECK_FALSE(fs::exists(restored / "bases" / "notes"));
}

TEST_CASE("backup: one that nobody can look for stays in the list of those that were made") {
    ServedShop served;
    served.child.stop();
    LosingDisk run(served.to);
    REQUIRE_FALSE(tools::backup::make_backup_offline(served.child.data(), {.to = served.to}, run));
    REQUIRE(fs::is_symlink(served.to));
    const auto listed = tools::backup::read_backup_list(served.child.data());
    REQUIRE(listed);
    REQUIRE(listed->size() == 1);
    CHECK(listed->front().folder == served.to.string());
}

TEST_CASE("restore: into a folder that nobody can look at nothing is begun") {
    ServedShop served;
    check_done(backup(served.child.data(), served.to));
    const fs::path data = served.folder.path() / "data";
    fs::create_symlink(data, data);
    check_refused(restore(served.to, data), data.string());
    CHECK_FALSE(fs::exists(data.string() + ".restoring"));
}

TEST_CASE("compact: a store that nobody can look at is not taken for one that is not there") {
    const TempDirectory data;
    const fs::path store = data.path() / "stores" / "partition-0";
    fs::create_directories(store.parent_path());
    fs::create_symlink(store, store);
    CHECK(tools::backup::stores_of(data.path())(0).error().code == bus::ErrorCode::unavailable);
}

TEST_CASE("backup: keys are in it only when asked for") {
    ServedShop served;
    const auto made = backup(served.child.data(), served.to);
    check_done(made);
    CHECK(made.out.find("left_out=master.key") != std::string::npos);
    const fs::path bare = served.folder.path() / "bare", keyed = served.folder.path() / "keyed";
    const auto restored = restore(served.to, bare);
    check_done(restored);
    CHECK(restored.out.find("missing_keys=master.key") != std::string::npos);
    CHECK(!fs::exists(bare / "master.key"));
    check_done(restore(
        served.to, keyed,
        {"--with-keys", served.child.data() / "master.key", served.child.data() / "admin.key"}));
    CHECK(fs::file_size(keyed / "master.key") == 32);
    CHECK((fs::status(keyed / "master.key").permissions() & fs::perms::others_read) ==
          fs::perms::none);
}

TEST_CASE("backup: an altered, cut or missing file is refused by name, and nothing is written") {
    ServedShop served;
    served.child.stop();
    check_done(backup(served.child.data(), served.to));  // offline
    const fs::path data = served.folder.path() / "restored";
    const auto files = pool_files(served.to);
    REQUIRE(files.size() > 10);
    for (const fs::path& file : {files.front(), files[files.size() / 2]}) {
        const fs::path kept = served.folder.path() / "kept";
        fs::copy_file(file, kept, fs::copy_options::overwrite_existing);
        {
            std::fstream opened(file, std::ios::in | std::ios::out | std::ios::binary);
            opened.seekg(static_cast<std::streamoff>(fs::file_size(file) / 2));
            const char byte = static_cast<char>(opened.peek() ^ 1);
            opened.write(&byte, 1);
        }
        check_refused(restore(served.to, data), "altered");
        check_refused(restore(served.to, data), file.filename().string());
        check_refused(run_program({program, "backup", "verify", served.to}), "altered");
        fs::resize_file(file, fs::file_size(file) - 1);
        check_refused(restore(served.to, data), "cut");
        fs::remove(file);
        check_refused(restore(served.to, data), "missing");
        CHECK(!fs::exists(data));
        fs::copy_file(kept, file);
    }
    // The folder of a service is a link to where it lies.
    fs::create_directories(data);
    const fs::path link = served.folder.path() / "link";
    fs::create_directory_symlink(data, link);
    check_done(restore(served.to, link));
    CHECK(fs::is_symlink(link));
    CHECK(fs::exists(data / "installation"));
    check_refused(restore(served.to, data), "not empty");

    for (const auto& entry : fs::directory_iterator(served.to)) {
        if (!fs::exists(entry.path() / "manifest.json")) continue;
        std::fstream(entry.path() / "manifest.json", std::ios::in | std::ios::out)
            .seekp(30)
            .write("9", 1);
    }
    check_refused(restore(served.to, served.folder.path() / "other"), "manifest.json was altered");
}

TEST_CASE("backup: what cannot be meant is refused with what to do") {
    ServedShop served;
    check_refused(backup(served.child.data(), served.child.data() / "inside"), "lies inside");
    check_refused(backup(served.folder.path() / "nothing", served.to), "no installation file");
    fs::create_directories(served.folder.path() / "photos" / "2026");
    check_refused(backup(served.child.data(), served.folder.path() / "photos"),
                  "is not a backup folder");
    check_refused(restore(served.folder.path() / "photos", served.folder.path() / "new"),
                  "is not a backup folder");
}

TEST_CASE("restore: what was erased after the backup is erased in what comes back") {
    ServedShop served;
    check_done(backup(served.child.data(), served.to, {"--with-keys"}));
    check_done(run_program(
        {program, "erase", "--tenant", "shop", "--commit", "--data", served.child.data()}));
    const fs::path plain = served.folder.path() / "plain", restored = served.folder.path() / "r";
    const auto without = restore(served.to, plain);
    check_done(without);
    CHECK(without.out.find("--erasures-from") != std::string::npos);
    CHECK(count_in_files(plain / "journal", "text 7") > 0);
    const auto with = restore(served.to, restored, {"--erasures-from", served.child.data()});
    check_done(with);
    CHECK(with.value("erasures").starts_with("era_"));

    ChildPlatform again(program, "", {}, restored);
    again.start();
    wait_for_resumed(again);
    again.stop();
    CHECK(count_in_files(restored / "journal", "text 7") == 0);
}

TEST_CASE("restore: a person's newer records are no places that others come to stand on") {
    ServedShop served;
    ToldShop& shop = *served.shop;
    check_done(backup(served.child.data(), served.to, {"--with-keys"}));
    shop.tell(60, 61);  // of the person as well, and a call
    check_done(run_program({program, "erase", "--customer", "+919811111104", "--of-tenant", "shop",
                            "--commit", "--data", served.child.data()}));
    served.child.stop();
    const fs::path restored = served.folder.path() / "restored";
    check_done(restore(served.to, restored, {"--erasures-from", served.child.data()}));
    CHECK(count_in_files(restored / "journal", "text 53") > 0);

    ChildPlatform again(program, "", {}, restored);
    again.start();
    wait_for_resumed(again);
    CHECK(count_in_files(restored / "journal", "text 53") == 0);
    CHECK(count_in_files(restored / "journal", "text 52") > 0);
    shop.moved_to(again.addresses(), "");
    shop.tell(61, 62);  // of another one
    const std::string position = shop.position();
    for (int starts = 0; starts < 2; ++starts) {
        again.stop();
        again.start();
        wait_for_resumed(again);
        shop.moved_to(again.addresses(), position);
        const auto answers = shop.answers();
        CHECK(answers.at("/v1/customer-timeline/9811111105?limit=200").find("text 61") !=
              std::string::npos);
        CHECK(answers.at("/v1/customer-timeline/9811111104?limit=200").find("text") ==
              std::string::npos);
    }
}

TEST_CASE("restore: what was erased of a client that changed meanwhile is erased all the same") {
    ServedShop served;
    ToldShop& shop = *served.shop;
    check_done(backup(served.child.data(), served.to, {"--with-keys"}));
    (void)shop.client().create_tenant("late");  // the backup does not know it
    const Answer changed = shop.client().api(
        "PATCH", "/api/clients/shop", operator_headers(served.child), R"({"name":"another name"})");
    REQUIRE_MESSAGE(changed.status == 200, changed.body);
    for (const std::string client : {"shop", "late"})
        check_done(run_program(
            {program, "erase", "--tenant", client, "--commit", "--data", served.child.data()}));
    served.child.stop();
    const fs::path restored = served.folder.path() / "restored";
    const auto done = restore(served.to, restored, {"--erasures-from", served.child.data()});
    check_done(done);
    CHECK(done.value("erasures").starts_with("era_"));
    CHECK_MESSAGE(done.out.find("\nerasures=") == done.out.rfind("\nerasures="), done.out);

    ChildPlatform again(program, "", {}, restored);
    again.start();
    wait_for_resumed(again);
    CHECK(count_in_files(restored / "journal", "text 7") == 0);
}

TEST_CASE("erase: a decision that names places of another client takes none of its bodies") {
    ServedShop served;
    ToldShop& shop = *served.shop;
    const Tenant other = shop.client().create_tenant("other");
    const Source source = shop.client().create_source(other, "interakt", "other-chat", "s3");
    Sender(shop.client(), source)
        .send(interakt_message("o1", "919811111188", "stays", "2026-03-01T09:00:00", "s3"));
    const Answer shown =
        shop.client().api("GET", "/api/clients/shop", operator_headers(served.child));
    served.child.stop();
    decide_to_erase_all_of_chat(served.child.data(),
                                *bus::parse_tenant_id(Document(shown).text("id")));
    served.child.start();
    wait_for_resumed(served.child);
    CHECK(count_in_files(served.child.data() / "journal", "text 7") == 0);
    CHECK(count_in_files(served.child.data() / "journal", "stays") == 1);
}

TEST_CASE("compact: files get smaller, answers stay") {
    ServedShop served;
    const auto before = served.shop->answers();
    const auto live = run_program({program, "compact", "--data", served.child.data()});
    check_done(live);
    CHECK(live.value("stores") == "4");
    CHECK_MESSAGE((served.shop->answers() == before), "answers differ");
    served.child.stop();
    const auto offline = run_program({program, "compact", "--data", served.child.data()});
    check_done(offline);
    CHECK(std::stoll(offline.value("bytes_after")) <= std::stoll(offline.value("bytes_before")));
}
