// A mail as its bytes: whatever is read of it is JSON.
#include "schemas/json/json.hpp"
#include "schemas/mail/mail_reader.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string text;
    if (!schemas::mail::read_mail({reinterpret_cast<const char*>(data), size}, text)) return 0;
    schemas::json::Parser parser;
    if (!parser.parse(text)) std::abort();
    return 0;
}
