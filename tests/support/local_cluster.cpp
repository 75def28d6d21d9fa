#include "tests/support/local_cluster.hpp"

#include "tests/support/local_broker.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>
#include <vector>

namespace tests {
namespace {

const std::string tool = TRIBUTARY_SOURCE_DIR "/tools/kafka/kafka";

std::string text_of(const std::filesystem::path& file) {
    std::string text;
    std::getline(std::ifstream(file), text);
    return text;
}

// "4001,4002"
template <class Proxies, class PortOf>
std::string ports_of(const Proxies& proxies, const PortOf& port_of) {
    std::string ports;
    for (const auto& proxy : proxies)
        ports += fmt::format("{}{}", ports.empty() ? "" : ",", port_of(proxy));
    return ports;
}

// Of "127.0.0.1:4001,127.0.0.1:4002".
std::vector<std::uint16_t> ports_in(const std::string& addresses) {
    std::vector<std::uint16_t> ports;
    for (auto at = addresses.find(':'); at != addresses.npos; at = addresses.find(':', at + 1))
        ports.push_back(static_cast<std::uint16_t>(std::stoi(addresses.substr(at + 1))));
    return ports;
}

// https://kafka.apache.org/documentation/#recordbatch: base offset, then the length of what
// follows.
struct BatchPlace {
    std::int64_t offset;
    std::uintmax_t at;
};
constexpr std::size_t batch_head_bytes = 12;

std::vector<BatchPlace> batches_in(const std::filesystem::path& segment) {
    std::vector<BatchPlace> batches;
    std::ifstream in(segment, std::ios::binary);
    std::array<unsigned char, batch_head_bytes> head{};
    const auto number = [&](std::size_t from, std::size_t to) {
        std::uint64_t big_endian = 0;
        for (std::size_t i = from; i < to; ++i) big_endian = big_endian << 8 | head[i];
        return big_endian;
    };
    for (std::uintmax_t at = 0; in.read(reinterpret_cast<char*>(head.data()), head.size());) {
        const std::uint64_t length = number(8, batch_head_bytes);
        if (length == 0) break;
        batches.push_back({static_cast<std::int64_t>(number(0, 8)), at});
        at += batch_head_bytes + length;
        in.seekg(static_cast<std::streamoff>(at));
    }
    return batches;
}

std::filesystem::path newest_segment(const std::filesystem::path& partition) {
    std::filesystem::path newest;
    for (const auto& entry : std::filesystem::directory_iterator(partition))
        if (entry.path().extension() == ".log") newest = std::max(newest, entry.path());
    return newest;
}

// What a broker makes anew of the segment goes too: indexes and producers' states.
void cut_segment(const std::filesystem::path& partition, std::int64_t first_gone) {
    const std::filesystem::path segment = newest_segment(partition);
    for (const BatchPlace& batch : batches_in(segment))
        if (batch.offset >= first_gone) {
            std::filesystem::resize_file(segment, batch.at);
            break;
        }
    for (const auto& entry : std::filesystem::directory_iterator(partition))
        for (const char* made : {".index", ".timeindex", ".snapshot"})
            if (entry.path().extension() == made) std::filesystem::remove(entry.path());
}

}  // namespace

LocalCluster::LocalCluster() {
    make();
    start_missing();
}

void LocalCluster::make() {
    const auto port_of = [](const auto& proxy) { return proxy.port(); };
    const auto port_of_way = [](const Way& way) { return way.proxy.port(); };
    const std::string said = run_command(
        fmt::format("{} cluster --only-make --dir {} --advertise {} --inside {} --peers {}", tool,
                    directory_.path().string(), ports_of(proxies_, port_of),
                    ports_of(to_records_, port_of), ports_of(to_controllers_, port_of_way)));
    bootstrap_ = word_after(said, "bootstrap=");
    inside_ = word_after(said, "inside=");
    sasl_ = word_after(said, "sasl=");
    const std::vector<std::uint16_t> records = ports_in(inside_),
                                     controllers = ports_in(word_after(said, "controllers="));
    for (std::size_t i = 0; i < size; ++i) {
        proxies_[i].forward_to(ports_in(text_of(folder(static_cast<int>(i) + 1) / "bootstrap"))[0]);
        to_records_[i].forward_to(records[i]);
    }
    for (Way& way : to_controllers_)
        way.proxy.forward_to(controllers[static_cast<std::size_t>(way.to - 1)]);
}

void LocalCluster::isolate_from_peers(int broker) {
    to_records_.at(static_cast<std::size_t>(broker - 1)).swallow();
    for (Way& way : to_controllers_)
        if (way.from == broker || way.to == broker) way.proxy.swallow();
}

void LocalCluster::join_all() {
    const auto join = [](TcpProxy& proxy) {
        proxy.delay(std::chrono::milliseconds{0});
        proxy.pass();
    };
    for (TcpProxy& proxy : proxies_) join(proxy);
    for (TcpProxy& proxy : to_records_) join(proxy);
    for (Way& way : to_controllers_) join(way.proxy);
}

LocalCluster::~LocalCluster() {
    for (int broker = 1; broker <= size; ++broker)
        [[maybe_unused]] const int status = std::system(
            fmt::format("{} stop --kill --dir {}", tool, folder(broker).string()).c_str());
}

std::filesystem::path LocalCluster::folder(int broker) const {
    return directory_.path() / fmt::format("n{}", broker);
}

// A partition that is being deleted has another name at once.
bool LocalCluster::holds(const std::string& topic) const {
    for (int broker = 1; broker <= size; ++broker)
        for (const auto& entry : std::filesystem::directory_iterator(folder(broker) / "data")) {
            const std::string name = entry.path().filename().string();
            if (name.substr(0, name.rfind('-')) == topic) return true;
        }
    return false;
}

void LocalCluster::wait_until_deleted(const std::string& topic,
                                      std::chrono::milliseconds patience) const {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (holds(topic)) {
        REQUIRE_MESSAGE(std::chrono::steady_clock::now() < deadline, topic, " is not deleted");
        std::this_thread::sleep_for(std::chrono::milliseconds{50});
    }
}

std::int64_t LocalCluster::cut_tail(const std::string& topic, int partition) const {
    const std::string name = fmt::format("{}-{}", topic, partition);
    const auto batches = batches_in(newest_segment(folder(1) / "data" / name));
    if (batches.size() < 2) return 0;
    const std::int64_t first_gone = batches[batches.size() / 2].offset;
    for (int broker = 1; broker <= size; ++broker)
        cut_segment(folder(broker) / "data" / name, first_gone);
    return first_gone;
}

pid_t LocalCluster::process(int broker) const {
    return std::stoi(text_of(folder(broker) / "broker.pid"));
}

void LocalCluster::start_missing() {
    run_command(
        fmt::format("{} cluster --dir {} --owner {}", tool, directory_.path().string(), getpid()));
}

void LocalCluster::start(int broker) {
    run_command(
        fmt::format("{} start --dir {} --owner {}", tool, folder(broker).string(), getpid()));
}

void LocalCluster::kill_all() {
    for (int broker = 1; broker <= size; ++broker) kill(broker);
}

void LocalCluster::stop(int broker) {
    run_command(fmt::format("{} stop --dir {}", tool, folder(broker).string()));
}

void LocalCluster::kill(int broker) {
    run_command(fmt::format("{} stop --kill --dir {}", tool, folder(broker).string()));
}

void LocalCluster::freeze(int broker) const {
    ::kill(process(broker), SIGSTOP);
}

void LocalCluster::thaw(int broker) const {
    ::kill(process(broker), SIGCONT);
}

std::string LocalCluster::fresh_prefix() {
    static int number = 0;
    return fmt::format("c{}.", ++number);
}

}  // namespace tests
