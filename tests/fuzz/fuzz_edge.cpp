// Foreign bytes at the public port: heads, chunked bodies, signature lists, CloudEvents.
#include "producers/cloud_events.hpp"
#include "producers/edge/chunk_decoder.hpp"
#include "producers/edge/request_parser.hpp"
#include "producers/verify/signature_list.hpp"

namespace {

using producers::edge::ChunkDecoder;

void check_head(std::string_view bytes) {
    static const producers::edge::EdgeOptions limits;
    static std::vector<producers::FieldView> fields;
    // Found in one piece or byte by byte, a head has one length.
    std::size_t scanned = 0, piecewise = 0;
    const std::size_t length = producers::edge::head_length(bytes, scanned);
    scanned = 0;
    for (std::size_t n = 1; n <= bytes.size() && piecewise == 0; ++n)
        piecewise = producers::edge::head_length(bytes.substr(0, n), scanned);
    BUS_ASSERT(length == piecewise, "the length of a head does not depend on how it arrives");
    if (length == 0 || length > limits.head_bytes_max) return;
    const auto head = producers::edge::parse_head(bytes.substr(0, length), limits, fields);
    if (head.refusal.status != 0) return;
    BUS_ASSERT(!(head.chunked && head.has_length), "one framing only");
    BUS_ASSERT(head.path.starts_with('/') && fields.size() <= limits.fields_max, "within bounds");
}

void check_chunks(std::string_view bytes) {
    constexpr std::size_t body_bytes_max = 4096;
    ChunkDecoder whole, single;
    std::string_view rest = bytes;
    const auto state = whole.feed(rest, body_bytes_max);
    auto stepped = ChunkDecoder::State::size;
    for (std::size_t i = 0; i < bytes.size() && stepped < ChunkDecoder::State::done; ++i) {
        std::string_view one = bytes.substr(i, 1);
        stepped = single.feed(one, body_bytes_max);
    }
    BUS_ASSERT(whole.body().size() <= body_bytes_max, "a chunked body is bounded");
    if (state == ChunkDecoder::State::done)
        BUS_ASSERT(stepped == state && whole.body() == single.body(),
                   "a body does not depend on how it arrives");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    check_head(bytes);
    check_chunks(bytes);
    (void)producers::verify::parse_key_value_list(bytes, "v1");
    (void)producers::verify::parse_key_value_list(bytes, "");
    (void)producers::verify::parse_standard_webhooks(bytes);
    static schemas::json::Parser parser;
    const producers::RequestView request{"POST", "/v1/events", "", {}, bytes};
    for (auto form : {producers::EventsForm::array, producers::EventsForm::lines,
                      producers::EventsForm::structured})
        (void)producers::parse_events(request, form, parser, {}, 10);
    return 0;
}
