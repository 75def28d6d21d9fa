// Record headers as one flat buffer: (name length u8, name, value length u16 LE, value)*.
//
// Cheap to build (no allocation per header), to copy into a frame and to walk. Values are bytes.
// Bounds: name 255 bytes, value 65,535 bytes, both asserted by add().
#pragma once

#include "bus/result.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace bus {

class HeadersView {
public:
    HeadersView() = default;
    explicit HeadersView(std::string_view bytes) : bytes_(bytes) {}

    std::optional<std::string_view> find(std::string_view name) const;
    std::string_view get(std::string_view name) const { return find(name).value_or(""); }

    // Calls visit(name, value) in order; false when the buffer is not well formed.
    template <class Visit>
    bool for_each(Visit visit) const {
        std::string_view rest = bytes_;
        while (!rest.empty()) {
            std::string_view name, value;
            if (!take(rest, name, value)) return false;
            visit(name, value);
        }
        return true;
    }
    bool well_formed() const {
        return for_each([](std::string_view, std::string_view) {});
    }
    std::string_view bytes() const { return bytes_; }

private:
    static bool take(std::string_view& rest, std::string_view& name, std::string_view& value);
    std::string_view bytes_;
};

class Headers {
public:
    void add(std::string_view name, std::string_view value);
    HeadersView view() const { return HeadersView{bytes_}; }
    operator HeadersView() const { return view(); }
    const std::string& bytes() const { return bytes_; }
    static Headers from_bytes(std::string bytes);
    bool operator==(const Headers&) const = default;

private:
    std::string bytes_;
};

}  // namespace bus
