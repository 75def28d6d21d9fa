// Any bytes: refused, or a value that is written and read back as the same.
#include "schemas/json/json.hpp"

#include <cstddef>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static schemas::json::Parser parser;
    static schemas::json::Parser again;
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    std::string escaped;
    schemas::json::append_escaped(escaped, text);
    BUS_ASSERT(again.parse(escaped), "an escaped text is JSON");
    const auto root = parser.parse(text);
    if (!root) return 0;
    std::string written;
    root->append_to(written);
    const auto reread = again.parse(written);
    BUS_ASSERT(reread, "what is written is JSON");
    std::string rewritten;
    reread->append_to(rewritten);
    BUS_ASSERT(rewritten == written, "writing is stable");
    return 0;
}
