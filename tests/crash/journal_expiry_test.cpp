// What becomes of damaged segments, and of failures, while bodies expire.
#include "tests/crash/written_journal.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/files_holding.hpp"
#include "tests/support/forwarding_disk.hpp"

using namespace tests::crash;

namespace {

// All that is there, but for what is kept for ever.
std::vector<RecordRange> everything(Log& log) {
    std::vector<RecordRange> ranges;
    for (std::size_t i = 0; i < topic_count; ++i)
        for (PartitionId partition = 0; partition < partitions; ++partition)
            if (may_expire(topic_at(i)))
                ranges.push_back({{topic_at(i), partition},
                                  0,
                                  log.end_offset({topic_at(i), partition}).value_or(0)});
    return ranges;
}

struct Found {
    std::size_t expired = 0, corrupt = 0;
    bool operator==(const Found&) const = default;
};

Found look_at_all(Log& log, const Acknowledged& acknowledged) {
    Found found;
    for (const auto& [number, address] : acknowledged) {
        const auto record = log.read_at(address);
        if (!record && record.error().code == ErrorCode::corrupt) ++found.corrupt;
        if (record && record->expired) ++found.expired;
    }
    return found;
}

// A real disk that cannot rename.
class FixedNames final : public tests::ForwardingDisk {
public:
    FixedNames() : ForwardingDisk(real_files()) {}
    Result<Done> rename(const Path& a, const Path& b) override {
        if (a.filename() == refused) return fail(ErrorCode::unavailable, "it keeps its name");
        return ForwardingDisk::rename(a, b);
    }
    Result<Done> remove(const Path& f) override {
        if (f.filename() == refused && keeps_all)
            return fail(ErrorCode::unavailable, "it cannot go");
        return ForwardingDisk::remove(f);
    }

    const std::string refused = "beside";
    std::atomic<bool> keeps_all{false};
};

// A real disk that counts how often its folder is listed.
class CountedLists final : public tests::ForwardingDisk {
public:
    CountedLists() : ForwardingDisk(real_files()) {}
    Result<std::vector<std::string>> list(const Path& d) override {
        ++lists;
        return ForwardingDisk::list(d);
    }
    std::atomic<int> lists{0};
};

NewRecord chat_record(std::uint64_t number, std::string value) {
    NewRecord record = numbered_record(number, partitions);
    record.topic = Topic::chat;
    record.partition = 0;
    record.value = std::move(value);
    return record;
}

}  // namespace

TEST_CASE("what expired leaves a segment whose places were damaged, too") {
    const Written written;
    written.flip(1, written.trailer_of(1).places_at + 9);
    auto journal = written.open();
    REQUIRE(journal.has_value());
    REQUIRE((*journal)->read_at(written.acknowledged.at(0)).has_value());
    const auto ranges = everything(**journal);
    const auto expired = (*journal)->expire(ranges, {});
    REQUIRE_MESSAGE(expired.has_value(), (expired ? "" : expired.error().message));
    CHECK(look_at_all(**journal, written.acknowledged) == Found{.expired = 200});
}

TEST_CASE("a segment whose places a reader found damaged is sealed again at once") {
    const Written written;
    const std::string whole = written.bytes(1);
    written.flip(1, written.trailer_of(1).places_at + 9);
    REQUIRE(written.bytes(1) != whole);
    auto journal = written.open();
    REQUIRE(journal.has_value());
    REQUIRE((*journal)->read_at(written.acknowledged.at(0)).has_value());
    CHECK(tests::eventually([&] { return written.bytes(1) == whole; }));
}

TEST_CASE("a damaged body expires like any other") {
    const Written written;
    written.flip(1, written.end_of_a_body(1) - 10);
    auto journal = written.open();
    REQUIRE(journal.has_value());
    REQUIRE(look_at_all(**journal, written.acknowledged) == Found{.corrupt = 1});
    const auto expired = (*journal)->expire(everything(**journal), {});
    REQUIRE_MESSAGE(expired.has_value(), (expired ? "" : expired.error().message));
    CHECK(expired->damaged.empty());
    CHECK(look_at_all(**journal, written.acknowledged) == Found{.expired = 200});
}

TEST_CASE("a damaged body that has not expired stays as damaged as it is") {
    const Written written;
    const std::uint64_t end = written.end_of_a_body(1);
    written.flip(1, end - 10);
    auto journal = written.open();
    REQUIRE(journal.has_value());
    std::optional<Address> damaged;
    for (const auto& [number, address] : written.acknowledged)
        if (!(*journal)->read_at(address)) damaged = address;
    REQUIRE(damaged);
    auto ranges = everything(**journal);
    std::size_t kept = 0;
    for (RecordRange& range : ranges) {
        if (range.where != TopicPartition{damaged->topic, damaged->partition}) continue;
        kept = range.before;
        range.before = 0;
    }
    REQUIRE((*journal)->expire(ranges, {}).has_value());
    CHECK(look_at_all(**journal, written.acknowledged) ==
          Found{.expired = 200 - kept, .corrupt = 1});
}

