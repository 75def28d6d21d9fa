// More files than a process may have descriptors: those at rest are closed and opened again.
#include "bus/embedded/file_ops.hpp"
#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <atomic>
#include <fstream>
#include <thread>

using bus::ErrorCode;
using bus::embedded::File;
using bus::embedded::page_bytes;
using bus::embedded::real_files;

namespace {

constexpr std::size_t files_open_max = 1'024;
constexpr std::size_t descriptors_each = 2;

std::size_t descriptors_now() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

std::string text_of(std::size_t number) {
    return fmt::format("{:08}", number);
}

std::string text_in(File& file) {
    std::string text(8, '\0');
    const auto read = file.read_at(0, text.data(), text.size());
    return read ? text : "unreadable: " + read.error().message;
}

struct Files {
    tests::TempDirectory folder;
    std::vector<std::unique_ptr<File>> open;

    explicit Files(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            std::string page = text_of(i);
            page.resize(page_bytes);
            std::ofstream(path(i), std::ios::binary) << page;
            auto opened = real_files().open(path(i));
            REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().message));
            open.push_back(*std::move(opened));
            open.back()->rest(path(i));
        }
    }
    std::filesystem::path path(std::size_t number) const {
        return folder.path() / std::to_string(number);
    }
    // Until the first has been closed.
    void use_all() {
        for (std::size_t i = 0; i < open.size(); ++i) REQUIRE(text_in(*open[i]) == text_of(i));
    }
};

}  // namespace

TEST_CASE("files at rest: so many are open and no more, and all can be read and written") {
    const std::size_t before = descriptors_now();
    Files files(files_open_max + 100);
    CHECK(descriptors_now() <= before + descriptors_each * files_open_max);
    files.use_all();
    CHECK(descriptors_now() <= before + descriptors_each * files_open_max);
    std::string page = "written.";
    page.resize(page_bytes);
    bus::embedded::AlignedBuffer aligned = bus::embedded::AlignedBuffer::zeroed(page_bytes);
    std::memcpy(aligned.data(), page.data(), page.size());
    REQUIRE(files.open[0]->write_at(0, aligned.view()));
    for (std::size_t i = 1; i < files.open.size(); ++i) text_in(*files.open[i]);
    REQUIRE(files.open[0]->sync());
    CHECK(text_in(*files.open[0]) == "written.");
    files.open.clear();
    CHECK(descriptors_now() == before);
}

TEST_CASE("files at rest: who holds one whose name goes to another goes on with it") {
    Files files(files_open_max + 100);
    SUBCASE("that was told") {
        REQUIRE(files.open[0]->lose_name());
        files.open[0]->rest(files.path(0));
        REQUIRE(real_files().rename(files.path(1), files.path(0)));
        for (std::size_t i = 2; i < files.open.size(); ++i) text_in(*files.open[i]);
        CHECK(text_in(*files.open[0]) == text_of(0));
    }
    SUBCASE("that was not told: what is another file is not read as it") {
        REQUIRE(real_files().rename(files.path(1), files.path(0)));
        char byte;
        CHECK(files.open[0]->read_at(0, &byte, 1).error().code == ErrorCode::unavailable);
    }
}

TEST_CASE("files at rest: many threads read them while they are closed and opened") {
    Files files(files_open_max + 10);
    std::atomic<int> wrong{0};
    std::vector<std::thread> readers;
    for (std::size_t reader = 0; reader < 4; ++reader)
        readers.emplace_back([&, reader] {
            for (std::size_t i = 0; i < 2 * files.open.size(); ++i) {
                const std::size_t number = (i + reader * 5) % files.open.size();
                if (text_in(*files.open[number]) != text_of(number)) ++wrong;
            }
        });
    for (std::thread& reader : readers) reader.join();
    CHECK(wrong == 0);
}

TEST_CASE("files at rest: two that write one, each its own page, sync it as they like") {
    constexpr int rounds = 2'000;
    tests::TempDirectory folder;
    const auto path = folder.path() / "two";
    std::ofstream(path, std::ios::binary) << std::string(2 * page_bytes, '\0');
    auto file = real_files().open(path);
    REQUIRE(file);
    (*file)->rest(path);
    std::atomic<int> failed{0};
    const auto write = [&](std::uint64_t page) {
        const auto bytes = bus::embedded::AlignedBuffer::zeroed(page_bytes);
        for (int i = 0; i < rounds; ++i) {
            failed += !(*file)->write_at(page * page_bytes, bytes.view());
            failed += !(*file)->sync();
        }
    };
    std::thread other(write, 1);
    write(0);
    other.join();
    CHECK(failed == 0);
}
