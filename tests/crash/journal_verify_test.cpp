#include "bus/embedded/journal_verifier.hpp"
#include "bus/embedded/segment_footer.hpp"
#include "tests/crash/written_journal.hpp"

#include <random>

using namespace tests::crash;

namespace {

LogProof prove(const Written& written) {
    auto proof = verify_folder(written.path(), {});
    REQUIRE_MESSAGE(proof.has_value(), (proof ? "" : proof.error().message));
    return std::move(*proof);
}

std::string text(const LogProof& proof) {
    std::string out;
    for (const LogDamage& damage : proof.damage)
        out += fmt::format("{} {} {} {}\n", damage.where, damage.file, damage.at, damage.what);
    return out;
}

bool names(const LogProof& proof, std::string_view word) {
    return text(proof).find(word) != std::string::npos;
}

}  // namespace

TEST_CASE("an undamaged journal is proved, at rest and while it is open") {
    Written written;
    const LogProof rest = prove(written);
    CHECK_MESSAGE(rest.proven(), text(rest));
    CHECK(rest.records == written.acknowledged.size());
    CHECK(rest.bodies == written.acknowledged.size());
    CHECK(rest.remarks.empty());

    auto journal = written.open();
    REQUIRE(journal.has_value());
    for (std::uint64_t number = 200; number < 260; ++number)
        REQUIRE(append_and_wait(**journal, numbered_record(number, partitions), 5s).has_value());
    auto live = (*journal)->verify({});
    REQUIRE(live.has_value());
    CHECK_MESSAGE(live->proven(), text(*live));
    CHECK(live->records == 260);
    CHECK(live->segments > rest.segments);

    auto tenth = (*journal)->verify({.one_body_in = 10});
    REQUIRE(tenth.has_value());
    CHECK(tenth->records == 260);
    CHECK(tenth->bodies == 26);
}

TEST_CASE("one flipped bit anywhere in a segment is named with its file") {
    Written written;
    const auto frames = written.frames_of(1);
    const SegmentTrailer trailer = written.trailer_of(1);
    const std::uint64_t frames_end = trailer.dedup_at;  // zeros lie between, and prove nothing
    std::mt19937_64 random(7);
    std::size_t missed = 0, not_named = 0, tried = 0;
    const auto try_at = [&](std::uint64_t at) {
        written.flip(1, at);
        const LogProof proof = prove(written);
        if (proof.proven()) ++missed;
        if (!names(proof, segment_file_name(1))) ++not_named;
        written.flip(1, at);
        ++tried;
    };
    const std::uint64_t ends_bytes = Slots(partitions).count() * sizeof(Offset);
    for (int i = 0; i < 30; ++i) {
        const std::uint64_t at = random() % (sizeof(SegmentHeader) + ends_bytes);
        if (at < 8 || at >= 12) try_at(at);  // the version is refused by name, below
    }
    std::uint64_t last_frame_end = frames.back();
    last_frame_end += load<FrameHeader>(written.bytes(1).data() + frames.back()).bytes;
    REQUIRE(last_frame_end <= frames_end);
    for (int i = 0; i < 250; ++i)
        try_at(frames.front() + random() % (last_frame_end - frames.front()));
    for (int i = 0; i < 60; ++i)
        try_at(trailer.dedup_at + random() % ((128u << 10) - trailer.dedup_at));
    CHECK(tried > 300);
    CHECK(missed == 0);
    CHECK(not_named == 0);
    CHECK(prove(written).proven());
}

