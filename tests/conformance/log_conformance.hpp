// What every log engine must do. An engine's executable names its abilities and calls run_all() in
// one test case; each check opens its own log.
#pragma once

#include "tests/conformance/append_checks.hpp"
#include "tests/conformance/dedup_checks.hpp"
#include "tests/conformance/erase_checks.hpp"
#include "tests/conformance/reader_checks.hpp"

namespace tests::conformance {

inline void run_all(const Engine& engine) {
    SUBCASE("a log proves what it holds, beside those who write") {
        check_verify(engine);
    }
    SUBCASE("a proof tells of the parts of bodies that named several tenants") {
        check_verify_parts(engine);
    }
    SUBCASE("erased bodies are gone and nothing else is") {
        check_erase(engine);
    }
    if (engine.erases) {
        SUBCASE("erasing beside readers and writers") {
            check_erase_beside_others(engine);
        }
    }
    SUBCASE("order is kept inside a topic partition") {
        check_order(engine);
    }
    SUBCASE("an answer names address, id and durability") {
        check_answer(engine);
    }
    SUBCASE("an answered record is visible everywhere") {
        check_visibility(engine);
    }
    SUBCASE("keys, headers, values and tombstones come back as they were") {
        check_contents(engine);
    }
    SUBCASE("values of a megabyte come back whole") {
        check_large_values(engine);
    }
    SUBCASE("what is too large or nowhere is refused") {
        check_limits(engine);
    }
    SUBCASE("copied records take their places and no other") {
        check_places(engine);
    }
    SUBCASE("one reader follows several topics") {
        check_several_topics(engine);
    }
    SUBCASE("a reader starts where it is told") {
        check_reader_start(engine);
    }
    SUBCASE("a signal tells of new records") {
        check_signal(engine);
    }
    SUBCASE("several writers and readers at once agree") {
        check_concurrency(engine);
    }
    SUBCASE("a one-partition topic is read to its end") {
        check_read_to_end(engine);
    }
    SUBCASE("close settles the old and refuses the new") {
        check_close(engine);
    }
    if (engine.exact_dedup) {
        SUBCASE("a copy inside the window is answered with the first") {
            check_dedup(engine);
        }
        SUBCASE("copies in flight are answered with the first") {
            check_dedup_in_flight(engine);
        }
    }
    if (engine.reopen) {
        SUBCASE("what was answered is there after reopening") {
            check_reopen(engine);
        }
    }
    if (engine.create_small) {
        SUBCASE("a full log refuses and keeps what it has") {
            check_full(engine);
        }
    }
}

}  // namespace tests::conformance
