#include "tests/support/program_run.hpp"

#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>

namespace tests {
namespace {

std::string text_of(const std::filesystem::path& file) {
    std::ostringstream text;
    text << std::ifstream(file, std::ios::binary).rdbuf();
    return text.str();
}

void send_to(int descriptor, const std::string& file) {
    const int opened = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(opened, descriptor);
}

}  // namespace

std::string ProgramRun::value(const std::string& name) const {
    std::istringstream lines(out);
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with(name + "=")) return line.substr(name.size() + 1);
    return {};
}

ProgramRun run_program(const std::vector<std::string>& arguments, const std::string& crash_at) {
    const TempDirectory directory;
    const std::string out = (directory.path() / "out").string();
    const std::string error = (directory.path() / "error").string();
    std::vector<char*> pointers;
    for (const std::string& argument : arguments)
        pointers.push_back(const_cast<char*>(argument.c_str()));
    pointers.push_back(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
        if (!crash_at.empty()) ::setenv("TRIBUTARY_CRASH_AT", crash_at.c_str(), 1);
        send_to(STDOUT_FILENO, out);
        send_to(STDERR_FILENO, error);
        ::execv(pointers[0], pointers.data());
        ::_exit(127);
    }
    REQUIRE(child > 0);
    int status = 0;
    ::waitpid(child, &status, 0);
    ProgramRun run{.out = text_of(out), .error = text_of(error)};
    if (WIFEXITED(status)) run.exit_code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) run.signal = WTERMSIG(status);
    return run;
}

}  // namespace tests
