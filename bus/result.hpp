// A value or the reason why there is none. Expected failures travel as values: what may happen
// every minute (a bad signature, a broker that is away) stands in the signature and cannot be
// dropped.
//
// The member names are those of std::expected, so that an alias can replace this one day.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace bus {

// The code says what to do about it; the message says what, where and with which value, no secrets.
enum class ErrorCode : std::uint8_t {
    invalid_input,    // the sender's fault: 4xx, or a dead letter
    unauthenticated,  // 401: the key or signature is wrong
    forbidden,        // 403: known, but not allowed
    not_found,        // 404
    conflict,         // 409: someone else was first
    gone,             // 410: it was here and was retained away or erased
    too_large,        // 413
    unavailable,      // 503: try again later
    corrupt,          // stop: stored bytes are not what was written
    cancelled,        // we are shutting down
};

std::string_view name(ErrorCode code);

struct Error {
    ErrorCode code = ErrorCode::invalid_input;
    std::string message;

    bool operator==(const Error&) const = default;
};

struct Done {
    bool operator==(const Done&) const = default;
};

template <class T>
class [[nodiscard]] Result {
public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    bool has_value() const { return state_.index() == 0; }
    explicit operator bool() const { return has_value(); }

    T& value() & { return std::get<0>(state_); }
    const T& value() const& { return std::get<0>(state_); }
    T&& value() && { return std::get<0>(std::move(state_)); }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    const Error& error() const { return std::get<1>(state_); }
    T value_or(T other) const { return has_value() ? value() : std::move(other); }

private:
    std::variant<T, Error> state_;
};

template <class... Args>
Error fail(ErrorCode code, fmt::format_string<Args...> text, Args&&... args) {
    return Error{code, fmt::format(text, std::forward<Args>(args)...)};
}

// A mistake of our own, never of the input's: stays on in release and ends the process.
[[noreturn]] void assertion_failed(const char* condition, const char* why, const char* file,
                                   int line);

}  // namespace bus

#define BUS_ASSERT(condition, why) \
    ((condition) ? void(0) : ::bus::assertion_failed(#condition, why, __FILE__, __LINE__))
