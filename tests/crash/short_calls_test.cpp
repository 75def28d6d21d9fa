// A call that takes only a part of the bytes has not failed: the rest follows.
#include "tests/support/short_calls.hpp"

#include "bus/crypto/sealing.hpp"
#include "bus/embedded/file_ops.hpp"
#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <string>

#include <unistd.h>

TEST_CASE("short calls: the master key is read in parts") {
    const tests::TempDirectory folder;
    const auto made = bus::crypto::load_or_create_master_key(folder.path() / "master.key");
    const tests::ShortCalls halves;
    const auto read = bus::crypto::load_or_create_master_key(folder.path() / "master.key");
    REQUIRE_MESSAGE(read, (read ? "" : read.error().message));
    CHECK(*read == *made);
    CHECK(halves.count() > 0);
}

TEST_CASE("short calls: who holds a journal's lock is written in parts") {
    const tests::TempDirectory folder;
    const tests::ShortCalls halves;
    const auto lock = bus::embedded::real_files().lock(folder.path());
    REQUIRE_MESSAGE(lock, (lock ? "" : lock.error().message));
    std::string owner;
    std::getline(std::ifstream(folder.path() / "lock"), owner);
    CHECK(owner == std::to_string(::getpid()));
    CHECK(halves.count() > 0);
}
