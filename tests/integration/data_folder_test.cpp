// A data folder in the hands of several users and processes: what cannot be read is never taken
// for new, and what root does in it stays its owner's.
#include "tests/support/child_platform.hpp"
#include "tests/support/program_run.hpp"
#include "tools/folder_owner.hpp"
#include "tools/installation.hpp"
#include "tools/open_log.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

using namespace tests;

namespace {

namespace fs = std::filesystem;

constexpr uid_t nobody = 65534;
const std::string program = TRIBUTARY_PROGRAM;

bool are_root() {
    return ::geteuid() == 0;
}

// Root reads everything, so it is somebody else meanwhile.
class AnotherUser {
public:
    AnotherUser() {
        if (was_root_) REQUIRE(::seteuid(nobody) == 0);
    }
    ~AnotherUser() {
        if (was_root_ && ::seteuid(0) != 0) std::abort();
    }
    AnotherUser(const AnotherUser&) = delete;
    AnotherUser& operator=(const AnotherUser&) = delete;

private:
    const bool was_root_ = are_root();
};

std::string text_of(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void give_to_nobody(const fs::path& folder) {
    REQUIRE(::lchown(folder.c_str(), nobody, nobody) == 0);
    for (const auto& entry : fs::recursive_directory_iterator(folder))
        REQUIRE(::lchown(entry.path().c_str(), nobody, nobody) == 0);
}

struct OpenedFolder {
    OpenedFolder() {
        if (are_root()) give_to_nobody(directory.path());
        const AnotherUser user;
        const auto opened = open();
        REQUIRE_MESSAGE(opened, opened.error().message);
    }
    bus::Result<tools::Installation> open() const {
        tools::ServeOptions options;
        options.data = data;
        return tools::open_installation(options);
    }

    TempDirectory directory;
    const fs::path data = directory.path() / "data";
};

// Of those that are not `nobody`'s.
std::vector<std::string> others_files(const fs::path& folder) {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        struct stat status {};
        REQUIRE(::lstat(entry.path().c_str(), &status) == 0);
        if (status.st_uid != nobody || status.st_gid != nobody)
            names.push_back(entry.path().string());
    }
    return names;
}

void check_done(const ProgramRun& run) {
    CHECK_MESSAGE(run.exit_code == 0, run.out << run.error);
}

}  // namespace

TEST_CASE("a file of the data folder that may not be read is refused by name and left") {
    const OpenedFolder folder;
    for (const char* name : {"installation", "admin.key", "master.key"}) {
        CAPTURE(name);
        const fs::path file = folder.data / name;
        const std::string before = text_of(file);
        REQUIRE(::chmod(file.c_str(), 0) == 0);
        if (are_root()) REQUIRE(::lchown(file.c_str(), 0, 0) == 0);
        {
            const AnotherUser user;
            const auto opened = folder.open();
            REQUIRE_FALSE(opened);
            CHECK(opened.error().message.find(file.string()) != std::string::npos);
            CHECK(opened.error().message.find("chown --reference") != std::string::npos);
        }
        REQUIRE(::chmod(file.c_str(), 0600) == 0);
        CHECK(text_of(file) == before);
        if (are_root()) REQUIRE(::lchown(file.c_str(), nobody, nobody) == 0);
    }
    const AnotherUser user;
    CHECK(folder.open());
}

TEST_CASE("an empty description or key is damage, not a new folder") {
    const OpenedFolder folder;
    for (const char* name : {"installation", "admin.key"}) {
        CAPTURE(name);
        const fs::path file = folder.data / name;
        const std::string before = text_of(file);
        std::ofstream(file, std::ios::trunc).flush();
        const auto opened = folder.open();
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == bus::ErrorCode::corrupt);
        CHECK(text_of(file).empty());
        std::ofstream(file) << before;
    }
}

TEST_CASE("a folder that holds data without a description is not begun anew") {
    for (const char* name : {"journal", "stores", "spool", "kafka-marks"}) {
        CAPTURE(name);
        const OpenedFolder folder;
        fs::create_directory(folder.data / name);
        std::ofstream(folder.data / name / "of_before") << "data";
        fs::remove(folder.data / "installation");
        const auto opened = folder.open();
        REQUIRE_FALSE(opened);
        CHECK(opened.error().message.find(name) != std::string::npos);
        CHECK_FALSE(fs::exists(folder.data / "installation"));
        fs::remove(folder.data / name / "of_before");
        CHECK(folder.open());  // as a volume of its own is at first
    }
}

