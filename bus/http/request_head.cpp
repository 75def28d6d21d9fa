#include "bus/http/request_head.hpp"

#include "bus/text.hpp"

#include <algorithm>
#include <charconv>

namespace bus::http {
namespace {

bool is_token_character(char c) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
        (byte >= 'a' && byte <= 'z'))
        return true;
    return c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
    if (text.empty()) return false;
    for (char c : text) {
        if (!is_token_character(c)) return false;
    }
    return true;
}

bool is_field_value(std::string_view text) {
    for (char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte < 0x20 && c != '\t') || byte == 0x7F) return false;
    }
    return true;
}

bool is_target(std::string_view text) {
    for (char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte <= 0x20 || byte >= 0x7F || c == '#') return false;
    }
    return text.starts_with('/');
}

class HeadParser {
public:
    HeadParser(std::string_view bytes, const HeadLimits& limits) : rest_(bytes), limits_(limits) {}

    ParsedHead run() {
        request_line();
        while (!out_.refusal && !rest_.starts_with("\r\n")) field();
        if (!out_.refusal) framing();
        return std::move(out_);
    }

private:
    void refuse(int status, std::string_view code, std::string_view detail) {
        if (!out_.refusal) out_.refusal = HeadRefusal{status, code, detail};
    }

    // One line without its CRLF. A CR or LF anywhere else is an error.
    std::string_view line() {
        const auto end = rest_.find_first_of("\r\n");
        if (end == std::string_view::npos || rest_.substr(end, 2) != "\r\n") {
            refuse(400, "malformed_request", "lines of the head must end with CRLF");
            return {};
        }
        const auto text = rest_.substr(0, end);
        rest_.remove_prefix(end + 2);
        return text;
    }

    void request_line() {
        const auto text = line();
        if (out_.refusal) return;
        const auto first = text.find(' ');
        const auto last = text.rfind(' ');
        if (first == std::string_view::npos || first == last) {
            return refuse(400, "malformed_request",
                          "the request line must be METHOD SP target SP HTTP/1.1");
        }
        const auto method = text.substr(0, first);
        const auto target = text.substr(first + 1, last - first - 1);
        const auto version = text.substr(last + 1);
        if (target.size() > limits_.target_bytes_max)
            return refuse(414, "uri_too_long", "the target is too long");
        if (!is_token(method) || !is_target(target)) {
            return refuse(400, "malformed_request",
                          "the method or the target holds a character that is not allowed");
        }
        is_1_0_ = version == "HTTP/1.0";
        if (!is_1_0_ && version != "HTTP/1.1")
            return refuse(505, "version_not_supported", "speak HTTP/1.1");
        out_.head.keep_alive = !is_1_0_;
        const auto mark = target.find('?');
        Request& request = out_.head.request;
        request.method = method;
        request.path = target.substr(0, mark);
        if (mark != std::string_view::npos) request.query = target.substr(mark + 1);
    }

    void field() {
        const auto text = line();
        if (out_.refusal) return;
        const auto colon = text.find(':');
        const auto name = text.substr(0, colon);
        if (colon == std::string_view::npos || !is_token(name)) {
            return refuse(400, "malformed_request",
                          "a header field must be Name: value, without spaces in the name");
        }
        std::string_view value = text.substr(colon + 1);
        while (!value.empty() && (value.front() == ' ' || value.front() == '\t'))
            value.remove_prefix(1);
        while (!value.empty() && (value.back() == ' ' || value.back() == '\t'))
            value.remove_suffix(1);
        auto& headers = out_.head.request.headers;
        const bool too_large = std::max(name.size(), value.size()) > limits_.field_bytes_max;
        if (too_large || headers.size() == limits_.fields_max) {
            return refuse(431, "header_too_large", "too many header fields, or one is too large");
        }
        if (!is_field_value(value))
            return refuse(400, "malformed_request", "a header value holds a control character");
        headers.emplace_back(to_lower_ascii(name), value);
    }

    void framing() {
        bool has_length = false, has_host = false, has_coding = false;
        for (const auto& [name, value] : out_.head.request.headers) {
            if (name == "content-length") {
                if (has_length) return refuse(400, "bad_length", "Content-Length stands twice");
                has_length = true;
                content_length(value);
            } else if (name == "transfer-encoding") {
                has_coding = true;
            } else if (name == "host") {
                if (has_host) return refuse(400, "malformed_request", "Host stands twice");
                has_host = true;
            } else if (name == "connection") {
                connection(to_lower_ascii(value));
            } else if (name == "expect") {
                if (to_lower_ascii(value) != "100-continue")
                    return refuse(417, "expectation_failed", "only 100-continue");
                out_.head.expects_continue = true;
            }
        }
        if (!has_host && !is_1_0_)
            return refuse(400, "malformed_request", "there must be one Host field");
        if (has_coding) return transfer_coding(has_length);
        const auto& method = out_.head.request.method;
        if (!has_length && (method == "POST" || method == "PUT" || method == "PATCH")) {
            refuse(411, "length_required", "send Content-Length");
        }
    }

    // Beside a length it is how one request is smuggled inside another.
    void transfer_coding(bool has_length) {
        if (has_length)
            return refuse(400, "bad_length", "Content-Length stands beside Transfer-Encoding");
        refuse(411, "length_required",
               "send Content-Length; transfer codings are not accepted here");
    }

    void content_length(std::string_view value) {
        const bool digits =
            !value.empty() && value.find_first_not_of("0123456789") == std::string_view::npos;
        const auto [end, error] =
            std::from_chars(value.data(), value.data() + value.size(), out_.head.body_bytes);
        if (!digits || error != std::errc{})
            refuse(400, "bad_length", "Content-Length must be digits");
    }

    void connection(std::string_view value) {
        if (value.find("close") != std::string_view::npos)
            out_.head.keep_alive = false;
        else if (value.find("keep-alive") != std::string_view::npos)
            out_.head.keep_alive = true;
    }

    std::string_view rest_;
    const HeadLimits& limits_;
    bool is_1_0_ = false;
    ParsedHead out_;
};

}  // namespace

std::size_t head_length(std::string_view bytes) {
    // A bare-LF head must end here too, so that it is refused instead of waited for.
    const auto strict = bytes.find("\r\n\r\n");
    const auto bare = bytes.find("\n\n");
    if (strict == std::string_view::npos && bare == std::string_view::npos) return 0;
    return std::min(strict == std::string_view::npos ? strict : strict + 4,
                    bare == std::string_view::npos ? bare : bare + 2);
}

ParsedHead parse_head(std::string_view bytes, const HeadLimits& limits) {
    return HeadParser(bytes, limits).run();
}

}  // namespace bus::http
