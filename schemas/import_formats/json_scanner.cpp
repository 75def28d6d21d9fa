#include "schemas/import_formats/json_scanner.hpp"

#include <utility>

namespace schemas::import_formats {

namespace {
bool is_blank(int byte) {
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}
bool ends_scalar(int byte) {
    return byte == ByteSource::end || is_blank(byte) || byte == ',' || byte == ']' || byte == '}' ||
           byte == ':' || byte == '"' || byte == '{' || byte == '[';
}
}  // namespace

int JsonScanner::take() {
    const int byte = source_.next();
    at_line_start_ = byte == '\n';
    if (byte == '\n') ++line_;
    return byte;
}

int JsonScanner::skip_blanks() {
    while (is_blank(source_.peek())) (void)take();
    return source_.peek();
}

void JsonScanner::keep(std::string& out, int byte) {
    ++taken_;
    if (taken_ <= bytes_max_) out += static_cast<char>(byte);
}

bool JsonScanner::value(std::string& out) {
    const int first = skip_blanks();
    if (first == '"') return text(out);
    if (first != '{' && first != '[') return scalar(out);
    keep(out, take());
    return rest_of_nesting(out);
}

bool JsonScanner::value_apart(std::string& out) {
    const std::uint64_t before = std::exchange(taken_, 0);
    const bool is_value = value(out);
    taken_ += before;
    return is_value;
}

bool JsonScanner::text(std::string& out) {
    if (source_.peek() != '"') return false;
    keep(out, take());
    for (bool escaped = false;;) {
        if (source_.peek() == ByteSource::end || source_.peek() == '\n') return false;
        const int byte = take();
        keep(out, byte);
        if (byte == '"' && !escaped) return true;
        escaped = byte == '\\' && !escaped;
    }
}

bool JsonScanner::name(std::string& out) {
    const std::uint64_t taken = std::exchange(taken_, 0);
    const bool is_text = text(out);
    taken_ = taken;
    return is_text;
}

bool JsonScanner::rest_of_nesting(std::string& out) {
    for (std::uint64_t depth = 1;;) {
        const int byte = source_.peek();
        if (byte == ByteSource::end) return false;
        if (byte == '"') {
            if (!text(out)) return false;
            continue;
        }
        keep(out, take());
        if (byte == '{' || byte == '[') ++depth;
        if ((byte == '}' || byte == ']') && --depth == 0) return true;
    }
}

bool JsonScanner::scalar(std::string& out) {
    if (ends_scalar(source_.peek())) return false;
    while (!ends_scalar(source_.peek())) keep(out, take());
    return true;
}

void JsonScanner::pass_line() {
    if (at_line_start_) return;
    (void)source_.line(0);
    ++line_;
    at_line_start_ = true;
}

std::string json_member(std::string_view object, std::string_view name) {
    ByteSource source = ByteSource::of(std::string(object));
    JsonScanner scanner(source, object.size());
    if (scanner.skip_blanks() != '{') return {};
    (void)scanner.take();
    const std::string wanted = fmt::format("\"{}\"", name);
    for (;;) {
        std::string key, value;
        if (scanner.skip_blanks() == ',') (void)scanner.take();
        (void)scanner.skip_blanks();
        if (!scanner.text(key) || scanner.skip_blanks() != ':') return {};
        (void)scanner.take();
        if (!scanner.value(value)) return {};
        if (key == wanted) return value;
    }
}

}  // namespace schemas::import_formats
