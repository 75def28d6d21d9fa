#include "bus/result.hpp"

namespace bus {

std::string_view name(ErrorCode code) {
    switch (code) {
        case ErrorCode::invalid_input:
            return "invalid_input";
        case ErrorCode::unauthenticated:
            return "unauthenticated";
        case ErrorCode::forbidden:
            return "forbidden";
        case ErrorCode::not_found:
            return "not_found";
        case ErrorCode::conflict:
            return "conflict";
        case ErrorCode::gone:
            return "gone";
        case ErrorCode::too_large:
            return "too_large";
        case ErrorCode::unavailable:
            return "unavailable";
        case ErrorCode::corrupt:
            return "corrupt";
        case ErrorCode::cancelled:
            return "cancelled";
    }
    return "unknown";
}

void assertion_failed(const char* condition, const char* why, const char* file, int line) {
    std::fprintf(stderr,
                 "level=error event=assertion_failed at=%s:%d condition=\"%s\" why=\"%s\"\n", file,
                 line, condition, why);
    std::abort();
}

}  // namespace bus
