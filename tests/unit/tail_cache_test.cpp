#include "bus/embedded/tail_cache.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

using namespace bus::embedded;

namespace {

constexpr std::size_t record_bytes = page_bytes - 100, arena_bytes = 2 * page_bytes;

std::string record_of_page(std::uint64_t page) {
    return std::string(record_bytes, static_cast<char>('a' + page % 26));
}

bool is_as_written(const Arena& arena, std::uint64_t page) {
    const std::size_t from = page * page_bytes - arena.file_at;
    return arena.buffer.view().substr(from, record_bytes) == record_of_page(page);
}

}  // namespace

// As the journal's writer does it: a record at the end of an arena is visible when the next arena
// takes its page over.
TEST_CASE("tail cache: a record is found as it was written while an arena takes its page over") {
    TailCache cache(arena_bytes, 2 * arena_bytes);  // so that buffers are used again
    std::atomic<std::uint64_t> visible{0}, seen{0}, wrong{0};
    std::atomic<bool> is_over{false};
    std::shared_ptr<Arena> writing = cache.start(1, 0, arena_bytes, record_of_page(0));
    std::thread reader([&] {
        while (!is_over) {
            const std::uint64_t page = visible;
            const auto arena = cache.find(1, {static_cast<std::uint32_t>(page * page_bytes),
                                              static_cast<std::uint32_t>(record_bytes)});
            if (!arena) continue;  // it came later than two arenas
            ++seen;
            if (!is_as_written(*arena, page)) ++wrong;
        }
    });
    for (std::uint64_t page = 1; page < 50'000 || seen < 1'000; ++page) {
        const std::string record = record_of_page(page);
        std::memcpy(writing->buffer.data() + page_bytes, record.data(), record.size());
        visible = page;
        writing = cache.start(1, page * page_bytes, arena_bytes, record);
    }
    is_over = true;
    reader.join();
    CHECK(wrong.load() == 0);
}

TEST_CASE("tail cache: when a later arena goes, the one before does not answer for its records") {
    constexpr std::uint64_t page = page_bytes;
    TailCache cache(arena_bytes, 10 * arena_bytes);
    (void)cache.start(1, 0, arena_bytes, "");
    (void)cache.start(1, page, arena_bytes, std::string(50, 'a'));
    const auto writing = cache.start(1, 3 * page, arena_bytes, "");
    const Place carried{page - 100, 150}, of_the_second{page + 100, 50};
    CHECK(cache.find(1, carried));
    CHECK(cache.find(1, of_the_second));
    const Blanking erased{
        .flags_at = 2 * page + 10, .body_at = 2 * page + 12, .end = 2 * page + 60};
    CHECK(cache.blank(1, {&erased, 1}, writing) == writing);
    CHECK_FALSE(cache.find(1, of_the_second));
    CHECK(cache.find(1, carried));
}
