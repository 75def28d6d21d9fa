#include "tests/support/apart_platform.hpp"

namespace tests {
namespace {

// Nothing asks it: the tests know where the other process listens.
constexpr const char* told_url = "http://127.0.0.1:9";

}  // namespace

ApartPlatform::ApartPlatform(const std::string& program, const std::string& brokers,
                             const std::string& prefix)
    : project_(program, "kafka:" + brokers, {"--kafka-prefix", prefix, "--public-url", told_url},
               {}, "project"),
      receive_(program, "kafka:" + brokers, {"--kafka-prefix", prefix}, {}, "receive") {}

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
