#include "tests/support/local_cluster.hpp"

#include "tests/support/local_broker.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>

namespace tests {
namespace {

const std::string tool = TRIBUTARY_SOURCE_DIR "/tools/kafka/kafka";

std::string text_of(const std::filesystem::path& file) {
    std::string text;
    std::getline(std::ifstream(file), text);
    return text;
}

}  // namespace

LocalCluster::LocalCluster() {
    start_missing();
    for (int broker = 1; broker <= size; ++broker) {
        const std::string address = text_of(folder(broker) / "bootstrap");
        proxy(broker).forward_to(
            static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    }
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

pid_t LocalCluster::process(int broker) const {
    return std::stoi(text_of(folder(broker) / "broker.pid"));
}

void LocalCluster::start_missing() {
    const std::string said = run_command(fmt::format(
        "{} cluster --dir {} --owner {} --advertise {},{},{}", tool, directory_.path().string(),
        getpid(), proxies_[0].port(), proxies_[1].port(), proxies_[2].port()));
    bootstrap_ = word_after(said, "bootstrap=");
    inside_ = word_after(said, "inside=");
    sasl_ = word_after(said, "sasl=");
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
