// Others, who are served while something goes on: how long their requests take, on a kept
// connection and on fresh ones, alone and beside it in turns.
#pragma once

#include "tests/prove/section.hpp"
#include "tests/support/product_client.hpp"

namespace tests::prove {

// How long each request took that was served.
struct Waits {
    std::vector<double> kept_ms = {},
                        fresh_ms = {};  // on a kept connection, on one that is opened for it
    std::size_t unserved = 0;
};

class OtherCaller {
public:
    // `ask` makes one request: true when it was served. A failed connection may throw.
    using Ask = std::function<bool(ProductClient&)>;
    OtherCaller(const Addresses& addresses, Ask ask)
        : addresses_(addresses), ask_(std::move(ask)), kept_(addresses) {}

    // One request after the other, on either kind of connection in turns.
    Waits ask_for(std::chrono::milliseconds time);
    bool is_served_afresh();

private:
    bool is_served(ProductClient& client);

    const Addresses addresses_;
    const Ask ask_;
    ProductClient kept_;
};

struct OtherCallers {  // one on each port
    OtherCaller &ingress, &api;
};

// Makes something, calls `meanwhile` while it goes on, once or more, and says what is wrong with
// it: "" when it was there all the time, and as designed.
using Happening = std::function<std::string(const std::function<void()>& meanwhile)>;

// Each of `loads` again and again, in a thread of its own that gives way and pauses: who waits
// behind one of them is looked at, not how a machine's processors are shared. One gives whether it
// went as designed; that as many did as there are loads is asked for, as a late sender may not hear
// its answer.
using Load = std::function<bool()>;
Happening repeated(std::vector<Load> loads,
                   std::chrono::seconds patience = std::chrono::seconds{60});

struct BesideDesign {
    std::string also = {};  // what the happening itself has to show, for the table
    // Handshakes that may come before one of others, and keep the edge's one thread.
    std::size_t handshakes_before = 0;
};

// A line of the table: all of `other`'s requests are served beside it, and 99 of 100 in no more
// than twice the time that they take alone, a few milliseconds and what the design allows.
void try_beside(Section& section, OtherCaller& other, const std::string& what,
                const Happening& happening, const BesideDesign& design = {});

// What of `beside` is slower than that, or was not served; "" = nothing.
std::string slowness(const Waits& alone, const Waits& beside, const BesideDesign& design = {});

}  // namespace tests::prove
