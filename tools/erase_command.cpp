// erase: takes a client or a person out for good, with a proof of every place that was looked at.
//
// Prints its plan; acts only with --commit. Exit codes: 0 done, 1 it did not work, 2 wrong usage, 3
// something is left that this program cannot reach (the report says where).
#include "tools/command.hpp"
#include "tools/jobs/foreground_job.hpp"

#include <memory>

namespace tools {
namespace {

constexpr int something_left = 3;

struct EraseCommand {
    std::string data = "data";
    std::string tenant;
    std::string customer, of_tenant;
    bool with_shared = false;
    bool dry_run = false;
    bool commit = false;
    bool json = false;
};

std::string request_of(const EraseCommand& command) {
    std::string body;
    schemas::json::Writer(body)
        .begin_object()
        .member("client", command.customer.empty() ? command.tenant : command.of_tenant)
        .member("customer", command.customer)
        .member("with_shared", command.with_shared)
        .member("dry_run", !command.commit)
        .end_object();
    return body;
}

void print_place(schemas::json::Value place) {
    std::string line;
    place.each_member([&](std::string_view name, schemas::json::Value value) {
        line += fmt::format("{}{}={}", line.empty() ? "" : " ", name, value.scalar_text());
    });
    fmt::print("{}\n", line);
}

int run_erase(const EraseCommand& command) {
    auto instance = RunningInstance::find(command.data);
    if (!instance) return report(instance.error());
    const auto text = jobs::start_and_follow(*instance, "/v1/erase", request_of(command));
    if (!text) return report(text.error());
    schemas::json::Parser parser;
    const auto json = parser.parse(
        *text, {.bytes_max = text->size() + 1, .depth_max = 64, .keys_max = 1'000'000});
    if (!json) return report(json.error());
    const bool complete = (*json)["complete"].boolean().value_or(false);
    if (command.json) {
        fmt::print("{}\n", *text);
    } else {
        (*json)["places"].each_element(print_place);
        if (command.commit)
            fmt::print("erasure={} complete={}\n", (*json)["erasure"].text(), complete);
        else
            fmt::print("nothing was changed; to erase for good, add --commit\n");
    }
    return !command.commit || complete ? 0 : something_left;
}

}  // namespace

void add_erase_command(CLI::App& program, ExitCode& exit_code) {
    auto options = std::make_shared<EraseCommand>();
    CLI::App* command = program.add_subcommand(
        "erase", "take a client or a person out for good; without --commit it only looks");
    auto* tenant = command->add_option("--tenant", options->tenant, "code of the client");
    auto* customer = command->add_option("--customer", options->customer,
                                         "one person instead: a phone number, an email, or a key "
                                         "such as external:shop:cus_1");
    customer->excludes(tenant)->needs(command->add_option(
        "--of-tenant", options->of_tenant, "code of the client that knows the person"));
    command
        ->add_flag("--with-shared", options->with_shared,
                   "with the person's records those that tell of others too")
        ->needs(customer);
    auto* commit = command->add_flag("--commit", options->commit, "do it; there is no way back");
    command->add_flag("--dry-run", options->dry_run, "only look (the default)")->excludes(commit);
    command->add_option("--data", options->data, "data folder of the running instance")
        ->envname("TRIBUTARY_DATA")
        ->capture_default_str();
    command->add_flag("--json", options->json, "the proof as JSON");
    command->footer(
        "A client under a legal hold is refused. Exit codes: 0 done, 1 it did not work, 3 "
        "something "
        "is left (a Kafka log keeps bodies).\n"
        "Example: tributary erase --tenant acme --commit --data /var/lib/tributary\n"
        "         tributary erase --customer +919812345678 --of-tenant acme");
    command->callback([options, &exit_code] {
        if (options->tenant.empty() && options->customer.empty())
            throw CLI::RequiredError("--tenant or --customer");
        exit_code = run_erase(*options);
    });
}

}  // namespace tools
