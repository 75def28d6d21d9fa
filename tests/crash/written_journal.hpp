// A journal of several small segments on disk, and what it holds, for tests that damage it.
#pragma once

#include "bus/embedded/journal.hpp"
#include "bus/embedded/segment_reader.hpp"
#include "tests/crash/acknowledged.hpp"
#include "tests/support/sealed_segment.hpp"
#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <thread>

namespace tests::crash {

using namespace bus;
using namespace bus::embedded;
using namespace std::chrono_literals;

inline constexpr PartitionId partitions = 2;

inline JournalOptions options_in(const std::filesystem::path& directory) {
    return {.directory = directory,
            .partitions = partitions,
            .segment_bytes = 128u << 10,
            .reserve_bytes = 0,
            .tail_cache_bytes = 0};
}

// A journal of several segments on disk, and what it holds.
struct Written {
    Written() {
        auto journal = Journal::open(options_in(path()));
        REQUIRE(journal.has_value());
        for (std::uint64_t number = 0; number < 200; ++number) {
            auto result = append_and_wait(**journal, numbered_record(number, partitions), 5s);
            REQUIRE(result.has_value());
            acknowledged.emplace(number, result->address);
        }
        for (const auto& entry : std::filesystem::directory_iterator(path()))
            if (auto id = parse_segment_file_name(entry.path().filename().string()))
                if (header_of(*id).segment == *id) last = std::max(last, *id);
        REQUIRE(last > 2);
        for (std::uint64_t id = 1; id < last; ++id) REQUIRE(tests::becomes_sealed(file(id)));
    }

    const std::filesystem::path& path() const { return directory.path(); }
    std::filesystem::path file(std::uint64_t id) const { return path() / segment_file_name(id); }

    std::string bytes(std::uint64_t id) const {
        std::ifstream in(file(id), std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    SegmentHeader header_of(std::uint64_t id) const {
        return load<SegmentHeader>(bytes(id).data());
    }
    SegmentTrailer trailer_of(std::uint64_t id) const {
        const std::string all = bytes(id);
        return load<SegmentTrailer>(all.data() + all.size() - sizeof(SegmentTrailer));
    }
    std::vector<std::uint64_t> frames_of(std::uint64_t id) const {
        std::vector<std::uint64_t> at;
        auto opened = real_files().open(file(id));
        auto end = scan_frames(**opened, header_of(id), std::nullopt, [&](const CheckedFrame& f) {
            at.push_back(f.records.front().place.at - sizeof(FrameHeader));
        });
        REQUIRE(end.has_value());
        return at;
    }
    // Of a record of which nothing but the body is flipped by a byte before it.
    std::uint64_t end_of_a_body(std::uint64_t id) const {
        std::uint64_t end = 0;
        auto opened = real_files().open(file(id));
        auto scanned =
            scan_frames(**opened, header_of(id), std::nullopt, [&](const CheckedFrame& frame) {
                const PlacedRecord& one = frame.records.front();
                if (one.record.value.size() > 100) end = one.place.at + one.place.bytes;
            });
        REQUIRE(scanned.has_value());
        REQUIRE(end > 0);
        return end;
    }
    void flip(std::uint64_t id, std::uint64_t at) const {
        std::fstream stream(file(id), std::ios::binary | std::ios::in | std::ios::out);
        stream.seekg(static_cast<std::streamoff>(at));
        const int byte = stream.get();
        stream.seekp(static_cast<std::streamoff>(at));
        stream.put(static_cast<char>(byte ^ 0x10));
    }

    Result<std::unique_ptr<Journal>> open() const { return Journal::open(options_in(path())); }
    void check_refused(ErrorCode code) const {
        const std::string before = bytes(last);
        auto journal = open();
        REQUIRE_FALSE(journal.has_value());
        CHECK_MESSAGE(journal.error().code == code, journal.error().message);
        CHECK_MESSAGE(bytes(last) == before, "nothing was changed");
    }
    void check_whole() const {
        auto journal = open();
        REQUIRE_MESSAGE(journal.has_value(), (journal ? "" : journal.error().message));
        for (const auto& [number, address] : acknowledged) {
            auto copy = append_and_wait(**journal, numbered_record(number, partitions), 5s);
            REQUIRE(copy.has_value());
            CHECK(copy->duplicate);
            CHECK(copy->address == address);
        }
        auto verdict = compare(**journal, acknowledged);
        REQUIRE_MESSAGE(verdict.has_value(), (verdict ? "" : verdict.error().message));
        CHECK(verdict->clean());
        CHECK(verdict->records == acknowledged.size());
    }

    tests::TempDirectory directory;
    Acknowledged acknowledged;
    std::uint64_t last = 0;
};

}  // namespace tests::crash
