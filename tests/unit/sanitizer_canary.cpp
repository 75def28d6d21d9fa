// Does wrong what the named sanitizer looks for, on purpose: proves that the alarm works.
#include <limits>
#include <string_view>
#include <thread>
#include <vector>

namespace {

// `one` is 1, which no compiler can know.
int past_the_end(int one) {
    const std::vector<int> numbers(one);
    return numbers.data()[one];
}

int past_the_largest(int one) {
    return std::numeric_limits<int>::max() + one;
}

int from_two_threads(int one) {
    int sum = 0;
    std::thread other([&] { sum += one; });
    sum += one;
    other.join();
    return sum;
}

}  // namespace

int main(int count, char** arguments) {
    const std::string_view sanitizer = arguments[count - 1];
    const int one = count - 1;
    if (sanitizer == "address") return past_the_end(one);
    if (sanitizer == "undefined") return past_the_largest(one);
    return from_two_threads(one);
}