TEST_CASE("a segment with a damaged frame keeps its bodies, which is told; others lose theirs") {
    const Written written;
    written.flip(2, written.frames_of(2)[1] + 64 + 20);
    auto journal = written.open();
    REQUIRE(journal.has_value());
    const auto expired = (*journal)->expire(everything(**journal), {});
    REQUIRE_MESSAGE(expired.has_value(), (expired ? "" : expired.error().message));
    REQUIRE(expired->damaged.size() == 1);
    CHECK(expired->damaged[0].why.find(segment_file_name(2)) != std::string::npos);
    CHECK(expired->segments == written.last - 1);
    CHECK((*journal)->read_at(written.acknowledged.at(0))->expired);
    CHECK((*journal)->read_at(written.acknowledged.at(199))->expired);
}

TEST_CASE("what a damaged segment keeps is tried again without another segment being read") {
    const Written written;
    const std::uint64_t damage = written.frames_of(2)[1] + 64 + 20;
    written.flip(2, damage);
    auto journal = written.open();
    REQUIRE(journal.has_value());
    const auto expired = (*journal)->expire(everything(**journal), {});
    REQUIRE(expired.has_value());
    REQUIRE(expired->damaged.size() == 1);
    std::uint64_t seen = 0;
    const auto count = [&](std::uint64_t records) {
        seen += records;
        return true;
    };
    const auto again = (*journal)->expire(expired->damaged[0].ranges, {.go_on = count});
    REQUIRE(again.has_value());
    CHECK(seen == 1);  // what stands before the damage
    REQUIRE(again->damaged.size() == 1);
    CHECK(again->damaged[0].why == expired->damaged[0].why);

    written.flip(2, damage);  // mended
    REQUIRE((*journal)->expire(again->damaged[0].ranges, {}).has_value());
    CHECK(look_at_all(**journal, written.acknowledged) == Found{.expired = 200});
}

TEST_CASE("a body is gone from the disk once it is erased, whatever failed before") {
    const std::string secret = "what she wrote to us";
    const tests::TempDirectory directory;
    FixedNames disk;
    SUBCASE("a segment could not take the other's name") {}
    SUBCASE("nor could it go") {
        disk.keeps_all = true;
    }
    JournalOptions options = options_in(directory.path());
    options.files = &disk;
    auto journal = Journal::open(options);
    REQUIRE(journal.has_value());
    REQUIRE(append_and_wait(**journal, chat_record(0, "old"), 5s).has_value());
    const auto hers = append_and_wait(**journal, chat_record(1, secret), 5s);
    REQUIRE(hers.has_value());
    const RecordRange range{{Topic::chat, 0}, 0, 1};
    CHECK((*journal)->expire({&range, 1}, {}).error().code == ErrorCode::unavailable);
    if (disk.keeps_all) {
        CHECK_FALSE((*journal)->erase({&hers->address, 1}).has_value());
        disk.keeps_all = false;
    }
    REQUIRE((*journal)->erase({&hers->address, 1}).has_value());
    CHECK(tests::count_in_files(directory.path(), secret) == 0);
}

TEST_CASE("what an expiry left of names is settled by the next erasure, and looked for no more") {
    const tests::TempDirectory directory;
    CountedLists disk;
    JournalOptions options = options_in(directory.path());
    options.files = &disk;
    auto journal = Journal::open(options);
    REQUIRE(journal.has_value());
    const auto record = append_and_wait(**journal, chat_record(0, "hers"), 5s);
    REQUIRE(record.has_value());
    const auto lists_of_erasing = [&](std::span<const Address> addresses) {
        const int before = disk.lists;
        REQUIRE((*journal)->erase(addresses).has_value());
        return disk.lists - before;
    };
    const std::span<const Address> one(&record->address, 1);
    CHECK(lists_of_erasing({}) == 0);
    CHECK(lists_of_erasing(one) == 1);  // of what a process before it left
    CHECK(lists_of_erasing(one) == 0);
    const RecordRange range{{Topic::chat, 0}, 0, 1};
    REQUIRE((*journal)->expire({&range, 1}, {}).has_value());
    CHECK(lists_of_erasing(one) == 1);
    CHECK(lists_of_erasing(one) == 0);
}