TEST_CASE("a journal that nobody can look at is not taken for one that is gone") {
    const TempDirectory folder;
    const fs::path journal = folder.path() / "journal";
    fs::create_directories(folder.path() / "stores" / "partition-0");
    fs::create_symlink(journal, journal);
    tools::ServeOptions options;
    options.data = folder.path();
    options.log = "embedded";
    const auto code = [&] {
        const auto opened = tools::open_served_log(options, bus::system_clock());
        return opened ? std::nullopt : std::optional(opened.error().code);
    };
    CHECK(code() == bus::ErrorCode::unavailable);
    fs::remove(journal);
    CHECK(code() == bus::ErrorCode::corrupt);
}

TEST_CASE("serve ends where it cannot read which log the folder goes on with") {
    const OpenedFolder folder;
    fs::remove(folder.data / "installation");
    fs::create_symlink("installation", folder.data / "installation");  // to itself
    ChildPlatform child(program, "", {}, folder.data);
    child.launch();
    REQUIRE(child.ends_within(std::chrono::seconds{30}));
    CHECK(child.how_it_ended() == "exit 2");
    CHECK(child.said().find((folder.data / "installation").string()) != std::string::npos);
    CHECK(fs::is_symlink(folder.data / "installation"));
}

TEST_CASE("what root does offline in somebody's folder stays that user's") {
    if (!are_root()) {
        MESSAGE("skipped: only root may give files away");
        return;
    }
    ChildPlatform child(program, "");
    child.start();
    CHECK(child.stop() == 0);
    const TempDirectory places;
    const fs::path backups = places.path() / "backups", restored = places.path() / "restored";
    for (const fs::path& folder : {backups, restored}) {
        fs::create_directory(folder);
        give_to_nobody(folder);
    }
    give_to_nobody(child.data());
    check_done(run_program({program, "compact", "--data", child.data()}));
    CHECK(others_files(child.data()) == std::vector<std::string>{});
    check_done(run_program({program, "backup", "--data", child.data(), "--to", backups}));
    CHECK(others_files(child.data()) == std::vector<std::string>{});
    CHECK(others_files(backups) == std::vector<std::string>{});
    check_done(run_program({program, "restore", "--from", backups, "--data", restored}));
    CHECK(others_files(places.path()) == std::vector<std::string>{});
}

TEST_CASE("files that share their bytes inside of the folder are given, with one outside are not") {
    if (!are_root()) {
        MESSAGE("skipped: only root may give files away");
        return;
    }
    const TempDirectory places;
    const fs::path data = places.path() / "data";
    fs::create_directories(data / "stores");
    fs::create_directories(data / "bases");
    std::ofstream(data / "stores" / "table") << "rows";
    fs::create_hard_link(data / "stores" / "table", data / "bases" / "table");
    std::ofstream(places.path() / "elsewhere") << "root's";
    fs::create_hard_link(places.path() / "elsewhere", data / "bases" / "alias");
    const TempDirectory nobodys;
    give_to_nobody(nobodys.path());
    tools::give_to_owner_of(nobodys.path(), data);
    CHECK(others_files(data) == std::vector<std::string>{data / "bases" / "alias"});
}

TEST_CASE(
    "a note that a killed process left stops no offline command, whoever has its number now") {
    ChildPlatform child(program, "");
    child.start();
    const fs::path note = child.data() / "serving.json";
    child.kill();
    for (const char* command : {"compact", "verify"}) {
        CAPTURE(command);
        std::ofstream(note) << fmt::format(R"({{"process":{},"api":"127.0.0.1:1"}})", ::getpid());
        check_done(run_program({program, command, "--data", child.data()}));
        CHECK_FALSE(fs::exists(note));  // nobody who comes meanwhile believes it
    }
}

TEST_CASE("a process that serves is found by the lock, where its number is another one's") {
    ChildPlatform child(program, "");
    child.start();
    const fs::path note = child.data() / "serving.json";
    std::string text = text_of(note);
    const std::string number = fmt::format(R"("process":{})", child.process());
    REQUIRE(text.find(number) != std::string::npos);
    text.replace(text.find(number), number.size(), R"("process":2147483647)");
    std::ofstream(note) << text;
    check_done(run_program({program, "jobs", "--data", child.data()}));
    check_done(run_program({program, "compact", "--data", child.data()}));
}

TEST_CASE("one who only asks whether a folder is served keeps nobody from serving it") {
    const OpenedFolder folder;
    CHECK_FALSE(tools::FolderLock::is_held(folder.data));
    const auto lock = tools::FolderLock::take(folder.data);
    REQUIRE(lock);
    CHECK(tools::FolderLock::is_held(folder.data));
    CHECK_FALSE(tools::FolderLock::is_held(folder.directory.path()));
}
