// Stands for the program `codez` in the holder's tests.
#include <cstdio>
#include <string_view>

#include "agent/hold/client.hpp"
#include "agent/hold/hold_main.hpp"

int main(int argc, char** argv) {
    const std::string_view verb = argc > 1 ? argv[1] : "";
    if (verb == "hold") return agent::hold::hold_main();
    if (verb == "leftovers" && argc == 3) std::printf("ended %d\n", agent::hold::end_leftovers(argv[2]));
    return 0;
}
