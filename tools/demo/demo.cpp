#include "tools/demo/demo.hpp"

namespace tools {

bus::Result<bus::Done> run_demo(const Platform& platform, const std::filesystem::path&, std::stop_token) {
    fmt::print("ingress http://{}  api http://{}\n", to_string(platform.ingress()), to_string(platform.api()));
    return bus::Done{};
}

}  // namespace tools
