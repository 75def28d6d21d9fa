// backup, restore and compact of the real program: what comes back is what was there, what was
// altered is refused by name, and what is there already is not copied again.
#include "tests/support/child_platform.hpp"
#include "tests/support/files_holding.hpp"
#include "tests/support/program_run.hpp"
#include "tests/support/told_shop.hpp"

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
    check_done(restore(served.to, data));
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
    ProductClient client(again.addresses());
    const Headers admin{{"authorization", "Bearer " + again.addresses().admin_key}};
    bool done = false;
    for (int i = 0; i < 600 && !done; ++i) {
        const auto jobs = client.api("GET", "/v1/jobs", admin);
        done = jobs.body.find(R"("kind":"erase")") != std::string::npos &&
               jobs.body.find(R"("state":"done")") != std::string::npos;
        std::this_thread::sleep_for(std::chrono::milliseconds{100});
    }
    CHECK(done);
    again.stop();
    CHECK(count_in_files(restored / "journal", "text 7") == 0);
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
