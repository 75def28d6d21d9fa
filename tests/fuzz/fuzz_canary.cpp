// Crashes as soon as the fuzzer has found the word it looks for, and never ends on another: a run
// without these alarms proves nothing.
#include <cstdlib>
#include <string_view>

#include <unistd.h>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    if (text.starts_with("cry")) std::abort();
    while (text == "stand still") ::pause();
    return 0;
}
