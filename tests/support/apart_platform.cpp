#include "tests/support/apart_platform.hpp"

namespace tests {
namespace {

// Nothing asks it: the tests know where the other process listens.
constexpr const char* told_url = "http://127.0.0.1:9";

std::vector<std::string> joined(std::vector<std::string> flags,
                                const std::vector<std::string>& more) {
    flags.insert(flags.end(), more.begin(), more.end());
    return flags;
}

}  // namespace

ApartPlatform::ApartPlatform(const std::string& program, const std::string& brokers,
                             const std::string& prefix, const std::vector<std::string>& more_flags)
    : project_(program, "kafka:" + brokers,
               joined({"--kafka-prefix", prefix, "--public-url", told_url}, more_flags), {},
               "project"),
      receive_(program, "kafka:" + brokers, joined({"--kafka-prefix", prefix}, more_flags), {},
               "receive") {}

void ApartPlatform::start() {
    if (project_.process() == 0) project_.start();
    std::filesystem::create_directories(receive_.data());
    for (const char* key : {"master.key", "admin.key"})
        std::filesystem::copy_file(project_.data() / key, receive_.data() / key,
                                   std::filesystem::copy_options::skip_existing);
    if (receive_.process() == 0) receive_.start();
}

Addresses ApartPlatform::addresses() const {
    Addresses both = project_.addresses();
    both.ingress = receive_.addresses().ingress;
    return both;
}

}  // namespace tests
