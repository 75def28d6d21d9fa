// A journal with any bytes changed and its end cut anywhere: never a crash, and what verify proves
// without a remark opens. The input is a list of changes, since random bytes pass no checksum:
// u16 where the file is cut (0 = nowhere), then (u16 at, u8 new byte) as often as it goes.
#include "bus/embedded/journal.hpp"
#include "bus/embedded/journal_verifier.hpp"
#include "tests/support/simulated_disk.hpp"

#include <cstring>

using namespace bus;
using namespace bus::embedded;

namespace {

constexpr std::uint64_t segment_bytes = 64u << 10;

JournalOptions options_on(tests::SimulatedDisk& disk) {
    JournalOptions options{.directory = "fuzz",
                           .partitions = 1,
                           .segment_bytes = segment_bytes,
                           .reserve_bytes = 0,
                           .tail_cache_bytes = 0};
    options.files = &disk;
    return options;
}

// One segment with some groups, one of them erased.
std::string written_segment() {
    tests::SimulatedDisk disk(1);
    {
        auto journal = Journal::open(options_on(disk));
        for (int i = 0; i < 20; ++i) {
            NewRecord record;
            record.topic = topic_at(static_cast<std::size_t>(i) % 3);
            record.key = "k";
            record.value = std::string(static_cast<std::size_t>(i) * 40, 'v');
            record.dedup.emplace();
            record.dedup->bytes[0] = static_cast<std::uint8_t>(i);
            BUS_ASSERT(append_and_wait(**journal, std::move(record), milliseconds{5'000}), "room");
        }
        const Address erased{topic_at(1), 0, 2};
        BUS_ASSERT((*journal)->erase(std::span(&erased, 1)), "erased");
    }
    auto file = disk.open(std::filesystem::path("fuzz") / segment_file_name(1));
    std::string bytes(segment_bytes, '\0');
    BUS_ASSERT((*file)->read_at(0, bytes.data(), bytes.size()), "read");
    return bytes;
}

std::uint16_t number_at(const std::uint8_t* data) {
    std::uint16_t number = 0;
    std::memcpy(&number, data, sizeof number);
    return number;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::string original = written_segment();
    if (size < 2) return 0;
    std::string bytes = original;
    const std::uint64_t cut = page_ceil(number_at(data));
    for (std::size_t i = 2; i + 3 <= size; i += 3)
        bytes[number_at(data + i)] = static_cast<char>(data[i + 2]);
    if (cut > 0) bytes.resize(std::min<std::uint64_t>(cut, bytes.size()));

    tests::SimulatedDisk disk(1);
    const auto path = std::filesystem::path("fuzz") / segment_file_name(1);
    BUS_ASSERT(disk.make_directory(path.parent_path()), "made");
    BUS_ASSERT(disk.create_zeroed(path, bytes.size()), "made");
    AlignedBuffer buffer = AlignedBuffer::zeroed(bytes.size());
    std::memcpy(buffer.data(), bytes.data(), bytes.size());
    {
        auto file = disk.open(path);
        BUS_ASSERT((*file)->write_at(0, buffer.view()) && (*file)->sync(), "written");
    }
    const auto proof = verify_folder("fuzz", {}, disk);
    auto journal = Journal::open(options_on(disk));
    if (proof && proof->proven() && proof->remarks.empty())
        BUS_ASSERT(journal, "what is proved opens");
    if (!journal) return 0;
    auto reader = (*journal)->open_reader({.partition = 0, .topics = partitioned_topic_set()});
    for (bool more = true; reader && more;) {
        auto batch = (*reader)->poll(64, 1u << 20);
        more = batch && !batch->empty();
    }
    return 0;
}
