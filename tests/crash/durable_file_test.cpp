// A small file is on the disk under its name, whole, or the one before still is.
#include "bus/durable_file.hpp"

#include "tests/support/seen_syncs.hpp"
#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <iterator>

namespace fs = std::filesystem;

namespace {

std::string text_of(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// No file of this process grows past `bytes`, as if the disk were full.
class SmallDisk {
public:
    explicit SmallDisk(rlim_t bytes) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit small{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &small);
    }
    ~SmallDisk() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, told_);
    }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;

private:
    rlimit before_{};
    void (*const told_)(int) = std::signal(SIGXFSZ, SIG_IGN);
};

struct Written {
    tests::TempDirectory folder;
    fs::path file = fs::canonical(folder.path()) / "settings";
    Written() {
        const auto written = bus::write_durably(file, "before");
        REQUIRE_MESSAGE(written, written.error().message);
    }
};

void check_refused(const bus::Result<bus::Done>& written, const fs::path& file) {
    REQUIRE_FALSE(written);
    CHECK(written.error().code == bus::ErrorCode::unavailable);
    CHECK(written.error().message.find(file.string()) != std::string::npos);
}

}  // namespace

TEST_CASE("files: the bytes are durable before the name is, and the name when it returns") {
    const Written old;
    const tests::SeenSyncs syncs;
    REQUIRE(bus::write_durably(old.file, "after"));
    CHECK(syncs.seen() ==
          std::vector<fs::path>{old.file.string() + ".new", old.file.parent_path()});
    CHECK(text_of(old.file) == "after");
    CHECK_FALSE(fs::exists(old.file.string() + ".new"));
}

TEST_CASE("files: only the owner may read one") {
    const Written old;
    CHECK(fs::status(old.file).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
}

TEST_CASE("files: one that could not be synced leaves the one before") {
    const Written old;
    const tests::SeenSyncs syncs{tests::Syncing::fails};
    check_refused(bus::write_durably(old.file, "after"), old.file);
    CHECK(text_of(old.file) == "before");
}

TEST_CASE("files: one that the disk has no room for leaves the one before") {
    const Written old;
    const auto written = [&] {
        const SmallDisk disk(1'000);
        return bus::write_durably(old.file, std::string(1'001, 'x'));
    }();
    check_refused(written, old.file);
    CHECK(text_of(old.file) == "before");
    CHECK(bus::write_durably(old.file, "after"));  // over what was left beside
    CHECK(text_of(old.file) == "after");
}

TEST_CASE("files: a folder takes a new name, which is durable") {
    const tests::TempDirectory folder;
    const fs::path top = fs::canonical(folder.path());
    fs::create_directory(top / "part");
    const tests::SeenSyncs syncs;
    CHECK(bus::rename_durably(top / "part", top / "whole"));
    CHECK(syncs.seen() == std::vector<fs::path>{top});
    CHECK(fs::is_directory(top / "whole"));
    check_refused(bus::rename_durably(top / "part", top / "again"), top / "part");
}