TEST_CASE("damage is named with its address, and what follows is proved all the same") {
    Written written;
    const auto frames = written.frames_of(2);
    SUBCASE("a body") {
        written.flip(1, written.end_of_a_body(1) - 10);
        const LogProof proof = prove(written);
        CHECK(proof.damage_count == 1);
        CHECK(proof.records == 200);
        auto journal = written.open();
        REQUIRE(journal.has_value());
        std::size_t named = 0;
        for (const auto& [number, address] : written.acknowledged)
            if (auto read = (*journal)->read_at(address); !read) {
                CHECK(proof.damage[0].where == to_string(address));
                ++named;
            }
        CHECK(named == 1);
        auto live = (*journal)->verify({});
        REQUIRE(live.has_value());
        CHECK(live->damage == proof.damage);
    }
    SUBCASE("a frame: its records are lost, by address, and only they") {
        written.flip(2, frames[1] + 30);
        const LogProof proof = prove(written);
        CHECK(proof.damage_count == 1);
        CHECK(proof.damage[0].at == frames[1]);
        CHECK_MESSAGE(!proof.damage[0].where.empty(), text(proof));
        CHECK(proof.records == 199);
    }
    SUBCASE("a frame copied over another") {
        const std::string bytes = written.bytes(2);
        std::fstream stream(written.file(2), std::ios::binary | std::ios::in | std::ios::out);
        const auto size = load<FrameHeader>(bytes.data() + frames[2]).bytes;
        stream.seekp(static_cast<std::streamoff>(frames[4]));
        stream.write(bytes.data() + frames[2], size);
        stream.close();
        const LogProof proof = prove(written);
        CHECK_FALSE(proof.proven());
        CHECK(names(proof, "where"));
    }
}

TEST_CASE("files that are missing, cut or swapped are named") {
    Written written;
    REQUIRE(written.last > 2);
    SUBCASE("one in the middle") {
        std::filesystem::remove(written.file(2));
        const LogProof proof = prove(written);
        CHECK_FALSE(proof.proven());
        CHECK(names(proof, segment_file_name(3)));
        CHECK_MESSAGE(names(proof, "email/0/"), text(proof));
    }
    SUBCASE("the last") {
        std::filesystem::remove(written.file(written.last));
        CHECK(names(prove(written), segment_file_name(written.last - 1)));
    }
    SUBCASE("the first: the proof says where it begins") {
        std::filesystem::remove(written.file(1));
        const LogProof proof = prove(written);
        REQUIRE(proof.remarks.size() == 1);
        CHECK(proof.remarks[0].find(segment_file_name(2)) != std::string::npos);
    }
    SUBCASE("two swapped") {
        std::filesystem::rename(written.file(1), written.path() / "other");
        std::filesystem::rename(written.file(2), written.file(1));
        std::filesystem::rename(written.path() / "other", written.file(2));
        const LogProof proof = prove(written);
        CHECK(names(proof, "it is segment 2"));
        CHECK(names(proof, "it is segment 1"));
    }
    SUBCASE("cut in the middle of a frame") {
        const auto frames = written.frames_of(2);
        std::filesystem::resize_file(written.file(2), frames[3] + 70);
        const LogProof proof = prove(written);
        CHECK(names(proof, "instead of"));
        CHECK(names(proof, "the file ends"));
    }
    SUBCASE("taken away while it is open") {
        auto journal = written.open();
        REQUIRE(journal.has_value());
        std::filesystem::remove(written.file(1));
        auto live = (*journal)->verify({});
        REQUIRE(live.has_value());
        CHECK(names(*live, "the file is missing"));
    }
    SUBCASE("none at all") {
        tests::TempDirectory empty;
        CHECK(verify_folder(empty.path(), {}).error().code == ErrorCode::not_found);
    }
}

TEST_CASE("a torn last group is told and is no damage; with a later group behind it, it is") {
    Written written;
    const auto frames = written.frames_of(written.last);
    REQUIRE(frames.size() > 2);
    SUBCASE("the last one") {
        written.flip(written.last, frames.back() + 30);
        const LogProof proof = prove(written);
        CHECK(proof.proven());
        REQUIRE(proof.remarks.size() == 1);
        CHECK(proof.records == 199);
    }
    SUBCASE("an earlier one") {
        written.flip(written.last, frames[frames.size() - 2] + 30);
        const LogProof proof = prove(written);
        CHECK(proof.damage_count == 1);
        CHECK(proof.damage[0].at == frames[frames.size() - 2]);
        CHECK_MESSAGE(proof.records == 199, "the group behind it is proved too");
    }
}
