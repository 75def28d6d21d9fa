#include "tests/support/local_broker.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace tests {
namespace {

const std::string tool = TRIBUTARY_SOURCE_DIR "/tools/kafka/kafka";

}  // namespace

std::string word_after(const std::string& text, const std::string& name) {
    const auto at = text.find(name);
    REQUIRE_MESSAGE(at != std::string::npos, "no " << name << " in: " << text);
    const auto from = at + name.size();
    return text.substr(from, text.find_first_of(" \n", from) - from);
}

std::string run_command(const std::string& command) {
    std::FILE* pipe = popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::string output;
    std::array<char, 4096> part{};
    while (const auto bytes = std::fread(part.data(), 1, part.size(), pipe)) {
        output.append(part.data(), bytes);
    }
    const int status = pclose(pipe);
    REQUIRE_MESSAGE(status == 0, command << ": " << output);
    return output;
}

LocalBroker& LocalBroker::instance() {
    static LocalBroker broker;
    return broker;
}

LocalBroker::LocalBroker() {
    start();
}

LocalBroker::~LocalBroker() {
    [[maybe_unused]] const int status =
        std::system((tool + " stop --kill --dir " + directory_.path().string()).c_str());
}

void LocalBroker::start() {
    const std::string said = run_command(tool + " start --dir " + directory_.path().string() +
                                         " --owner " + std::to_string(getpid()));
    bootstrap_ = word_after(said, "bootstrap=");
}

void LocalBroker::stop() {
    run_command(tool + " stop --dir " + directory_.path().string());
}

void LocalBroker::kill() {
    run_command(tool + " stop --kill --dir " + directory_.path().string());
}

std::string LocalBroker::fresh_prefix() {
    static std::atomic<int> number = 0;
    return "t" + std::to_string(++number) + ".";
}

}  // namespace tests
