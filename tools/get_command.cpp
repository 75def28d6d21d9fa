// get: one record, by its address or by the id of a request or an event.
#include "tools/command.hpp"
#include "tools/parsed_answer.hpp"

#include <memory>

namespace tools {
namespace {

using schemas::json::Value;

struct GetOptions {
    std::string data = "data";
    std::string tenant;
    std::string what;
    bool json = false;
};

bool is_address(std::string_view text) {
    return text.find('/') != text.npos;
}

void print_members(std::string_view indent, Value object) {
    object.each_member([&](std::string_view name, Value value) {
        const std::string text = value.scalar_text();
        fmt::print("{}{}: {}\n", indent, name, text.empty() ? json_of(value) : text);
    });
}

void print_event(Value event) {
    fmt::print("event {} {} at {}\n", event["type"].text(), event["id"].text(),
               event["time"].text());
    print_members("    ", event["fields"]);
    event["keys"].each_element(
        [](Value key) { fmt::print("    key {}:{}\n", key["kind"].text(), key["key"].text()); });
    event["warnings"].each_element([](Value warning) {
        fmt::print("    warning {}: {}\n", warning["field"].text(), warning["reason"].text());
    });
}

void print_record(Value record) {
    fmt::print("record {} {}\n", record["type"].text(), record["id"].text());
    for (const std::string_view name :
         {"address", "tenant", "source", "ingest_time", "verified", "bytes", "problem"}) {
        if (record[name]) fmt::print("    {}: {}\n", name, record[name].scalar_text());
    }
    record["events"].each_element(print_event);
    record["failures"].each_element([](Value failure) {
        fmt::print("dead letter {}: {}\n", failure["path"].text(), failure["reason"].text());
    });
    fmt::print("headers\n");
    print_members("    ", record["headers"]);
    if (record["expired"].boolean() == true)
        return fmt::print("body expired: its topic is kept for a time only\n");
    if (record["erased"].boolean() == true) return fmt::print("body erased for good\n");
    fmt::print("body\n{}\n", record["body"].text());
}

// 1 when the log no longer has it: what the index knows is printed all the same.
int print_expired(Value answer) {
    fmt::print("expired {}: {}\n", answer["address"].text(), answer["problem"].text());
    print_members("    ", answer["row"]);
    return 1;
}

int run_get(const GetOptions& options) {
    auto instance = RunningInstance::find(options.data);
    if (!instance) return report(instance.error());
    const std::string target =
        "/v1/operator/record?" +
        query_part(is_address(options.what) ? "address" : "id", options.what) +
        query_part("tenant", options.tenant);
    const auto answer = ParsedAnswer::parse(instance->get(target));
    if (!answer) return report(answer.error());
    const bool is_expired = bool((*answer)["row"]);
    if (options.json) {
        fmt::print("{}\n", answer->text());
        return is_expired ? 1 : 0;
    }
    if (is_expired) return print_expired(answer->root());
    print_record(answer->root());
    return 0;
}

}  // namespace

void add_get_command(CLI::App& program, ExitCode& exit_code) {
    auto options = std::make_shared<GetOptions>();
    CLI::App* command = program.add_subcommand(
        "get", "one record with headers, body and the events it is mapped to (personal data)");
    command
        ->add_option("what", options->what,
                     "an address like chat/3/17, or the id of a request or an event")
        ->required();
    command->add_option("--data", options->data, "data folder of the running instance")
        ->envname("TRIBUTARY_DATA")
        ->capture_default_str();
    command->add_option("--tenant", options->tenant, "look for the id only there, by its code");
    command->add_flag("--json", options->json, "the answer as JSON");
    command->footer(
        "Example: tributary get chat/3/17\n"
        "         tributary get 019a2b3c-0000-7000-8000-000000000001 --tenant acme");
    command->callback([options, &exit_code] { exit_code = run_get(*options); });
}

}  // namespace tools
