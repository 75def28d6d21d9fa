// Erases the bodies that tests/crash/marked_journal.hpp chooses; a crash point may end it.
// journal_erase_child DIRECTORY
#include "tests/crash/marked_journal.hpp"

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    auto journal = bus::embedded::Journal::open(tests::crash::marked_options(argv[1]));
    if (!journal) return 3;
    const auto erased = (*journal)->erase(tests::crash::chosen_addresses());
    return erased && erased->erased == tests::crash::chosen_addresses().size() ? 0 : 4;
}
