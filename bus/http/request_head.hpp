// The strict reading of an HTTP/1.1 request head (RFC 9112), for servers that read whole heads.
//
// Refuses everything on which two readers could disagree about where a request ends: bare LF,
// spaces around names, folded lines, repeated or signed lengths, a length beside a transfer coding,
// any transfer coding at all (the caller answers 411). Pure.
#pragma once

#include "bus/http/http.hpp"

namespace bus::http {

struct HeadLimits {
    std::size_t head_bytes_max = 32 * 1024;
    std::size_t target_bytes_max = 8 * 1024;
    std::size_t field_bytes_max = 8 * 1024;
    std::size_t fields_max = 100;
};

struct Head {
    Request request;  // without body
    std::size_t body_bytes = 0;
    bool keep_alive = true;
    bool expects_continue = false;
};

struct HeadRefusal {
    int status = 400;
    std::string_view code;
    std::string_view detail;
};

// Bytes of the head with its empty line, or 0 while it is not complete.
std::size_t head_length(std::string_view bytes);

struct ParsedHead {
    std::optional<HeadRefusal> refusal;
    Head head;
};
// `bytes` is exactly one head, as head_length() found it.
ParsedHead parse_head(std::string_view bytes, const HeadLimits& limits);

}  // namespace bus::http
