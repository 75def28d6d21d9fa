#include "projections/api/gzip.hpp"

#include "bus/text.hpp"

#include <Poco/DeflatingStream.h>

#include <sstream>

namespace projections::api {

bool accepts_gzip(std::string_view accept_encoding) {
    while (!accept_encoding.empty()) {
        const auto item = accept_encoding.substr(0, accept_encoding.find(','));
        accept_encoding.remove_prefix(std::min(accept_encoding.size(), item.size() + 1));
        const auto name = bus::trim(item.substr(0, item.find(';')));
        const bool refused = item.find("q=0") != std::string_view::npos &&
                             item.find("q=0.") == std::string_view::npos;
        if ((name == "gzip" || name == "*") && !refused) return true;
    }
    return false;
}

std::string gzip(std::string_view bytes) {
    std::ostringstream out;
    Poco::DeflatingOutputStream deflater(out, Poco::DeflatingStreamBuf::STREAM_GZIP, 1);
    deflater.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    deflater.close();
    return std::move(out).str();
}

}  // namespace projections::api
