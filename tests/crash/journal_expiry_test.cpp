// What becomes of damaged segments, and of failures, while bodies expire.
#include "tests/crash/written_journal.hpp"

using namespace tests::crash;

namespace {

// All that is there, but for what is kept for ever.
std::vector<ExpiredRange> everything(Log& log) {
    std::vector<ExpiredRange> ranges;
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
    for (int i = 0; i < 5'000 && written.bytes(1) != whole; ++i) std::this_thread::sleep_for(2ms);
    CHECK(written.bytes(1) == whole);
}
