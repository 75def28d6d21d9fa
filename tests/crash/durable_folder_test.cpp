// A new folder's name is on the disk before anybody relies on what stands in it.
#include "bus/durable_folder.hpp"

#include "bus/embedded/file_ops.hpp"
#include "tests/support/seen_syncs.hpp"
#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <set>

namespace fs = std::filesystem;

namespace {

// What was synced by `make`.
std::set<fs::path> synced_by(const std::function<bus::Result<bus::Done>()>& make) {
    const tests::SeenSyncs syncs;
    const auto made = make();
    REQUIRE_MESSAGE(made, made.error().message);
    const auto seen = syncs.seen();
    return {seen.begin(), seen.end()};
}

}  // namespace

TEST_CASE("folders: the name of each new one is durable when it has been made") {
    const tests::TempDirectory folder;
    const fs::path top = fs::canonical(folder.path());
    const auto made = synced_by([&] { return bus::make_folder_durably(top / "a" / "b" / "c/"); });
    CHECK(fs::is_directory(top / "a" / "b" / "c"));
    CHECK(made == std::set<fs::path>{top.parent_path(), top, top / "a", top / "a" / "b"});
    const auto again = synced_by([&] { return bus::make_folder_durably(top / "a" / "b" / "c"); });
    CHECK(again == std::set<fs::path>{top / "a" / "b"});
}

TEST_CASE("folders: the journal's and the spool's are made so") {
    const tests::TempDirectory folder;
    const fs::path top = fs::canonical(folder.path());
    const auto made =
        synced_by([&] { return bus::embedded::real_files().make_directory(top / "spool" / "1"); });
    CHECK(made.contains(top));
    CHECK(made.contains(top / "spool"));
}

TEST_CASE("folders: a name that cannot be made durable is no folder to rely on") {
    const tests::TempDirectory folder;
    const tests::SeenSyncs syncs{tests::Syncing::fails};
    const auto made = bus::make_folder_durably(folder.path() / "new");
    const auto there = bus::make_folder_durably(folder.path());
    CHECK(made.error().code == bus::ErrorCode::unavailable);
    CHECK(made.error().message.find((folder.path() / "new").string()) != std::string::npos);
    CHECK(there);
}
