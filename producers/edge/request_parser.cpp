#include "producers/edge/request_parser.hpp"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <charconv>
#include <cstring>
#include <limits>

namespace producers::edge {

namespace beast = boost::beast;
namespace http = boost::beast::http;

namespace {

constexpr std::size_t method_bytes_max = 32;

std::string_view view(beast::string_view text) {
    return {text.data(), text.size()};
}

bool is_target(std::string_view text) {
    for (char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte <= 0x20 || byte >= 0x7F || c == '#') return false;
    }
    return text.starts_with('/');
}

// Whether a line goes on with the one before. Not every reader sees that, and Beast hands such a
// value over from a buffer that dies with the call.
bool has_folded_line(std::string_view head) {
    constexpr auto none = std::string_view::npos;
    for (auto end = head.find('\n'); end != none; end = head.find('\n', end + 1)) {
        const auto next = head.substr(end + 1, 1);
        if (next == " " || next == "\t") return true;
    }
    return false;
}

class HeadParser final : public http::basic_parser<true> {
public:
    HeadParser(std::string_view bytes, const EdgeOptions& limits, std::vector<FieldView>& fields)
        : bytes_(bytes), limits_(limits), fields_(fields) {
        fields_.clear();
        header_limit(static_cast<std::uint32_t>(limits.head_bytes_max));
        body_limit(std::numeric_limits<std::uint64_t>::max());  // framing is checked by us
    }

    ParsedHead run() {
        if (has_folded_line(bytes_)) {
            out_.refusal = {400, "malformed_request", "a header field is folded"};
            return out_;
        }
        beast::error_code error;
        put(boost::asio::const_buffer(bytes_.data(), bytes_.size()), error);
        if (out_.refusal.status == 0 && (error || !is_header_done())) {
            const bool large = error == http::error::header_limit;
            out_.refusal =
                large ? HeadRefusal{431, "header_too_large", "the head is too large"}
                      : HeadRefusal{400, "malformed_request", "this is not an HTTP/1.1 request"};
        }
        if (out_.refusal.status == 0) framing();
        if (out_.refusal.status == 0) out_.keep_alive = keep_alive();
        return out_;
    }

private:
    void refuse(int status, std::string_view code, std::string_view detail,
                beast::error_code& error) {
        out_.refusal = {status, code, detail};
        error = http::error::bad_value;
    }

    void on_request_impl(http::verb, beast::string_view method, beast::string_view target,
                         int version, beast::error_code& error) override {
        out_.method = view(method);
        const std::string_view text = view(target);
        version_ = version;
        if (text.size() > limits_.target_bytes_max)
            return refuse(414, "uri_too_long", "the request target is too long", error);
        if (out_.method.size() > method_bytes_max || !is_target(text))
            return refuse(400, "malformed_request", "the method or the target is malformed", error);
        const auto mark = text.find('?');
        out_.path = text.substr(0, mark);
        if (mark != std::string_view::npos) out_.query = text.substr(mark + 1);
    }

    void on_field_impl(http::field known, beast::string_view name, beast::string_view text,
                       beast::error_code& error) override {
        const std::string_view value = view(text);
        const bool too_large = std::max(name.size(), text.size()) > limits_.field_bytes_max;
        if (too_large || fields_.size() == limits_.fields_max) {
            return refuse(431, "header_too_large", "too many header fields, or one is too large",
                          error);
        }
        fields_.push_back({view(name), value});
        if (known == http::field::content_length)
            length(value, error);
        else if (known == http::field::transfer_encoding)
            coding(value, error);
        else if (known == http::field::host)
            ++hosts_;
        else if (known == http::field::expect)
            expect(value, error);
    }

    void length(std::string_view value, beast::error_code& error) {
        const auto [end, bad] =
            std::from_chars(value.data(), value.data() + value.size(), out_.content_length);
        const bool digits =
            !value.empty() && value.find_first_not_of("0123456789") == std::string_view::npos;
        if (out_.has_length || !digits || bad != std::errc{})
            refuse(400, "bad_length", "Content-Length must stand once, in digits", error);
        out_.has_length = true;
    }

    void coding(std::string_view value, beast::error_code& error) {
        if (out_.chunked || version_ < 11 || !equals_ignoring_case(value, "chunked"))
            return refuse(400, "bad_transfer_encoding", "only Transfer-Encoding: chunked", error);
        out_.chunked = true;
    }

    void expect(std::string_view value, beast::error_code& error) {
        if (!equals_ignoring_case(value, "100-continue"))
            return refuse(417, "expectation_failed", "only Expect: 100-continue", error);
        out_.expects_continue = version_ >= 11;
    }

    void framing() {
        const auto refusal = [&](int status, std::string_view code, std::string_view detail) {
            out_.refusal = {status, code, detail};
        };
        if (out_.chunked && out_.has_length)
            return refusal(400, "bad_length", "Content-Length beside Transfer-Encoding");
        if (hosts_ > 1 || (hosts_ == 0 && version_ >= 11))
            return refusal(400, "malformed_request", "there must be one Host field");
        const bool needs_body =
            out_.method == "POST" || out_.method == "PUT" || out_.method == "PATCH";
        if (needs_body && !out_.chunked && !out_.has_length)
            refusal(411, "length_required", "send Content-Length");
    }

    // The body is framed by the connection, never by this parser.
    void on_response_impl(int, beast::string_view, int, beast::error_code&) override {}
    void on_header_impl(beast::error_code&) override {}
    void on_body_init_impl(boost::optional<std::uint64_t> const&, beast::error_code&) override {}
    std::size_t on_body_impl(beast::string_view, beast::error_code&) override { return 0; }
    void on_chunk_header_impl(std::uint64_t, beast::string_view, beast::error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view, beast::error_code&) override {
        return 0;
    }
    void on_finish_impl(beast::error_code&) override {}

    std::string_view bytes_;
    const EdgeOptions& limits_;
    std::vector<FieldView>& fields_;
    ParsedHead out_;
    int version_ = 11;
    int hosts_ = 0;
};

}  // namespace

std::size_t head_length(std::string_view bytes, std::size_t& scanned) {
    while (scanned < bytes.size()) {
        const void* found = std::memchr(bytes.data() + scanned, '\n', bytes.size() - scanned);
        if (!found) {
            scanned = bytes.size();
            return 0;
        }
        const auto line_end =
            static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
        const auto rest = bytes.substr(line_end + 1);
        if (rest.empty() || rest == "\r") {
            scanned = line_end;  // look at it again with what follows
            return 0;
        }
        if (rest.front() == '\n') return line_end + 2;
        if (rest.starts_with("\r\n")) return line_end + 3;
        scanned = line_end + 1;
    }
    return 0;
}

ParsedHead parse_head(std::string_view bytes, const EdgeOptions& limits,
                      std::vector<FieldView>& fields) {
    return HeadParser(bytes, limits, fields).run();
}

}  // namespace producers::edge
