// What a journal answers while it is closed, and what others see between two segments.
#include "bus/embedded/segment_list.hpp"
#include "tests/crash/power_cut.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/forwarding_disk.hpp"
#include "tests/support/gated_log.hpp"

#include <future>

using namespace bus;
using namespace bus::embedded;
using namespace tests::crash;

namespace {

// A disk whose syncs wait at a gate.
class GatedDisk final : public tests::ForwardingDisk {
public:
    using ForwardingDisk::ForwardingDisk;
    Result<std::unique_ptr<File>> open(const Path& f) override {
        auto file = ForwardingDisk::open(f);
        if (!file) return file.error();
        return std::unique_ptr<File>(std::make_unique<GatedFile>(*std::move(file), gate));
    }

    tests::Gate gate;

private:
    class GatedFile final : public File {
    public:
        GatedFile(std::unique_ptr<File> file, tests::Gate& gate)
            : file_(std::move(file)), gate_(gate) {}
        Result<Done> write_at(std::uint64_t offset, std::string_view bytes) override {
            return file_->write_at(offset, bytes);
        }
        Result<Done> sync() override {
            gate_.pass();
            return file_->sync();
        }
        Result<std::size_t> read_at(std::uint64_t offset, char* into, std::size_t bytes) override {
            return file_->read_at(offset, into, bytes);
        }
        std::uint64_t size() const override { return file_->size(); }

    private:
        const std::unique_ptr<File> file_;
        tests::Gate& gate_;
    };
};

using Answer = std::future<Result<Appended>>;

Answer append_numbered(Log& log, std::uint64_t number) {
    auto promise = std::make_shared<std::promise<Result<Appended>>>();
    log.append(numbered_record(number, partitions),
               [promise](const Result<Appended>& result) { promise->set_value(result); });
    return promise->get_future();
}

bool is_there(const Answer& answer) {
    return answer.wait_for(0s) == std::future_status::ready;
}

}  // namespace

TEST_CASE("a journal that is closing settles what came before and refuses what comes") {
    tests::SimulatedDisk real(1);
    GatedDisk disk(real);
    auto journal = open_on(disk);
    REQUIRE(journal.has_value());
    disk.gate.shut();
    Answer before = append_numbered(**journal, 0);
    REQUIRE(disk.gate.wait_for_somebody());
    Answer queued = append_numbered(**journal, 1);
    std::thread closing([&] { (*journal)->close(); });
    CHECK(tests::eventually([&] { return !(*journal)->status().accepting; }));
    Answer late = append_numbered(**journal, 2);
    CHECK_MESSAGE(is_there(late), "nobody waits for a disk that is in use no more");
    CHECK_FALSE(is_there(before));
    disk.gate.open();
    closing.join();
    CHECK(late.get().error().code == ErrorCode::cancelled);
    REQUIRE(is_there(before));
    REQUIRE(is_there(queued));
    const Acknowledged acknowledged{{0, before.get()->address}, {1, queued.get()->address}};
    CHECK((*journal)->erase({&acknowledged.at(0), 1}).error().code == ErrorCode::cancelled);

    journal->reset();
    journal = open_on(disk);
    REQUIRE(journal.has_value());
    const auto verdict = compare(**journal, acknowledged);
    REQUIRE(verdict.has_value());
    CHECK(verdict->clean());
    CHECK(verdict->records == 2);
}

TEST_CASE("whoever appends while a journal closes is answered, and what was refused is not there") {
    tests::SimulatedDisk disk(1);
    auto journal = open_on(disk);
    REQUIRE(journal.has_value());
    std::atomic<std::uint64_t> next{0};
    std::atomic<bool> is_closed{false};
    std::vector<std::pair<std::uint64_t, Answer>> answers[2];
    std::vector<std::thread> threads;
    for (auto& mine : answers)
        threads.emplace_back([&] {
            for (bool is_last = false; !is_last;) {
                is_last = is_closed;
                const std::uint64_t number = next++;
                mine.emplace_back(number, append_numbered(**journal, number));
            }
        });
    CHECK(tests::eventually([&] { return next > 100; }));
    (*journal)->close();
    is_closed = true;
    for (std::thread& thread : threads) thread.join();
    Acknowledged acknowledged;
    for (auto& mine : answers)
        for (auto& [number, answer] : mine) {
            REQUIRE(is_there(answer));
            const auto result = answer.get();
            if (result) acknowledged.emplace(number, result->address);
        }
    journal->reset();
    journal = open_on(disk);
    REQUIRE(journal.has_value());
    const auto verdict = compare(**journal, acknowledged);
    REQUIRE(verdict.has_value());
    CHECK(verdict->lost + verdict->doubled + verdict->changed == 0);
    CHECK(verdict->records == acknowledged.size());
}

TEST_CASE("a segment ends where the next one begins, from the moment when that is the newest") {
    const Slots slots(1);
    SegmentList segments(slots);
    const auto begin = [&](std::uint64_t id, std::uint64_t first_sequence) {
        segments.add(std::make_shared<Segment>(
            nullptr,
            SegmentStart{.header = {.segment = id, .first_sequence = first_sequence},
                         .ends = std::vector<Offset>(slots.count())},
            segment_file_name(id)));
        return segments.moment().next_sequences;
    };
    using Sequences = std::vector<std::uint64_t>;
    CHECK(begin(1, 0) == Sequences{0});
    CHECK(begin(2, 7) == Sequences{7, 0});
    CHECK(begin(3, 9) == Sequences{7, 9, 0});
}
