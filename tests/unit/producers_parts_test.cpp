#include "tests/support/split_bodies.hpp"

#include <doctest/doctest.h>

#include <random>

using producers::BodyParts;

namespace {

// Accounts "k:0", "k:1" ... are owner 0's, 1's ...; others nobody's.
std::vector<std::string> split(std::string_view text, std::size_t owners) {
    schemas::json::Parser parser;
    const auto document = parser.parse(text);
    REQUIRE(document);
    const producers::RequestView request{"POST", "/", "", {}, text};
    auto parts = BodyParts::cut(request, *document, tests::cut_paths(), 100);
    REQUIRE(parts);
    parts->assign([&](std::string_view account) -> std::optional<std::size_t> {
        const auto number = static_cast<std::size_t>(account.back() - '0');
        return number < owners ? std::optional(number) : std::nullopt;
    });
    std::vector<std::string> all;
    for (std::size_t owner = 0; owner < owners; ++owner)
        all.push_back(parts->has(owner) ? parts->part(owner) : "");
    return all;
}

using Texts = std::vector<std::string>;

// Mostly such as cut_paths() lead into.
struct RandomJson {
    std::mt19937 random;

    std::size_t pick(std::size_t n) { return random() % n; }
    std::string blanks() { return std::string(pick(4) / 3, ' '); }
    std::string scalar() {
        static const char* const all[] = {"1", "\"22\"", "\"]},[{\\\"\"", "null", "[]", "{}"};
        return all[pick(std::size(all))];
    }
    std::string member(int depth) {
        static const char* const arrays[] = {"entry", "changes", "a", "c", "d", "e"};
        static const char* const objects[] = {"value", "metadata"};
        static const char* const scalars[] = {"id", "phone_number_id", "b", "f", "account"};
        const auto named = [&](const char* name) {
            return fmt::format("\"{}\":", name) + blanks();
        };
        const std::size_t kind = pick(8);
        if (kind < 4) return named(arrays[pick(std::size(arrays))]) + list('[', ']', depth);
        if (kind < 6) return named(objects[pick(std::size(objects))]) + list('{', '}', depth);
        return named(scalars[pick(std::size(scalars))]) + scalar();
    }
    std::string list(char open, char close, int depth) {
        std::string out(1, open);
        for (std::size_t i = 0, n = depth == 0 ? 0 : pick(4); i < n; ++i) {
            out += blanks() + (i > 0 ? "," : "") + blanks();
            if (open == '{')
                out += member(depth - 1);
            else
                out += pick(4) == 0 ? scalar() : value(depth - 1);
        }
        return out + blanks() + close;
    }
    std::string value(int depth) {
        return pick(4) == 0 ? list('[', ']', depth) : list('{', '}', depth);
    }
};

}  // namespace

TEST_CASE("body parts: everything outside of the cut elements stays as it came") {
    CHECK(split(R"( {"entry" : [ {"id":"0","x":1} , {"id":"1"}, {"id":"0"}  ] ,"n":1.50} )", 2) ==
          Texts{R"( {"entry" : [ {"id":"0","x":1}, {"id":"0"}  ] ,"n":1.50} )",
                R"( {"entry" : [ {"id":"1"}  ] ,"n":1.50} )"});
    CHECK(split(R"({"entry":[{"id":"\u0031"},{"id":"7","]},{":"\"]"}]})", 2) ==
          Texts{R"({"entry":[{"id":"7","]},{":"\"]"}]})", R"({"entry":[{"id":"\u0031"}]})"});
}

TEST_CASE("body parts: an element around goes where nothing of it is left") {
    const auto change = [](int n) {
        return fmt::format(R"({{"value":{{"metadata":{{"phone_number_id":"{}"}}}}}})", n);
    };
    const auto entry = [&](int id, const std::string& changes) {
        return fmt::format(R"({{"id":"{}","changes":[{}]}})", id, changes);
    };
    const auto body = [](const std::string& entries) { return "{\"entry\":[" + entries + "]}"; };
    CHECK(split(body(entry(9, change(1)) + "," + entry(1, change(0) + "," + change(9))), 2) ==
          Texts{body(entry(1, change(0))), body(entry(9, change(1)) + "," + entry(1, change(9)))});
    CHECK(split(body(entry(1, "") + "," + entry(0, "")), 2) ==
          Texts{body(entry(0, "")), body(entry(1, ""))});
}

TEST_CASE("body parts: what names the body, or one element of many, is not cut at") {
    CHECK(split(R"({"account":"1","entry":[{"x":1}]})", 2) ==
          Texts{"", R"({"account":"1","entry":[{"x":1}]})"});
    CHECK(split(R"({"a":[{"c":[{"d":["1"]},2]},{"c":[]}]})", 2) ==
          Texts{R"({"a":[{"c":[]}]})", R"({"a":[{"c":[{"d":["1"]},2]}]})"});
    CHECK(split(R"([["1","0"],["1"],[]])", 2) == Texts{R"([["0"],[]])", R"([["1"],["1"]])"});
}

TEST_CASE("body parts: too many elements are refused") {
    schemas::json::Parser parser;
    for (const char* elements : {"[[1,2,3]]", "[[1],[2],3]"}) {
        const producers::RequestView request{"POST", "/", "", {}, elements};
        const auto document = parser.parse(elements);
        CHECK(BodyParts::cut(request, *document, tests::cut_paths(), 6));
        const auto refused = BodyParts::cut(request, *document, tests::cut_paths(), 4);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == bus::ErrorCode::too_large);
    }
}

TEST_CASE("body parts: where a member on the way is there twice, nothing is cut") {
    schemas::json::Parser parser;
    const std::string text = R"({"entry":[{"id":"0"}],"entr\u0079":[{"id":"1"}]})";
    const producers::RequestView request{"POST", "/", "", {}, text};
    const auto refused = BodyParts::cut(request, *parser.parse(text), tests::cut_paths(), 100);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == bus::ErrorCode::invalid_input);
}

TEST_CASE("body parts: parts of any JSON are JSON and hold every element once") {
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    RandomJson json{std::mt19937(seed)};
    for (int i = 0; i < 20'000; ++i) {
        const std::string text = json.value(8);
        CAPTURE(text);
        CHECK(tests::wrong_with_split(text, 1 + json.pick(4)) == "");
    }
}
