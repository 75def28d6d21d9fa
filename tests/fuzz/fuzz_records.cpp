// A record as a log may give it: the headers' bytes, and the value behind a mark. Envelope and
// control fact are read or refused.
#include "bus/envelope.hpp"
#include "schemas/control_facts.hpp"

#include <algorithm>

namespace {

void read(bus::HeadersView headers, std::string_view value) {
    (void)bus::read_envelope(headers);
    std::string padded(value);
    padded.append(64, '\0');
    bus::RecordView record;
    record.address = {bus::Topic::control, 0, 0};
    record.key = "source:1";
    record.headers = headers;
    record.value = std::string_view(padded).substr(0, value.size());
    (void)schemas::decode_control(record);
}

bus::Headers fact_headers(std::string_view type) {
    bus::Envelope envelope;
    envelope.type = type;
    bus::Headers headers;
    bus::write_envelope(envelope, headers);
    return headers;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const auto line = text.substr(0, text.find('\n'));
    const auto value = text.substr(std::min(text.size(), line.size() + 1));
    read(bus::HeadersView{line}, value);
    constexpr std::size_t type_bytes_max = 100;
    const bus::Headers headers = fact_headers(line.substr(0, type_bytes_max));
    read(headers.view(), value);
    return 0;
}
