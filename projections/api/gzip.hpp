// Compression of answers, on request of the client.
#pragma once

#include <string>
#include <string_view>

namespace projections::api {

inline constexpr std::size_t gzip_bytes_min = 1024;  // below this a client gains nothing

bool accepts_gzip(std::string_view accept_encoding);
std::string gzip(std::string_view bytes);

}  // namespace projections::api
