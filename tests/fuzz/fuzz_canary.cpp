// Crashes as soon as the fuzzer has found the word it looks for: a run without this alarm proves
// nothing.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size >= 3 && data[0] == 'c' && data[1] == 'r' && data[2] == 'y') std::abort();
    return 0;
}
