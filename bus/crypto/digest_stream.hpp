// SHA-256 of bytes that come in pieces: files, logs.
#pragma once

#include "bus/crypto/digest.hpp"

#include <memory>

namespace bus::crypto {

class Sha256Stream {
public:
    Sha256Stream();
    ~Sha256Stream();
    Sha256Stream(Sha256Stream&&) noexcept;
    Sha256Stream& operator=(Sha256Stream&&) noexcept;

    void add(std::string_view bytes);
    Sha256 end();  // of all that was added; the stream begins anew

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace bus::crypto
