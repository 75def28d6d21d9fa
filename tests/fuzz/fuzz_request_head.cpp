// The head reader of the API port: refused, or one request whose end is beyond doubt.
#include "bus/http/request_head.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes{reinterpret_cast<const char*>(data), size};
    const std::size_t length = bus::http::head_length(bytes);
    if (length > size) std::abort();
    if (length == 0) return 0;
    const auto parsed = bus::http::parse_head(bytes.substr(0, length), {});
    if (parsed.refusal) return 0;
    const bus::http::Request& request = parsed.head.request;
    if (request.path.empty() || request.path.front() != '/') std::abort();
    std::size_t lengths = 0;
    for (const auto& [name, value] : request.headers) {
        if (name == "transfer-encoding" || name.find_first_of(" \t\r\n:") != name.npos)
            std::abort();
        lengths += name == "content-length";
    }
    if (lengths > 1 || (lengths == 0 && parsed.head.body_bytes > 0)) std::abort();
    return 0;
}
