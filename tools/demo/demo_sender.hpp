// Sends the samples through the ingress, signed, and waits until the rows have them.
#pragma once

#include "tools/demo/demo_sources.hpp"
#include "tools/demo/sample_traffic.hpp"

namespace tools::demo {

// Shows its progress on standard error. A sample sent before is taken as a duplicate. cancelled:
// `stop`; invalid_input: a sample was refused.
bus::Result<bus::Done> send_traffic(const Platform& platform, const DemoTenant& tenant,
                                    const std::vector<SampleEvent>& events,
                                    bus::net::HttpClient& client, const std::stop_token& stop);

}  // namespace tools::demo
