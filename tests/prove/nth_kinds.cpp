#include "tests/prove/nth_kinds.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>

namespace tests::prove {
namespace {

FailingCall fails(const std::string& call, const std::string& error_name, int error) {
    return {call, error_name, error};
}
// Not an error: of the bytes half are taken.
FailingCall falls_short(const std::string& call) {
    return {call, "short", 0};
}

const std::vector<FailingCall> of_files{
    fails("sync", "EIO", EIO),        fails("sync", "ENOSPC", ENOSPC),
    fails("rename", "EIO", EIO),      fails("rename", "ENOSPC", ENOSPC),
    fails("truncate", "EIO", EIO),    fails("truncate", "ENOSPC", ENOSPC),
    fails("open", "EIO", EIO),        fails("open", "ENOSPC", ENOSPC),
    fails("open", "EMFILE", EMFILE),  fails("write", "EIO", EIO),
    fails("write", "ENOSPC", ENOSPC), falls_short("write"),
    fails("read", "EIO", EIO),        falls_short("read"),
    fails("remove", "EIO", EIO),      fails("mkdir", "ENOSPC", ENOSPC),
    fails("stat", "EIO", EIO),        fails("list", "EIO", EIO),
    fails("list", "EMFILE", EMFILE),  fails("link", "EMLINK", EMLINK),
    fails("link", "ENOSPC", ENOSPC),  fails("lock", "ENOLCK", ENOLCK),
    fails("space", "EIO", EIO),
};
// Of a base, which only the log on its own disk has.
const std::vector<FailingCall> of_copies{
    fails("copy", "EIO", EIO),
    fails("copy", "ENOSPC", ENOSPC),
    falls_short("copy"),
};
const std::vector<FailingCall> of_sockets{
    fails("socket", "EMFILE", EMFILE),
    fails("accept", "EMFILE", EMFILE),
    fails("accept", "ECONNABORTED", ECONNABORTED),
    fails("recv", "ECONNRESET", ECONNRESET),
    fails("recv", "EINTR", EINTR),
    falls_short("recv"),
    fails("send", "EPIPE", EPIPE),
    fails("send", "EINTR", EINTR),
    falls_short("send"),
    fails("poll", "EINTR", EINTR),
};
const std::vector<FailingCall> of_memory{fails("spawn", "EAGAIN", EAGAIN),
                                         fails("memory", "", ENOMEM), fails("mmap", "", ENOMEM)};

}  // namespace

std::size_t place_of(const std::string& call) {
    return static_cast<std::size_t>(std::find(counted.begin(), counted.end(), call) -
                                    counted.begin());
}

Counts counts_in(const std::filesystem::path& file) {
    Counts counts{};
    std::ifstream(file, std::ios::binary).read(reinterpret_cast<char*>(&counts), sizeof counts);
    return counts;
}

Counts middle_of(std::vector<Counts> lives) {
    Counts middle{};
    for (std::size_t place = 0; place < middle.size(); ++place) {
        std::sort(lives.begin(), lives.end(), [place](const Counts& one, const Counts& other) {
            return one[place] < other[place];
        });
        middle[place] = lives[lives.size() / 2][place];
    }
    return middle;
}

Counts least_of(const std::vector<Counts>& lives) {
    Counts least = lives.front();
    for (const Counts& life : lives)
        for (std::size_t place = 0; place < least.size(); ++place)
            least[place] = std::min(least[place], life[place]);
    return least;
}

std::vector<FailingCall> failing_calls(bool on_kafka) {
    std::vector<FailingCall> calls = of_files;
    calls.insert(calls.end(), of_sockets.begin(), of_sockets.end());
    // With its log on its own disk the program connects nowhere.
    if (on_kafka) calls.push_back(fails("connect", "ECONNREFUSED", ECONNREFUSED));
    if (!on_kafka) calls.insert(calls.end(), of_copies.begin(), of_copies.end());
    calls.insert(calls.end(), of_memory.begin(), of_memory.end());
    return calls;
}

}  // namespace tests::prove
