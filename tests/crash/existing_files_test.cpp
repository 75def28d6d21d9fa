// What cannot be looked at may be there: a name that leads to itself cannot.
#include "bus/existing_files.hpp"

#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <fstream>

namespace fs = std::filesystem;

TEST_CASE("files: what is there, what is not, and what nobody can say") {
    const tests::TempDirectory folder;
    const fs::path loop = folder.path() / "loop";
    fs::create_symlink(loop, loop);
    CHECK(bus::is_there(folder.path()).value_or(false));
    CHECK_FALSE(bus::is_there(folder.path() / "away").value_or(true));
    CHECK(bus::is_there(loop).error().code == bus::ErrorCode::unavailable);
    CHECK(bus::is_there(loop).error().message.find(loop.string()) != std::string::npos);
}

TEST_CASE("files: those of a folder in their order, none of one that is not there") {
    const tests::TempDirectory folder;
    for (const std::string name : {"b", "a"}) std::ofstream made(folder.path() / name);
    using Paths = std::vector<fs::path>;
    CHECK(bus::entries_of(folder.path()).value_or({}) ==
          Paths{folder.path() / "a", folder.path() / "b"});
    CHECK(bus::entries_of(folder.path() / "away").value_or(Paths{"wrong"}).empty());
    const fs::path loop = folder.path() / "loop";
    fs::create_symlink(loop, loop);
    CHECK(bus::entries_of(loop).error().code == bus::ErrorCode::unavailable);
    CHECK(bus::entries_of(folder.path() / "a").error().code == bus::ErrorCode::unavailable);
}
