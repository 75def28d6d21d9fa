// All that asks for a key itself rather than for a proof made with it, each with its right key.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tests::prove {

struct KeyCheck {
    std::string name;
    std::string& presented;  // whoever changes it presents another key
    std::size_t first_byte;  // of the key in it, which ends where it ends
    std::function<bool()> believes;
};

// The API's keys of admin and client, the door's key of a client, and Meta's verify token.
class KeyChecks {
public:
    KeyChecks();
    ~KeyChecks();
    std::vector<KeyCheck> all();  // not longer than this object

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace tests::prove
