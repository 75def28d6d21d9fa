// The strict head of an HTTP/1.1 request, on Beast's basic_parser. What two readers could
// disagree about is refused: see the test's table of malformed requests.
#pragma once

#include "producers/edge/edge_server.hpp"
#include "producers/request_view.hpp"

#include <vector>

namespace producers::edge {

struct HeadRefusal {
    int status = 0;  // 0 = none
    std::string_view code;
    std::string_view detail;
};

struct ParsedHead {
    HeadRefusal refusal{};
    std::string_view method{}, path{}, query{};
    std::size_t content_length = 0;
    bool chunked = false;
    bool has_length = false;
    bool keep_alive = true;
    bool expects_continue = false;
};

// Bytes of the head with its empty line, or 0 while it is not complete; `scanned` is where the last
// call left off. A head that ends in bare LFs ends too, to be refused instead of waited for.
std::size_t head_length(std::string_view bytes, std::size_t& scanned);

// `bytes` is one head as found by head_length(). Views point into it and into `fields`.
ParsedHead parse_head(std::string_view bytes, const EdgeOptions& limits,
                      std::vector<FieldView>& fields);

}  // namespace producers::edge
