// A journal of more segments than the process may have open. A program of its own: what it may have
// is read once, by the first file that rests.
#include "bus/embedded/journal.hpp"
#include "bus/embedded/journal_survey.hpp"
#include "bus/embedded/journal_verifier.hpp"
#include "tests/crash/acknowledged.hpp"
#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <sys/resource.h>

using namespace bus;
using namespace bus::embedded;
using namespace std::chrono_literals;
using tests::crash::numbered_record;

namespace {

constexpr rlim_t descriptors_max = 256;
constexpr std::uint64_t segments = 300, segment_bytes = 64u << 10;

struct FewDescriptors {
    FewDescriptors() {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
        const rlimit few{.rlim_cur = descriptors_max, .rlim_max = before.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    }
    ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before); }
    rlimit before{};
};

Result<std::unique_ptr<Journal>> open_in(const std::filesystem::path& directory) {
    return Journal::open({.directory = directory,
                          .partitions = 1,
                          .segment_bytes = segment_bytes,
                          .reserve_bytes = 0,
                          .tail_cache_bytes = 0});
}

std::uint64_t write_segments(const std::filesystem::path& directory) {
    constexpr std::uint64_t of_segment = 6;  // about
    auto journal = open_in(directory);
    REQUIRE(journal);
    for (std::uint64_t number = 0; number <= segments * of_segment; ++number) {
        NewRecord record = numbered_record(number, 1);
        record.value.resize(segment_bytes / of_segment, 'b');
        const auto appended = append_and_wait(**journal, std::move(record), 5s);
        REQUIRE_MESSAGE(appended, (appended ? "" : appended.error().message));
    }
    return segments * of_segment + 1;
}

template <class T>
void check_worked(const Result<T>& result) {
    CHECK_MESSAGE(result, (result ? "" : result.error().message));
}

}  // namespace

TEST_CASE("a journal of more segments than the process may open is opened, surveyed, verified") {
    const FewDescriptors few;
    const tests::TempDirectory directory;
    const std::uint64_t records = write_segments(directory.path());

    const auto survey = survey_journal(directory.path());
    check_worked(survey);
    if (survey) CHECK(survey->segments.size() > segments);

    const auto proof = verify_folder(directory.path(), {});
    check_worked(proof);
    if (proof) CHECK(proof->proven());

    std::uint64_t read = 0;
    for (const Topic topic : {topic_at(0), topic_at(1), topic_at(2)})
        check_worked(read_journal_topic(directory.path(), topic, [&](const RecordView&) {
            ++read;
            return Result<Done>(Done{});
        }));
    CHECK(read == records);

    check_worked(open_in(directory.path()));
}
