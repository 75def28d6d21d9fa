// One line per happening at a boundary: `level=info event=started key=value ...` or the same as
// JSON. error = someone must act, warn = handled but odd, info = life cycle, debug = per record.
// Never payloads, tokens or personal data. Repeats of one event are limited to 10 a second and say
// how many were held back.
#pragma once

#include <fmt/format.h>

#include <initializer_list>
#include <string>
#include <string_view>

namespace bus::logging {

enum class Level { debug, info, warn, error };
enum class Format { key_value, json };

struct Pair {
    std::string_view key;
    std::string value;
    template <class T>
    Pair(std::string_view k, const T& v) : key(k), value(fmt::format("{}", v)) {}
};

void configure(Level least, Format format);
void write(Level level, std::string_view event, std::initializer_list<Pair> pairs);

inline void debug(std::string_view event, std::initializer_list<Pair> pairs = {}) {
    write(Level::debug, event, pairs);
}
inline void info(std::string_view event, std::initializer_list<Pair> pairs = {}) {
    write(Level::info, event, pairs);
}
inline void warn(std::string_view event, std::initializer_list<Pair> pairs = {}) {
    write(Level::warn, event, pairs);
}
inline void error(std::string_view event, std::initializer_list<Pair> pairs = {}) {
    write(Level::error, event, pairs);
}

}  // namespace bus::logging
