// Any JSON, cut by account paths: every part is JSON, and each element stands in one of them.
#include "tests/support/split_bodies.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (std::size_t owners : {1, 2, 5}) {
        const std::string wrong = tests::wrong_with_split(text, owners);
        BUS_ASSERT(wrong.empty(), "a split keeps everything, once, as JSON");
    }
    return 0;
}
