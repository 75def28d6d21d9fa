// What a section says of itself can fail: each check of it gets what is wrong, and says so.
#include "tests/prove/section.hpp"

#include <doctest/doctest.h>

using namespace tests::prove;

namespace {

using Part = std::function<void(Section&)>;

int exit_code_of(const Part& run) {
    std::string name = "section_test";
    char* argv[] = {name.data()};
    Section section(1, argv, "", "");
    run(section);
    return section.finish();
}

const Part set_up = [](Section& section) { section.must("start", [] { return ""; }); };
const Part set_up_wrongly = [](Section& section) { section.must("start", [] { return "no"; }); };
const Part try_one = [](Section& section) { section.attempt("one", [] { return ""; }); };
const Part leave_one = [](Section& section) { section.untried("another", "time was over"); };

std::string sections_end_as_designed() {
    CHECK(exit_code_of([](Section&) {}) == 1);
    CHECK(exit_code_of(set_up) == 1);
    CHECK(exit_code_of(try_one) == 0);
    const auto both = [](const Part& one, const Part& other) {
        return exit_code_of([&](Section& section) { one(section), other(section); });
    };
    CHECK(both(set_up, try_one) == 0);
    CHECK(both(set_up_wrongly, try_one) == 1);
    CHECK(both(try_one, leave_one) == 0);
    CHECK(both(set_up, leave_one) == 1);
    return "";
}

}  // namespace

int main(int argc, char** argv) {
    Section section(argc, argv, "Feeds the checks of a section what is wrong.", "section_test");
    section.attempt("sections end as designed", sections_end_as_designed);
    return section.finish();
}
