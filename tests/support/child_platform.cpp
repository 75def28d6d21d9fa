#include "tests/support/child_platform.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

namespace tests {
namespace {

constexpr std::chrono::seconds start_max{90};

std::string text_of(const std::filesystem::path& file) {
    std::ostringstream text;
    text << std::ifstream(file, std::ios::binary).rdbuf();
    return text.str();
}

}  // namespace

ChildPlatform::ChildPlatform(std::string program, std::string log,
                             std::vector<std::string> more_flags, std::filesystem::path data,
                             std::string role)
    : data_(data.empty() ? directory_.path() / "data" : std::move(data)),
      program_(std::move(program)) {
    flags_ = {program_, role, "--data", data_.string(), "--partitions", "4"};
    if (role != "project") flags_.insert(flags_.end(), {"--ingress", "127.0.0.1:0"});
    if (role != "receive") flags_.insert(flags_.end(), {"--api", "127.0.0.1:0"});
    if (!log.empty()) flags_.insert(flags_.end(), {"--log", std::move(log)});
    flags_.insert(flags_.end(), more_flags.begin(), more_flags.end());
}

pid_t ChildPlatform::spawn() const {
    std::vector<char*> arguments;
    for (const std::string& flag : flags_) arguments.push_back(const_cast<char*>(flag.c_str()));
    arguments.push_back(nullptr);
    const std::string output = (directory_.path() / "output").string();
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    const int file = ::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(file, STDOUT_FILENO);
    ::dup2(file, STDERR_FILENO);
    ::execv(program_.c_str(), arguments.data());
    ::_exit(127);
}

// The note of a killed process stays behind, so the process id decides.
bool ChildPlatform::serves() {
    const std::string note = text_of(data() / "serving.json");
    schemas::json::Parser parser;
    const auto read = parser.parse(note);
    if (!read || (*read)["process"].integer() != pid_) return false;
    std::string key = text_of(data() / "admin.key");
    while (!key.empty() && key.back() == '\n') key.pop_back();
    const std::string pin = (*read)["public_key_pin"].scalar_text();
    const std::string scheme = pin.empty() ? "http://" : "https://";
    const std::string api = (*read)["api"].scalar_text();
    addresses_ = {.api = scheme + api,
                  .ingress = scheme + (*read)["ingress"].scalar_text(),
                  .admin_key = key,
                  .public_key_pin = pin};
    bus::net::HttpClient client;
    client.trust_only(pin);
    bus::net::ClientRequest question;
    question.url = (api.empty() ? addresses_.ingress : addresses_.api) + "/readyz";
    const auto answer = client.call(question);
    return answer && answer->status == 200;
}

void ChildPlatform::launch() {
    pid_ = spawn();
    REQUIRE(pid_ > 0);
}

void ChildPlatform::start() {
    launch();
    const auto deadline = std::chrono::steady_clock::now() + start_max;
    while (!serves()) {
        const bool ended = ::waitpid(pid_, nullptr, WNOHANG) != 0;
        if (ended) pid_ = 0;
        REQUIRE_MESSAGE(!ended, "the program ended:\n", said());
        REQUIRE_MESSAGE(std::chrono::steady_clock::now() < deadline, "not ready:\n", said());
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
}

int ChildPlatform::wait_for_end() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return status;
}

bool ChildPlatform::ends_within(std::chrono::milliseconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < deadline) {
        if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
            pid_ = 0;
            return true;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    return false;
}

void ChildPlatform::kill() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    wait_for_end();
}

int ChildPlatform::stop() {
    ::kill(pid_, SIGTERM);
    const int status = wait_for_end();
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string ChildPlatform::said() const {
    return text_of(directory_.path() / "output");
}

}  // namespace tests
